import { describe, expect, it } from 'vitest'
import { fullCaller } from '../../src/core/caller.js'
import { ServiceAccountVerifier } from '../../src/service-accounts/service-account-verifier.js'
import { newToken } from '../../src/service-accounts/token.js'
import { gate, until } from '../support/agent-os.js'
import { closedServer, DAY_MS, keepingLogger } from './support.js'
import type { ClosedOptions } from './support.js'

type Accounts = Parameters<NonNullable<ClosedOptions['accounts']>>[0]

const RUN = 'POST /agents/my-agent/runs'

/** A storage that counts how often tokens are looked up and uses are written, and fails while it is told to. */
function watched() {
  const seen = {
    lookUps: 0,
    uses: [] as [id: string, at: number][],
    fails: false,
    before: (): Promise<void> | void => {},
  }
  const accounts = (real: Accounts): Accounts => ({
    ...real,
    findByTokenHash: async (hash) => {
      seen.lookUps++
      if (seen.fails) throw new Error('SQLITE_IOERR: select secret_column from agentos_service_accounts')
      const found = await real.findByTokenHash(hash)
      await seen.before()
      return found
    },
    noteUse: async (id, at) => {
      seen.uses.push([id, at])
      if (seen.fails) throw new Error('SQLITE_IOERR')
      await real.noteUse(id, at)
    },
  })
  return { seen, accounts }
}

describe('the token of a service account', () => {
  it('acts as the principal of its account, and may do what its scopes say', async () => {
    const { mint, ask, agentOS, verifier } = await closedServer()
    const { token } = (await mint({ name: 'ci', scopes: ['agents:my-agent:run', 'sessions:read'] })).body
    expect(await verifier.verify(token, undefined)).toEqual({
      kind: 'service_account',
      userId: 'sa:ci',
      scopes: ['agents:my-agent:run', 'sessions:read'],
      admin: false,
      scoped: true,
    })
    const run = await ask(RUN, { token, body: { message: 'Hi', session_id: 'thread-1' } })
    expect(run).toMatchObject({ status: 200, body: { user_id: 'sa:ci', status: 'completed' } })
    expect((await ask('GET /sessions/thread-1', { token })).body).toMatchObject({ user_id: 'sa:ci' })
    await agentOS.sessions.create({ sessionId: 'of-alice', userId: 'alice' })
    expect((await ask('GET /sessions/of-alice', { token })).status).toBe(404)
    expect((await ask('GET /sessions', { token })).body.data).toHaveLength(1)
    const other = await ask('DELETE /sessions/thread-1', { token })
    expect(other).toMatchObject({ status: 403, body: { required_scopes: ['sessions:delete'] } })
    for (const userId of ['alice', 'sa:other']) {
      expect((await ask(RUN, { token, body: { message: 'Hi', user_id: userId } })).status).toBe(403)
    }
  })

  it('may do everything with the admin scope', async () => {
    const { mint, verifier } = await closedServer()
    const asked = { name: 'root', scopes: ['agent_os:admin'], allow_privileged_scopes: true }
    const { token } = (await mint(asked)).body
    expect(await verifier.verify(token, undefined)).toMatchObject({ admin: true, scoped: false, userId: 'sa:root' })
  })

  it('is refused with one text when it is unknown, revoked or expired', async () => {
    const { mint, ask, clock } = await closedServer()
    const expired = (await mint({ name: 'old', expires_in_days: 1 })).body
    clock.advance(DAY_MS)
    const revoked = (await mint({ name: 'gone' })).body
    const deleted = await ask(`DELETE /service-accounts/${revoked.id}`, { as: fullCaller })
    expect([deleted.status, deleted.text]).toEqual([204, ''])
    const unknown = [newToken(), 'agno_pat_', `${revoked.token}x`, revoked.token.toLowerCase(), 'agno_pat_\u00e9']
    const said = new Set<string>()
    for (const token of [expired.token, revoked.token, ...unknown]) {
      const { status, body, headers } = await ask('GET /sessions', { token: encodeURI(token) })
      expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"'])
      expect(body.error_code).toBe('SERVICE_ACCOUNT_TOKEN_INVALID')
      said.add(body.detail)
    }
    expect(said.size).toBe(1)
  })

  it('is good until the very end of its time, also while it is remembered', async () => {
    const { seen, accounts } = watched()
    const { mint, ask, clock } = await closedServer({ accounts, cacheTtlSeconds: 10 * 24 * 60 * 60 })
    const { token } = (await mint({ name: 'ci', expires_in_days: 1 })).body
    expect((await ask('GET /sessions', { token })).status).toBe(200)
    clock.advance(DAY_MS - 1)
    expect((await ask('GET /sessions', { token })).status).toBe(200)
    clock.advance(1)
    expect((await ask('GET /sessions', { token })).status).toBe(401)
    expect(seen.lookUps).toBe(1)
  })
})

