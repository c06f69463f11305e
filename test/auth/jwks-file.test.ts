import { rmSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { authSettings } from '../../src/auth/auth-settings.js'
import { Authenticator } from '../../src/auth/authenticator.js'
import type { Caller } from '../../src/core/caller.js'
import { silentLogger } from '../../src/core/logger.js'
import { temporaryPath } from '../storage/support/temporary.js'
import { jwks, ManualClock, requestWith, signer, token } from './support.js'
import type { Signer } from './support.js'

const [first, second] = [signer('first'), signer('second')]

function setUp() {
  const path = temporaryPath()
  const write = (content: object | string): void =>
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  write(jwks(first))
  const clock = new ManualClock()
  const authenticator = new Authenticator(authSettings({ jwksFile: path }, 'agentos', {}), {
    clock,
    logger: silentLogger,
  })
  const as = async (one: Signer): Promise<Caller> =>
    authenticator.authenticate(requestWith(`Bearer ${await token(one, { exp: clock.at / 1000 + 1e6 })}`))
  return { path, write, clock, as }
}

const refused = (code: string) => expect.objectContaining({ code })

it('a JWKS file is read again when it changes: a new key counts at once, a removed one after a second', async () => {
  const { write, clock, as } = setUp()
  expect((await as(first)).userId).toBe('alice')
  await expect(as(second)).rejects.toEqual(refused('TOKEN_INVALID'))
  write(jwks(second))
  expect((await as(second)).userId).toBe('alice')
  clock.advance(1)
  await expect(as(first)).rejects.toEqual(refused('TOKEN_INVALID'))
})

it('a JWKS file that went bad, or away, leaves its last good keys for an hour', async () => {
  for (const spoil of ['', '{"keys":[]}', undefined]) {
    const { path, write, clock, as } = setUp()
    await as(first)
    if (spoil === undefined) rmSync(path)
    else write(spoil)
    clock.advance(3599)
    expect((await as(first)).userId).toBe('alice')
    clock.advance(3)
    await expect(as(first)).rejects.toEqual(refused('AUTH_UNAVAILABLE'))
    write(jwks(second))
    clock.advance(1)
    expect((await as(second)).userId).toBe('alice')
  }
})
