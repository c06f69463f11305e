import { describe, expect, it } from 'vitest'
import { anonymousCaller } from '../../src/core/caller.js'
import { closedServer, DAY_MS, NOW, user } from './support.js'

const alice = user('alice', ['service_accounts:write', 'agents:run', 'agents:support:read', 'sessions:read'])
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('POST /service-accounts', () => {
  it('tells the token once, and all that is known of the account', async () => {
    const { mint, ask } = await closedServer()
    const scopes = ['agents:support:read', { scope: 'agents:run', effect: 'allow' }, 'agents:run']
    const { status, headers, body } = await mint({ name: 'ci_1', scopes, expires_in_days: 7, unknown: 1 }, alice)
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toBe('no-store')
    const { token, ...account } = body
    expect(token).toMatch(/^agno_pat_[0-9A-Za-z]{43}$/)
    const grant = { id: null, namespace: 'agents', value: 'allow' }
    expect(account).toEqual({
      id: expect.stringMatching(uuid),
      name: 'ci_1',
      principal: 'sa:ci_1',
      user_id: 'alice',
      token_prefix: token.slice(0, 16),
      scopes: [
        { ...grant, raw: 'agents:support:read', sub_namespace: 'support', permission: 'read' },
        { ...grant, raw: 'agents:run', sub_namespace: null, permission: 'run' },
      ],
      created_at: '2026-04-24T20:15:00.000Z',
      expires_at: '2026-05-01T20:15:00.000Z',
      last_used_at: null,
      revoked_at: null,
      created_by: 'alice',
    })
    const reader = { ...alice, scopes: ['service_accounts:read'] }
    expect((await ask('GET /service-accounts', { as: reader })).body.data).toEqual([account])
  })

  it('grants the usual scopes for 90 days when nothing is said, to whoever holds them', async () => {
    const { mint } = await closedServer()
    const { status, body } = await mint({ name: 'usual' })
    expect(status).toBe(201)
    expect(body).toMatchObject({ user_id: null, created_by: null })
    expect(Date.parse(body.expires_at)).toBe(NOW + 90 * DAY_MS)
    const raw = body.scopes.map((one: { raw: string }) => one.raw)
    expect(raw).toEqual(['agents:run', 'teams:run', 'workflows:run', 'sessions:read', 'config:read'])
    const refused = await mint({ name: 'other' }, alice)
    expect(refused).toMatchObject({ status: 403, body: { error_code: 'SCOPE_NOT_HELD' } })
    expect(refused.body.detail).toContain('"teams:run", "workflows:run", "config:read"')
  })

  it('makes a token that never ends where that is asked, and one that can do nothing', async () => {
    const { mint, ask } = await closedServer()
    const { body } = await mint({ name: 'forever', scopes: [], expires_in_days: 1, never_expires: true })
    expect(body).toMatchObject({ expires_at: null, scopes: [] })
    const answer = await ask('GET /sessions', { token: body.token })
    expect(answer).toMatchObject({ status: 403, body: { required_scopes: ['sessions:read'] } })
  })

  it('is 401 for whoever nobody knows, whatever they ask', async () => {
    const { mint, ask } = await closedServer()
    for (const body of [{ name: 'ci', scopes: [] }, { name: 'Not a name' }, { name: 'ci', scopes: ['odd'] }]) {
      const { status, body: said } = await mint(body, anonymousCaller)
      expect([status, said.error_code]).toEqual(body.name === 'ci' ? [401, 'TOKEN_MISSING'] : [422, 'VALIDATION_ERROR'])
    }
    expect((await ask('POST /service-accounts', { body: { name: 'ci' } })).status).toBe(401)
  })

  it.each([
    ['name', { name: '' }],
    ['name', { name: 'Ci' }],
    ['name', { name: '-ci' }],
    ['name', { name: 'ci\n' }],
    ['name', { name: 'c:i' }],
    ['name', { name: 'c'.repeat(64) }],
    ['name', {}],
    ['expires_in_days', { name: 'ci', expires_in_days: 0 }],
    ['expires_in_days', { name: 'ci', expires_in_days: 3651 }],
    ['expires_in_days', { name: 'ci', expires_in_days: 1.5 }],
    ['expires_in_days', { name: 'ci', expires_in_days: null }],
    ['scopes', { name: 'ci', scopes: null }],
    ['scopes', { name: 'ci', scopes: Array.from({ length: 201 }, () => 'agents:run') }],
    ['scopes.0', { name: 'ci', scopes: [7] }],
    ['scopes.0', { name: 'ci', scopes: ['agents:a\u0000:run'] }],
    ['scopes.0', { name: 'ci', scopes: [{ scope: 'agents:run', effect: 'deny' }] }],
  ])('refuses an odd %s: %o', async (path, body) => {
    const { mint } = await closedServer()
    const { status, body: said } = await mint(body)
    expect([status, said.error_code]).toEqual([422, 'VALIDATION_ERROR'])
    expect(said.errors[0].path).toContain(path)
  })

  it.each([
    'agents',
    'agents:',
    ':run',
    'agents::run',
    'agents:run:',
    'agents:a:b:run',
    'agent:run',
    'agents:runs',
    'Agents:run',
    'agents:support:runs',
    'agents: run',
    'constructor:run',
    'sessions:s1:read',
    'components:c1:read',
    'agent_os:admins',
    'reports:read',
  ])('refuses "%s", which means nothing', async (scope) => {
    const { mint } = await closedServer()
    const { status, body } = await mint({ name: 'ci', scopes: ['agents:run', scope], allow_privileged_scopes: true })
    expect([status, body.error_code, body.errors[0].path]).toEqual([422, 'INVALID_SCOPE', 'scopes.1'])
    expect(body.detail).toContain(`"${scope}"`)
  })

  it('knows the scopes that the host asks for, and its admin scope in the place of the usual one', async () => {
    const terms = { adminScope: 'root:all', mappedScopes: ['reports:read', 'agents:publish'] }
    const { mint, ask } = await closedServer({ terms })
    expect((await mint({ name: 'a', scopes: ['reports:read', 'reports:*:read', 'agents:x:publish'] })).status).toBe(201)
    for (const scope of ['reports:write', 'reports:r1:read', 'agent_os:admin']) {
      const refused = await mint({ name: 'b', scopes: [scope], allow_privileged_scopes: true })
      expect([scope, refused.body.error_code]).toEqual([scope, 'INVALID_SCOPE'])
    }
    const { body } = await mint({ name: 'c', scopes: ['root:all'], allow_privileged_scopes: true })
    expect(body.scopes[0]).toMatchObject({ raw: 'root:all', sub_namespace: null })
    expect((await ask('GET /service-accounts', { token: body.token })).body.data).toHaveLength(2)
    const like = user('alice', ['root:all', 'service_accounts:write'])
    expect((await mint({ name: 'd', scopes: ['root:all'], allow_privileged_scopes: true }, like)).body.error_code).toBe(
      'SCOPE_NOT_HELD',
    )
  })

  it.each([
    'sessions:write',
    'sessions:*:delete',
    'agents:support:write',
    'service_accounts:read',
    'service_accounts:run',
    'service_accounts:*:read',
    'agent_os:admin',
  ])('grants %s only to who says that it is meant', async (scope) => {
    const { mint } = await closedServer()
    const refused = await mint({ name: 'ci', scopes: ['agents:run', scope] })
    expect([refused.status, refused.body.error_code]).toEqual([422, 'PRIVILEGED_SCOPE'])
    expect(refused.body.detail).toContain('allow_privileged_scopes')
    expect((await mint({ name: 'ci', scopes: [scope], allow_privileged_scopes: true })).status).toBe(201)
  })

  it.each([
    [['agents:run'], 'agents:support:run', true],
    [['agents:run'], 'agents:*:run', true],
    [['agents:*:run'], 'agents:run', true],
    [['agents:support:run'], 'agents:support:run', true],
    [['agents:a%3Ab:run'], 'agents:a%3ab:run', true],
    [['system:read'], 'config:read', true],
    [['config:read'], 'system:read', true],
    [['agents:support:run'], 'agents:other:run', false],
    [['agents:support:run'], 'agents:run', false],
    [['agents:support:run'], 'agents:*:run', false],
    [['agents:a%3Ab:run'], 'agents:a:run', false],
    [['agents:run'], 'agents:read', false],
    [['agents:run'], 'teams:support:run', false],
    [['agents:write'], 'agent_os:admin', false],
  ])('lets a holder of %o grant %s: %s', async (held, scope, isHeld) => {
    const { mint } = await closedServer()
    const minter = user('alice', [...held, 'service_accounts:write'])
    const { status, body } = await mint({ name: 'ci', scopes: [scope], allow_privileged_scopes: true }, minter)
    expect([status, body.error_code]).toEqual(isHeld ? [201, undefined] : [403, 'SCOPE_NOT_HELD'])
  })

  it('gives a name to one account at a time, and never to another owner, unless an admin asks', async () => {
    const { mint, ask } = await closedServer()
    const bob = user('bob')
    const { body } = await mint({ name: 'ci', scopes: [] }, alice)
    for (const caller of [alice, bob]) {
      const { status, body: said } = await mint({ name: 'ci', scopes: [] }, caller)
      expect([status, said.error_code]).toEqual([409, 'SERVICE_ACCOUNT_EXISTS'])
    }
    const remover = { ...alice, scopes: ['service_accounts:delete'] }
    expect((await ask(`DELETE /service-accounts/${body.id}`, { as: remover })).status).toBe(204)
    const { status, body: said } = await mint({ name: 'ci', scopes: [] }, bob)
    expect([status, said.error_code]).toEqual([409, 'SERVICE_ACCOUNT_NAME_TAKEN'])
    expect(said.detail).not.toContain('alice')
    expect((await mint({ name: 'ci', scopes: [] }, alice)).status).toBe(201)
  })

  it('asks for its scope', async () => {
    const { mint, ask } = await closedServer()
    for (const [line, scope] of [
      ['GET /service-accounts', 'service_accounts:read'],
      ['DELETE /service-accounts/x', 'service_accounts:delete'],
    ] as const) {
      expect(await ask(line, { as: user('alice', ['agents:run']) })).toMatchObject({
        status: 403,
        body: { required_scopes: [scope] },
      })
    }
    const refused = await mint({ name: 'ci' }, user('alice', ['service_accounts:read', 'service_accounts:delete']))
    expect(refused).toMatchObject({ status: 403, body: { required_scopes: ['service_accounts:write'] } })
  })
})
