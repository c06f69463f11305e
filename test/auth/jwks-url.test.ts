import { describe, expect, it } from 'vitest'
import type { Caller } from '../../src/core/caller.js'
import { authSettings } from '../../src/auth/auth-settings.js'
import type { AuthOptions } from '../../src/auth/auth-options.js'
import { Authenticator } from '../../src/auth/authenticator.js'
import { parseKeySet } from '../../src/auth/key-set.js'
import { RemoteKeys } from '../../src/auth/remote-keys.js'
import { silentLogger } from '../../src/core/logger.js'
import { gate } from '../support/agent-os.js'
import { issuer, jwks, ManualClock, requestWith, signer, token } from './support.js'
import type { Issuer, Signer } from './support.js'

const first = signer('first')
const second = signer('second')

async function setUp(answer: Issuer['answer'], more: AuthOptions = {}) {
  const served = await issuer(answer)
  const clock = new ManualClock()
  const settings = authSettings({ jwksUrl: served.url, allowInsecureJwksUrl: true, ...more }, 'agentos', {})
  const authenticator = new Authenticator(settings, { clock, logger: silentLogger })
  const ask = async (sent: string): Promise<Caller> => authenticator.authenticate(requestWith(`Bearer ${sent}`))
  /** Tokens live longer than the clock of these tests goes. */
  const by = (one: Signer, header?: Record<string, unknown>) => token(one, { exp: clock.at / 1000 + 1e6 }, header)
  return { served, clock, ask, by, authenticator }
}

const refused = (code: string) => expect.objectContaining({ code })

describe('a JWKS URL', () => {
  it('is asked by the first token, not by the construction, and then not for ten minutes', async () => {
    const { served, clock, ask, by } = await setUp(jwks(first))
    expect(served.asked).toBe(0)
    expect((await ask(await by(first))).userId).toBe('alice')
    clock.advance(599)
    expect((await ask(await by(first))).userId).toBe('alice')
    expect(served.asked).toBe(1)
    clock.advance(2)
    await ask(await by(first))
    expect(served.asked).toBe(2)
  })

  it('is asked again for a key that it did not have, so that a new one counts at once', async () => {
    const { served, clock, ask, by } = await setUp(jwks(first))
    await ask(await by(first))
    served.answer = jwks(first, second)
    clock.advance(31)
    expect((await ask(await by(second))).userId).toBe('alice')
    expect(served.asked).toBe(2)
    expect((await ask(await by(first))).userId).toBe('alice')
  })

  it('is not asked more than every 30 s for keys that nobody has', async () => {
    const { served, clock, ask, by } = await setUp(jwks(first))
    const unknown = async (kid: string) => ask(await by(first, { kid })).catch((error: unknown) => error)
    await ask(await by(first))
    for (let attempt = 0; attempt < 20; attempt++)
      expect(await unknown(`made-up-${attempt}`)).toEqual(refused('TOKEN_INVALID'))
    expect(served.asked).toBe(1)
    clock.advance(31)
    for (let attempt = 0; attempt < 20; attempt++) await unknown(`again-${attempt}`)
    expect(served.asked).toBe(2)
  })

  it('is asked once by any number of tokens that come at once, cold or with an unknown key', async () => {
    const { served, clock, ask, by } = await setUp(jwks(first))
    const firsts = await Promise.all(Array.from({ length: 50 }, () => by(first)))
    await Promise.all(firsts.map(ask))
    expect(served.asked).toBe(1)
    served.answer = jwks(second)
    clock.advance(31)
    const seconds = await Promise.all(Array.from({ length: 50 }, () => by(second)))
    await Promise.all(seconds.map(ask))
    expect(served.asked).toBe(2)
  })

  it('takes a key out of use that it no longer lists: after ten minutes at the latest, tokens seen before included', async () => {
    const { served, clock, ask, by } = await setUp(jwks(first))
    const old = await by(first)
    await ask(old)
    served.answer = jwks(second)
    clock.advance(599)
    expect((await ask(old)).userId).toBe('alice')
    clock.advance(2)
    await expect(ask(old)).rejects.toEqual(refused('TOKEN_INVALID'))
    expect((await ask(await by(second))).userId).toBe('alice')
  })

  it('takes it out of use at once when another token has had the document fetched', async () => {
    const { served, clock, ask, by } = await setUp(jwks(first))
    const old = await by(first)
    await ask(old)
    served.answer = jwks(second)
    clock.advance(31)
    await ask(await by(second))
    await expect(ask(old)).rejects.toEqual(refused('TOKEN_INVALID'))
  })

  it.each<[string, Issuer['answer']]>([
    ['500', (_request, response) => void response.writeHead(500).end()],
    ['a broken connection', (request) => void request.socket.destroy()],
    ['no JSON', '<html>'],
    ['no key set', { error: 'no' }],
    ['an empty set', { keys: [] }],
    [
      'a redirect to other keys',
      ({ url }, response) => {
        if (url === '/other') response.end(JSON.stringify(jwks(second)))
        else response.writeHead(302, { location: '/other' }).end()
      },
    ],
    ['a document of 1 MiB', JSON.stringify(jwks(second)) + ' '.repeat(1 << 20)],
    ['a thousand keys', { keys: Array.from({ length: 1000 }, (_, at) => ({ ...first.jwk, kid: `k${at}` })) }],
  ])('that answers with %s leaves its last good keys, for an hour', async (_name, bad) => {
    const { served, clock, ask, by } = await setUp(jwks(first))
    await ask(await by(first))
    served.answer = bad
    clock.advance(3500)
    expect((await ask(await by(first))).userId).toBe('alice')
    const asked = served.asked
    for (let attempt = 0; attempt < 10; attempt++) await ask(await by(first))
    expect(served.asked).toBe(asked)
    clock.advance(101)
    await expect(ask(await by(first))).rejects.toEqual(refused('AUTH_UNAVAILABLE'))
    served.answer = jwks(first)
    clock.advance(31)
    expect((await ask(await by(first))).userId).toBe('alice')
  })

  it('that was never there is 503 with a time to come again, and is asked again after 5 s', async () => {
    const { served, clock, ask, by, authenticator } = await setUp((request) => request.socket.destroy())
    const failure = await ask(await by(first)).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'AUTH_UNAVAILABLE', status: 503, retryAfterSeconds: 5 })
    expect(await authenticator.check()).toMatchObject({ ready: false })
    expect(served.asked).toBe(1)
    served.answer = jwks(first)
    clock.advance(6)
    expect((await ask(await by(first))).userId).toBe('alice')
    expect(await authenticator.check()).toEqual({ ready: true })
  })

  it('that is slow holds nobody up whose key is known', async () => {
    const slow = gate()
    const { served, clock, ask, by } = await setUp(jwks(first))
    await ask(await by(first))
    served.answer = (_request, response) =>
      void slow.opened.then(() => response.end(JSON.stringify(jwks(first, second))))
    clock.advance(31)
    const waiting = ask(await by(second))
    expect((await ask(await by(first))).userId).toBe('alice')
    slow.open()
    expect((await waiting).userId).toBe('alice')
  })

  it('that never ends its answer is given up', async () => {
    const served = await issuer((_request, response) => void response.writeHead(200).write('{"keys":['))
    const parts = { clock: new ManualClock(), logger: silentLogger, maxStaleMs: 0, timeoutMs: 50 }
    await expect(Promise.resolve(new RemoteKeys(served.url, parts).current())).rejects.toEqual(
      refused('AUTH_UNAVAILABLE'),
    )
  })

  it('is not waited for once the option says that nothing stale counts', async () => {
    const { served, clock, ask, by } = await setUp(jwks(first), { jwksMaxStaleSeconds: 0 })
    await ask(await by(first))
    served.answer = (request) => request.socket.destroy()
    clock.advance(601)
    await expect(ask(await by(first))).rejects.toEqual(refused('AUTH_UNAVAILABLE'))
  })
})