describe('remembering tokens', () => {
  it('spares lookups for 5 seconds', async () => {
    const { seen, accounts } = watched()
    const { mint, ask, clock } = await closedServer({ accounts })
    const { token } = (await mint({ name: 'ci' })).body
    for (const [milliseconds, lookUps] of [
      [0, 1],
      [4999, 1],
      [1, 2],
    ] as const) {
      clock.advance(milliseconds)
      expect((await ask('GET /sessions', { token })).status).toBe(200)
      expect(seen.lookUps).toBe(lookUps)
    }
  })

  it('can be turned off', async () => {
    const { seen, accounts } = watched()
    const { mint, ask } = await closedServer({ accounts, cacheTtlSeconds: 0 })
    const { token } = (await mint({ name: 'ci' })).body
    for (let time = 0; time < 3; time++) await ask('GET /sessions', { token })
    expect(seen.lookUps).toBe(3)
  })

  it('ends at once when the account is revoked or rotated here', async () => {
    const { mint, ask, service } = await closedServer({ cacheTtlSeconds: 1000 })
    for (const end of [service.revoke.bind(service), service.rotate.bind(service)]) {
      const { id, token } = (await mint({ name: `ci-${end.name.split(' ').at(-1)}` })).body
      expect((await ask('GET /sessions', { token })).status).toBe(200)
      await end(fullCaller, id)
      expect((await ask('GET /sessions', { token })).status).toBe(401)
    }
  })

  it('does not begin with what was read before the account was revoked', async () => {
    const { seen, accounts } = watched()
    const { mint, ask, service } = await closedServer({ accounts, cacheTtlSeconds: 1000 })
    const { id, token } = (await mint({ name: 'ci' })).body
    const [found, revoked] = [gate(), gate()]
    seen.before = () => {
      found.open()
      return revoked.opened
    }
    const underWay = ask('GET /sessions', { token })
    await found.opened
    await service.revoke(fullCaller, id)
    revoked.open()
    await underWay
    expect((await ask('GET /sessions', { token })).status).toBe(401)
  })

  it('holds for so many tokens only', async () => {
    const stored = { name: 'ci', tokenPrefix: '', scopes: [], createdAt: 0 }
    let lookUps = 0
    const verifier = new ServiceAccountVerifier({
      accounts: {
        findByTokenHash: (tokenHash: string) => {
          lookUps++
          return Promise.resolve({ ...stored, id: tokenHash, tokenHash })
        },
        noteUse: () => Promise.resolve(),
      } as unknown as Accounts,
      clock: { now: () => 1 },
      logger: keepingLogger().logger,
    })
    const first = newToken()
    await verifier.verify(first, undefined)
    for (let more = 0; more < 10_000; more++) await verifier.verify(newToken(), undefined)
    await verifier.verify(first, undefined)
    expect(lookUps).toBe(10_002)
  })
})

describe('failed attempts', () => {
  it('are told to wait after 20 within a minute from one address; good tokens never are', async () => {
    const { mint, ask, clock } = await closedServer()
    const { token } = (await mint({ name: 'ci' })).body
    const failing = { token: newToken(), address: '192.0.2.1' }
    for (let attempt = 1; attempt <= 20; attempt++) {
      expect((await ask('GET /sessions', failing)).status).toBe(401)
      clock.advance(1000)
    }
    const { status, body, headers } = await ask('GET /sessions', failing)
    expect([status, body.error_code, headers.get('retry-after')]).toEqual([429, 'AUTH_THROTTLED', '40'])
    expect((await ask('GET /sessions', { token, address: failing.address })).status).toBe(200)
    expect((await ask('GET /sessions', { ...failing, address: '192.0.2.2' })).status).toBe(401)
    expect((await ask('GET /sessions', { token: failing.token })).status).toBe(401)
    clock.advance(39_999)
    expect((await ask('GET /sessions', failing)).status).toBe(429)
    clock.advance(1)
    expect((await ask('GET /sessions', failing)).status).toBe(401)
    expect((await ask('GET /sessions', failing)).status).toBe(429)
  })

  it('are not those of a database that does not answer, which lets nobody in', async () => {
    const { seen, accounts } = watched()
    const { logger, said } = keepingLogger()
    const { mint, ask } = await closedServer({ accounts, logger, cacheTtlSeconds: 0 })
    const { token } = (await mint({ name: 'ci' })).body
    seen.fails = true
    for (let attempt = 0; attempt < 25; attempt++) {
      const { status, body, headers } = await ask('GET /sessions', { token, address: 'a' })
      expect([status, body.error_code, headers.get('retry-after')]).toEqual([503, 'AUTH_UNAVAILABLE', '1'])
      expect(JSON.stringify(body)).not.toContain('secret_column')
    }
    expect(said()).toContain('secret_column')
    seen.fails = false
    expect((await ask('GET /sessions', { token: newToken(), address: 'a' })).status).toBe(401)
  })
})

describe('the last use', () => {
  it('is written at most once a minute', async () => {
    const { seen, accounts } = watched()
    const { mint, ask, clock } = await closedServer({ accounts, cacheTtlSeconds: 0 })
    const { id, token } = (await mint({ name: 'ci' })).body
    const other = (await mint({ name: 'other' })).body
    const begin = clock.now()
    for (let second = 0; second < 120; second++) {
      await ask('GET /sessions', { token })
      clock.advance(1000)
    }
    await ask('GET /sessions', { token: other.token })
    expect(seen.uses).toEqual([
      [id, begin],
      [id, begin + 60_000],
      [other.id, begin + 120_000],
    ])
    await until(async () => {
      const { data } = (await ask('GET /service-accounts?sort_by=name', { as: fullCaller })).body
      return data[1].last_used_at === '2026-04-24T20:16:00.000Z'
    })
  })

  it('is not noted for a refusal, and breaks no request when it can not be written', async () => {
    const { seen, accounts } = watched()
    const { logger, said } = keepingLogger()
    const { mint, ask } = await closedServer({ accounts, logger, cacheTtlSeconds: 1000 })
    const { token } = (await mint({ name: 'ci' })).body
    await ask('GET /sessions', { token: newToken() })
    expect(seen.uses).toEqual([])
    seen.before = () => void (seen.fails = true)
    expect((await ask('GET /sessions', { token })).status).toBe(200)
    await until(() => said().includes('The last use of a service account could not be noted'))
  })
})
