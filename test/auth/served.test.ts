import { describe, expect, it, onTestFinished } from 'vitest'
import { Agent, AgentOS, holdsScope, tool } from 'agentos-sdk'
import type { AgentOSOptions, AuthOptions, Caller } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { z } from 'zod'
import { fullCaller } from '../../src/core/caller.js'
import { silentLogger } from '../../src/core/logger.js'
import { collect } from '../support/agent-os.js'
import { userCaller } from '../support/served-os.js'
import type { Answer } from '../support/served-os.js'
import { issuer, jwks, signer, token } from './support.js'

const key = signer()
const by = (sub: string, ...scopes: string[]) => token(key, { sub, scopes })

function start(auth: AuthOptions = {}, options: Partial<AgentOSOptions> = {}) {
  const agentOS = new AgentOS({
    agents: ['support', 'expert'].map((id) => new Agent({ id, model: scripted('Hello!') })),
    storage: sqlite(':memory:'),
    logger: silentLogger,
    auth: { jwks: jwks(key), authorization: true, ...auth },
    ...options,
  })
  onTestFinished(() => agentOS.stop())
  const ask = async (
    line: string,
    sent?: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const [method = 'GET', path = '/'] = line.split(' ')
    const response = await agentOS.fetch(
      new Request(`http://host.example${path}`, {
        method,
        headers: {
          ...(sent !== undefined && { authorization: `Bearer ${sent}` }),
          ...(body && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body && { body: JSON.stringify(body) }),
      }),
    )
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }
  return { agentOS, ask }
}

describe('a host', () => {
  it('opens further paths by name, with what belongs to them; what was opened may do nothing else', async () => {
    const { ask } = start({ publicPaths: ['/docs', '/info', '/agents/*'] })
    for (const path of ['/docs', '/docs/assets/swagger-ui.css', '/info', '/agents/support']) {
      expect((await ask(`GET ${path}`)).status, path).toBe(200)
    }
    expect((await ask('GET /agents/support/')).status).toBe(200)
    expect((await ask('POST /agents/support/runs', undefined, { message: 'Hi' })).status).toBe(200)
    expect(
      (await ask('POST /agents/support/runs', undefined, { message: 'Hi', user_id: 'alice' })).body.error_code,
    ).toBe('USER_MISMATCH')
    for (const path of ['/agents', '/config', '/', '/sessions', '/models'])
      expect((await ask(`GET ${path}`)).status).toBe(401)
    const document = (await ask('GET /openapi.json')).body.paths
    expect(document['/info'].get).toMatchObject({ security: [], description: expect.stringContaining('Public.') })
    expect(document['/config'].get.security).toBeUndefined()
  })

  it('asks for other scopes, or for none but a caller', async () => {
    const { ask } = start({
      scopeMappings: {
        'GET /config': ['shop:staff', 'config:read'],
        'POST /agents/{id}/runs': [],
        'GET /agents/*': ['agents:run'],
      },
    })
    expect((await ask('GET /config', await by('alice', 'config:read'))).body.required_scopes).toEqual([
      'shop:staff',
      'config:read',
    ])
    expect((await ask('GET /config', await by('alice', 'config:read', 'shop:staff'))).status).toBe(200)
    expect((await ask('POST /agents/support/runs', await by('alice'), { message: 'Hi' })).status).toBe(200)
    expect((await ask('POST /agents/support/runs', undefined, { message: 'Hi' })).status).toBe(401)
    expect((await ask('GET /agents/support', await by('alice', 'agents:support:run'))).status).toBe(200)
    expect((await ask('GET /agents/support', await by('alice', 'agents:expert:run'))).status).toBe(403)
    expect((await ask('GET /openapi.json')).body.paths['/config'].get.description).toContain(
      '`shop:staff` and `config:read`',
    )
  })

  it('asks for the scopes of the most exact line that fits, wherever it stands', async () => {
    const lines = [
      ['GET /*', ['shop:any']],
      ['GET /agents/*', ['shop:agents']],
      ['GET /agents/{agent_id}/*', ['shop:below']],
      ['GET /agents/*/runs', ['shop:lists']],
      ['GET /agents/{agent_id}/runs', ['shop:runs']],
    ] as const
    for (const order of [lines, lines.toReversed()]) {
      const { ask } = start({ scopeMappings: Object.fromEntries(order) })
      const asked = async (path: string) => (await ask(`GET ${path}`, await by('alice'))).body.required_scopes
      expect(await asked('/agents/support/runs')).toEqual(['shop:runs'])
      expect(await asked('/agents/support/runs/run_1')).toEqual(['shop:below'])
      expect(await asked('/agents/support')).toEqual(['shop:agents'])
      expect(await asked('/sessions')).toEqual(['shop:any'])
    }
  })

  it('takes the description of the API away, or shows it to callers only', async () => {
    const hidden = start({ docsEnabled: false })
    for (const path of ['/openapi.json', '/docs']) {
      expect(hidden.agentOS.matches(path)).toBe(false)
      expect((await hidden.ask(`GET ${path}`, await by('alice'))).body.error_code).toBe('ROUTE_NOT_FOUND')
    }
    const guarded = start({ docsEnabled: 'authenticated' })
    for (const path of ['/openapi.json', '/docs']) {
      expect((await guarded.ask(`GET ${path}`)).status).toBe(401)
      expect((await guarded.ask(`GET ${path}`, await by('alice'))).status).toBe(200)
    }
  })

  it('decides about single requests: it allows, denies, or leaves it to the scopes', async () => {
    const asked: unknown[] = []
    const { ask } = start({
      authorize: async (caller, action, resource) => {
        asked.push([caller.userId, action, resource])
        if (resource.id === 'expert') return action === 'read' ? false : undefined
        return action === 'run' ? true : undefined
      },
    })
    const alice = await by('alice', 'agents:read', 'sessions:read')
    expect((await ask('POST /agents/support/runs', alice, { message: 'Hi', session_id: 's1' })).status).toBe(200)
    expect((await ask('POST /agents/expert/runs', alice, { message: 'Hi' })).body.error_code).toBe('INSUFFICIENT_SCOPE')
    expect((await ask('GET /agents/expert', alice)).status).toBe(403)
    expect((await ask('GET /agents', alice)).body.map(({ id }: { id: string }) => id)).toEqual(['support'])
    expect((await ask('GET /sessions/s1', alice)).status).toBe(200)
    expect(asked).toContainEqual(['alice', 'read', { type: 'sessions', id: 's1' }])
    expect(asked).toContainEqual(['alice', 'run', { type: 'agents', id: 'support' }])
    // An admin is denied, too; only the host itself is not asked about.
    expect((await ask('GET /agents/expert', await by('root', 'agent_os:admin'))).status).toBe(403)
  })

  it('learns who calls its own routes', async () => {
    const { agentOS } = start()
    const caller = await agentOS.authenticate({
      headers: { authorization: `Bearer ${await by('alice', 'agents:read')}` },
    })
    expect(caller).toMatchObject({ userId: 'alice', scoped: true })
    expect([holdsScope(caller, 'agents:read'), holdsScope(caller, 'agents:run')]).toEqual([true, false])
    await expect(agentOS.authenticate(new Request('http://host.example/mine'))).rejects.toMatchObject({
      status: 401,
      code: 'TOKEN_MISSING',
    })
    const session = start({
      authenticate: ({ headers }) => (headers.get('cookie') === 's=1' ? { userId: 'carol' } : null),
    })
    expect(
      await session.agentOS.authenticate(new Request('http://h.example/', { headers: { cookie: 's=1' } })),
    ).toMatchObject({
      userId: 'carol',
    })
  })
})

describe('the server', () => {
  it('says how it is guarded', async () => {
    const modes: [AuthOptions | undefined, string, object[]][] = [
      [undefined, 'none', [{}, { bearer: [] }]],
      [{ osSecurityKey: 'k' }, 'security_key', [{ bearer: [] }]],
      [{ jwks: jwks(key), tokenSource: 'both' }, 'jwt', [{ bearer: [] }, { cookie: [] }]],
    ]
    for (const [auth, mode, security] of modes) {
      const { ask } = start({}, { auth })
      const sent = mode === 'jwt' ? await by('alice') : 'k'
      expect((await ask('GET /info', sent)).body.auth_mode).toBe(mode)
      expect((await ask('GET /openapi.json')).body.security).toEqual(security)
    }
  })

  it('lists what the caller may read, and in its configuration also what it may run', async () => {
    const { ask } = start()
    const idsOf = async (path: string, ...scopes: string[]) => {
      const { status, body } = await ask(`GET ${path}`, await by('alice', ...scopes))
      const list = (path === '/config' ? body.agents : body) as { id: string }[]
      return status === 200 ? list.map(({ id }) => id) : status
    }
    const some = await ask('GET /agents', await by('alice', 'agents:expert:read'))
    expect(some.headers.get('x-total-count')).toBe('1')
    expect(await idsOf('/agents', 'agents:read')).toEqual(['support', 'expert'])
    expect(await idsOf('/agents', 'agents:*:read')).toEqual(['support', 'expert'])
    expect(await idsOf('/agents', 'agents:expert:read', 'agents:support:run')).toEqual(['expert'])
    expect(await idsOf('/agents', 'agents:nobody:read')).toEqual([])
    expect(await idsOf('/agents', 'agents:run')).toBe(403)
    expect(await idsOf('/config', 'config:read', 'agents:support:run')).toEqual(['support'])
    expect(await idsOf('/config', 'config:read')).toEqual([])
    expect(await idsOf('/config', 'agent_os:admin')).toEqual(['support', 'expert'])
  })

  it('is not ready while the keys of tokens are not there, and says no more than that', async () => {
    const away = await issuer((request) => request.socket.destroy())
    const { ask } = start({}, { auth: { jwksUrl: away.url, allowInsecureJwksUrl: true } })
    const { status, body } = await ask('GET /health?ready=true')
    expect([status, body.error_code]).toEqual([503, 'NOT_READY'])
    expect(JSON.stringify(body)).not.toContain('127.0.0.1')
    const refused = await ask('GET /agents', await by('alice', 'agents:read'))
    expect([refused.status, refused.body.error_code, refused.headers.get('retry-after')]).toEqual([
      503,
      'AUTH_UNAVAILABLE',
      '5',
    ])
    expect((await ask('GET /health')).status).toBe(200)
  })

  it('asks for a token with a slash at the end, too, and answers 404 to what is not its own', async () => {
    const { ask, agentOS } = start()
    expect((await ask('GET /agents/')).status).toBe(401)
    expect((await ask('GET /elsewhere')).status).toBe(404)
    expect([agentOS.matches('/elsewhere'), agentOS.matches('/agents/')]).toEqual([false, true])
  })

  it('needs no scope while authorization is off, and isolates where it is told to', async () => {
    const open = start({ authorization: false })
    expect(
      (await open.ask('POST /agents/support/runs', await by('alice'), { message: 'Hi', session_id: 's1' })).status,
    ).toBe(200)
    expect((await open.ask('GET /sessions/s1', await by('bob'))).status).toBe(200)
    const isolated = start({ authorization: false, userIsolation: true })
    await isolated.ask('POST /agents/support/runs', await by('alice'), { message: 'Hi', session_id: 's1' })
    expect((await isolated.ask('GET /sessions/s1', await by('bob'))).status).toBe(404)
    expect((await isolated.ask('GET /sessions?user_id=alice', await by('bob'))).body.error_code).toBe('USER_MISMATCH')
    expect((await isolated.ask('GET /sessions?user_id=sa:x', await by('bob'))).body.error_code).toBe(
      'RESERVED_PRINCIPAL',
    )
  })
})

describe("a token's claims", () => {
  const seen: Caller[] = []
  const values: unknown[] = []
  const look = tool({
    name: 'look',
    requiresConfirmation: true,
    execute: (_args, { caller, dependencies, sessionState }) => {
      seen.push(caller)
      values.push([dependencies, sessionState.locale])
      return 'Seen.'
    },
  })
  const options = {
    agents: [
      new Agent({
        id: 'support',
        tools: [look],
        model: scripted([{ toolCalls: [{ id: 'call_1', name: 'look' }] }, 'Done.']),
      }),
    ],
  }

  it('pin the session, the dependencies and the state of a run, when it is started and when it is continued', async () => {
    const { ask } = start({ dependenciesClaims: ['tenant'], sessionStateClaims: ['locale'] }, options)
    const sent = await token(key, { scopes: ['agents:run'], session_id: 'pinned', tenant: 7, locale: 'de' })
    const body = {
      message: 'Hi',
      session_id: 'other',
      dependencies: { tenant: 8, x: 1 },
      session_state: { locale: 'en' },
    }
    const { body: run } = await ask('POST /agents/support/runs', sent, body)
    expect(run).toMatchObject({ session_id: 'pinned', status: 'paused', user_id: 'alice' })
    const decided = { tools: [{ tool_call_id: 'call_1', confirmed: true }], dependencies: { tenant: 9 } }
    expect((await ask(`POST /agents/support/runs/${run.run_id}/continue`, sent, decided)).body.status).toBe('completed')
    expect(values.at(-1)).toEqual([{ tenant: 7 }, 'de'])
    expect(seen.at(-1)).toMatchObject({ userId: 'alice', scopes: ['agents:run'], claims: { tenant: 7 } })
  })

  it('that a token does not have are not for a request to make up', async () => {
    const { ask } = start({ dependenciesClaims: ['tenant'] }, options)
    const sent = await by('alice', 'agents:run')
    const { body: run } = await ask('POST /agents/support/runs', sent, { message: 'Hi', dependencies: { tenant: 8 } })
    const decided = { tools: [{ tool_call_id: 'call_1', confirmed: true }], dependencies: { tenant: 9 } }
    await ask(`POST /agents/support/runs/${run.run_id}/continue`, sent, decided)
    expect(values.at(-1)).toEqual([{}, undefined])
  })

  it('of whoever continues a run are no way around what is pinned', async () => {
    const { agentOS } = start({}, options)
    const pinned = userCaller('alice', { scopes: ['agents:run'], dependencies: { tenant: 7 } })
    const run = await agentOS.runs.create({
      agentId: 'support',
      message: 'Hi',
      userId: 'alice',
      dependencies: { tenant: 1 },
    })
    const decided = { tools: [{ toolCallId: 'call_1', confirmed: true }], dependencies: { tenant: 9 } }
    await agentOS.as(pinned).runs.continue(run.runId, decided)
    expect(values.at(-1)).toEqual([{ tenant: 1 }, undefined])
  })
})

describe('a run that a backend has started for a user', () => {
  it('goes on with the rights of the user once that one continues it, and else with those of the backend', async () => {
    const seen: string[] = []
    const act = tool({
      name: 'act',
      requiresConfirmation: true,
      execute: (_args, { caller }) => {
        seen.push(`${caller.kind} ${caller.userId ?? ''}`)
        return 'Done.'
      },
    })
    const model = scripted(({ messages }) =>
      messages.at(-1)?.role === 'tool' ? 'Done.' : { toolCalls: [{ id: 'call_1', name: 'act' }] },
    )
    const { agentOS, ask } = start({}, { agents: [new Agent({ id: 'support', tools: [act], model })] })
    const alice = await by('alice', 'agents:run')
    const decided = { tools: [{ tool_call_id: 'call_1', confirmed: true }] }
    const startIt = () => agentOS.runs.create({ agentId: 'support', message: 'Hi', userId: 'alice' })
    const first = await startIt()
    expect((await ask(`POST /agents/support/runs/${first.runId}/continue`, alice, decided)).body.status).toBe(
      'completed',
    )
    const second = await startIt()
    await agentOS.runs.continue(second.runId, { tools: [{ toolCallId: 'call_1', confirmed: true }] })
    // What is the user's stays the user's, whoever continues it.
    const { body: third } = await ask('POST /agents/support/runs', alice, { message: 'Hi' })
    await agentOS.runs.continue(third.run_id, { tools: [{ toolCallId: 'call_1', confirmed: true }] })
    expect(seen).toEqual(['user alice', 'root ', 'user alice'])
  })
})

describe('the services as a caller', () => {
  it('do for a tool what its caller may do, and nothing more', async () => {
    const outcomes: unknown[] = []
    const ask = tool({
      name: 'ask',
      input: z.object({}),
      execute: async (_args, { caller }) => {
        const run = await agentOS.as(caller).runs.create({ agentId: 'expert', message: 'Hi' })
        return run.content
      },
    })
    const router = new Agent({
      id: 'router',
      tools: [ask],
      model: scripted(({ messages }) => {
        const last = messages.at(-1)
        if (last?.role !== 'tool') return { toolCalls: [{ name: 'ask', arguments: {} }] }
        outcomes.push(last.content)
        return 'Done.'
      }),
    })
    const served = start({}, { agents: [router, new Agent({ id: 'expert', model: scripted('I know.') })] })
    const agentOS: AgentOS = served.agentOS
    await served.ask('POST /agents/router/runs', await by('alice', 'agents:router:run', 'agents:expert:run'), {
      message: 'Hi',
    })
    await served.ask('POST /agents/router/runs', await by('alice', 'agents:router:run'), { message: 'Hi' })
    expect(outcomes).toEqual(['I know.', expect.stringContaining('Required scope(s): agents:run')])
    const { data } = await agentOS.runs.list({ componentId: 'expert' })
    expect(data.map(({ userId }) => userId)).toEqual(['alice'])
  })

  it('ask for the scopes of the routes, in every method', async () => {
    const { agentOS } = start()
    const run = await agentOS.runs.create({ agentId: 'support', message: 'Hi', userId: 'alice', sessionId: 's1' })
    const none = agentOS.as(userCaller('alice', { scoped: true }))
    const input = { agentId: 'support', message: 'Hi' }
    const { runs, sessions, approvals, serviceAccounts } = none
    const refused: Record<string, () => Promise<unknown>> = {
      create: () => runs.create(input),
      start: () => runs.start(input),
      stream: () => collect(runs.stream(input)),
      streamInBackground: () => collect(runs.streamInBackground(input)),
      accepted: () => runs.stream(input).accepted,
      get: () => runs.get(run.runId),
      head: () => runs.head(run.runId),
      resume: () => runs.resume(run.runId),
      cancel: () => runs.cancel(run.runId),
      continue: () => runs.continue(run.runId),
      continueStream: () => runs.continueStream(run.runId),
      continueInBackground: () => runs.continueInBackground(run.runId),
      continueStreamInBackground: () => runs.continueStreamInBackground(run.runId),
      checkpoints: () => runs.checkpoints(run.runId),
      checkpoint: () => runs.checkpoint(run.runId, 1),
      list: () => runs.list(),
      listOfOne: () => runs.list({ componentKind: 'agent', componentId: 'support' }),
      sessions: () => sessions.list(),
      session: () => sessions.get('s1'),
      sessionRuns: () => sessions.runs('s1'),
      sessionRun: () => sessions.run('s1', run.runId),
      createSession: () => sessions.create(),
      rename: () => sessions.rename('s1', 'x'),
      update: () => sessions.update('s1', { metadata: {} }),
      fork: () => sessions.fork('s1'),
      delete: () => sessions.delete('s1'),
      deleteMany: () => sessions.deleteMany({ sessionIds: ['s1'] }),
      approvals: () => approvals.list(),
      count: () => approvals.count(),
      approval: () => approvals.get('a'),
      status: () => approvals.status('a'),
      resolve: () => approvals.resolve('a', { status: 'approved' }),
      remove: () => approvals.delete('a'),
      accounts: () => serviceAccounts.list(),
      mint: () => serviceAccounts.mint({ name: 'ci' }),
      revoke: () => serviceAccounts.revoke('a'),
      rotate: () => serviceAccounts.rotate('a'),
      databases: () => none.databases.status(),
      migrate: () => none.databases.migrate('agentos'),
      migrateAll: () => none.databases.migrateAll(),
    }
    for (const [name, call] of Object.entries(refused)) {
      await expect(call(), name).rejects.toMatchObject({ code: 'INSUFFICIENT_SCOPE' })
    }
    expect((await agentOS.runs.list()).totalCount).toBe(1)

    const able = agentOS.as(userCaller('alice', { scoped: true, scopes: ['agents:support:run', 'sessions:read'] }))
    expect((await able.runs.get(run.runId)).runId).toBe(run.runId)
    expect((await able.runs.list({ componentKind: 'agent', componentId: 'support' })).totalCount).toBe(1)
    expect((await collect(able.runs.stream(input))).length).toBeGreaterThan(1)
    expect((await able.sessions.get('s1')).sessionId).toBe('s1')
    await expect(able.runs.create({ ...input, agentId: 'expert' })).rejects.toMatchObject({
      code: 'INSUFFICIENT_SCOPE',
    })
    const bob = agentOS.as(userCaller('bob', { scoped: true, scopes: ['agents:run'] }))
    await expect(bob.runs.get(run.runId)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    expect((await agentOS.as(fullCaller).runs.list()).totalCount).toBe(2)
  })
})