describe('a poisoned key set', () => {
  const bad = signer('bad')
  const privateJwk = { ...bad.privateKey.export({ format: 'jwk' }), kid: 'bad', alg: 'RS256' }
  const weak = { kty: 'RSA', kid: 'bad', n: Buffer.alloc(64, 0xff).toString('base64url'), e: 'AQAB' }
  it.each<[string, object[]]>([
    ['a private key', [privateJwk]],
    ['a symmetric key', [{ kty: 'oct', kid: 'bad', k: Buffer.alloc(32, 1).toString('base64url'), alg: 'HS256' }]],
    ['a wrong kty', [{ ...bad.jwk, kty: 'EC' }]],
    ['an unknown kty', [{ ...bad.jwk, kty: 'AKP' }]],
    ['a key for encryption', [{ ...bad.jwk, use: 'enc' }]],
    ['a key that may not verify', [{ ...bad.jwk, use: undefined, key_ops: ['sign'] }]],
    ['a key for another algorithm', [{ ...bad.jwk, alg: 'PS256' }]],
    ['an id that is no text', [{ ...bad.jwk, kid: 7 }]],
    ['a weak key', [weak]],
    ['an exponent of 1', [{ ...bad.jwk, e: 'AQ' }]],
    ['an id twice', [bad.jwk, signer('bad').jwk]],
    ['rubbish', [null, 7, 'key', [], {}] as object[]],
  ])('with %s: that key is of no use, the good ones beside it are', async (_name, poison) => {
    const { ask, by } = await setUp({ keys: [...poison, first.jwk] })
    expect((await ask(await by(first))).userId).toBe('alice')
    await expect(ask(await by(bad))).rejects.toEqual(refused('TOKEN_INVALID'))
  })

  it('tells keys of one id apart that are of different kinds', async () => {
    const twin = signer('first', 'ES256')
    const { ask, by } = await setUp(jwks(first, twin), { algorithm: ['RS256', 'ES256'] })
    expect((await ask(await by(first))).userId).toBe('alice')
    expect((await ask(await by(twin))).userId).toBe('alice')
  })

  it('never gives a key to an algorithm of another kind', () => {
    const keys = parseKeySet(jwks(signer('ec', 'ES256'), signer('ed', 'EdDSA'), first))
    expect(keys.candidates('RS256', 'first')).toHaveLength(1)
    for (const algorithm of ['HS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const) {
      expect(keys.candidates(algorithm, 'first')).toEqual([])
    }
    expect(keys.candidates('RS256', 'ec')).toEqual([])
    expect(keys.candidates('RS256', 'ed')).toEqual([])
  })

  it('is no way around an id that is none', async () => {
    const keyless = signer(null)
    const { ask, by } = await setUp(jwks(keyless))
    expect((await ask(await by(keyless, { kid: 'any' }))).userId).toBe('alice')
    for (const kid of [7, null, {}, []]) {
      await expect(ask(await by(keyless, { kid }))).rejects.toEqual(refused('TOKEN_INVALID'))
    }
  })

  it('has keys without an id tried one after the other', async () => {
    const [one, other] = [signer(null), signer(null)]
    const { ask, by } = await setUp(jwks(one, other))
    expect((await ask(await by(one))).userId).toBe('alice')
    expect((await ask(await by(other))).userId).toBe('alice')
    await expect(ask(await by(signer(null)))).rejects.toEqual(refused('TOKEN_INVALID'))
  })
})
