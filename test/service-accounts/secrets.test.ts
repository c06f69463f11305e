import type * as crypto from 'node:crypto'
import { timingSafeEqual } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { fullCaller } from '../../src/core/caller.js'
import { hashOf, newToken } from '../../src/service-accounts/token.js'
import { temporaryDirectory } from '../support/two-processes.js'
import { closedServer, fileStorage, keepingLogger } from './support.js'

vi.mock('node:crypto', async (original) => {
  const real = await original<typeof crypto>()
  return { ...real, timingSafeEqual: vi.fn(real.timingSafeEqual) }
})

it('makes tokens that are all different, of 256 random bits', () => {
  const tokens = Array.from({ length: 2000 }, newToken)
  expect(new Set(tokens).size).toBe(2000)
  for (const token of tokens) expect(token).toMatch(/^agno_pat_[0-9A-Za-z]{43}$/)
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const numberOf = (token: string): bigint =>
    Array.from(token.slice(9)).reduce((sum, digit) => sum * 62n + BigInt(digits.indexOf(digit)), 0n)
  const bits = tokens.map((token) => numberOf(token).toString(2).padStart(256, '0'))
  for (const text of bits) expect(text).toHaveLength(256)
  // Each bit is set about as often as not: 1000 times, give or take 8 standard deviations.
  const timesSet = Array.from({ length: 256 }, (_, at) => bits.filter((text) => text[at] === '1').length)
  expect(Math.min(...timesSet)).toBeGreaterThan(820)
  expect(Math.max(...timesSet)).toBeLessThan(1180)
})

it('compares the hash of a token in constant time', async () => {
  const { mint, ask } = await closedServer({ cacheTtlSeconds: 0 })
  const { token } = (await mint({ name: 'ci' })).body
  const compared = vi.mocked(timingSafeEqual)
  compared.mockClear()
  expect((await ask('GET /sessions', { token })).status).toBe(200)
  expect(compared.mock.calls).toEqual([[Buffer.from(hashOf(token)), Buffer.from(hashOf(token))]])
  compared.mockReturnValueOnce(false)
  expect((await ask('GET /sessions', { token })).status).toBe(401)
})

it('never says or writes a token again', async () => {
  const directory = temporaryDirectory()
  const { logger, said } = keepingLogger()
  const storage = fileStorage(join(directory, 'agentos.db'))
  const server = await closedServer({ storage, logger, cacheTtlSeconds: 0 })
  const { ask, mint, clock, service } = server
  const asked = { scopes: ['service_accounts:read', 'agents:run'], allow_privileged_scopes: true }
  const minted = [(await mint({ ...asked, name: 'one' })).body, (await mint({ ...asked, name: 'two' })).body]
  const rotated = await service.rotate(fullCaller, minted[1].id)
  const tokens: string[] = [...minted.map((one) => one.token), rotated.token, newToken()]
  const answers: string[] = []
  for (const token of tokens) {
    for (const line of ['GET /service-accounts', 'GET /sessions', 'DELETE /service-accounts/x', 'GET /nowhere']) {
      answers.push((await ask(line, { token, address: token.slice(0, 12) })).text)
    }
    answers.push((await ask('POST /agents/my-agent/runs', { token, body: { message: 'Hi' } })).text)
    answers.push((await mint({ ...asked, name: token })).text)
  }
  answers.push((await mint({ ...asked, name: 'one' })).text)
  const spied = vi.spyOn(server.storage.serviceAccounts, 'findByTokenHash').mockRejectedValue(new Error('gone'))
  answers.push((await ask('GET /sessions', { token: tokens[0] })).text)
  expect(spied).toHaveBeenCalledOnce()
  clock.advance(60_000)
  expect(answers.filter((text) => text.includes('SERVICE_ACCOUNT_TOKEN_INVALID')).length).toBeGreaterThan(5)
  expect(answers.at(-1)).toContain('AUTH_UNAVAILABLE')
  expect(said()).toContain('AUTH_UNAVAILABLE')

  const files = (): Buffer[] => readdirSync(directory).map((name) => readFileSync(join(directory, name)))
  const written = files()
  expect(written.length).toBeGreaterThan(1)
  expect(written.some((bytes) => bytes.includes(hashOf(tokens[0]!)))).toBe(true)
  await server.agentOS.stop()
  for (const token of tokens) {
    const secret = token.slice('agno_pat_'.length + 7)
    for (const bytes of [...written, ...files()]) expect(bytes.includes(secret)).toBe(false)
    expect(said()).not.toContain(secret)
    expect(answers.filter((text) => text.includes(secret))).toEqual([])
  }
  for (const token of tokens) expect(answers.join('\n') + said()).not.toContain(hashOf(token))
})
