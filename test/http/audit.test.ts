import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, tool } from 'agentos-sdk'
import type { AgentOSOptions, AuditEvent, Logger } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { Caller } from '../../src/core/caller.js'
import { UnauthorizedError } from '../../src/core/errors.js'
import { silentLogger } from '../../src/core/logger.js'
import { createHttpApp } from '../../src/http/app.js'
import { Audit, isAdministrative } from '../../src/http/audit.js'
import { routesFor } from '../../src/http/route.js'
import { testAgentOS } from '../support/agent-os.js'

const pay = tool({
  name: 'pay',
  input: z.object({ amount: z.number() }),
  approval: 'required',
  execute: () => 'Paid.',
})
const model = scripted(({ messages }) =>
  messages.at(-1)?.role === 'tool' ? 'Done.' : { toolCalls: [{ id: 'call_1', name: 'pay', arguments: { amount: 7 } }] },
)

/** A logger that keeps what the audit gives it, by level. */
function keeping(lines: [string, object][]): Logger {
  const keep = (level: string) => (fields: object) => void ('audit' in fields && lines.push([level, fields]))
  return { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') }
}

function audited(options: Partial<AgentOSOptions> = {}) {
  const events: AuditEvent[] = []
  const lines: [string, object][] = []
  const agentOS = testAgentOS(model, {
    agents: [new Agent({ id: 'my-agent', model, tools: [pay] })],
    audit: (event) => void events.push(event),
    logger: keeping(lines),
    ...options,
  })
  const send = (line: string, body?: object) => {
    const [method = 'GET', path = ''] = line.split(' ')
    const init = {
      method,
      headers: { 'content-type': 'application/json', 'x-request-id': 'req-7' },
      ...(body && { body: JSON.stringify(body) }),
    }
    return agentOS.fetch(new Request(`http://host${path}`, init), { clientAddress: '192.0.2.7' })
  }
  return { agentOS, events, lines, send }
}

describe('administrative actions', () => {
  it('are told with who, what, which and from where, and logged', async () => {
    const { events, lines, send, agentOS } = audited()
    await agentOS.runs.create({ agentId: 'my-agent', message: 'Pay.', sessionId: 's1' })
    const [approval] = (await agentOS.approvals.list({})).data
    const note = 'the reason is private'
    const resolved = await send(`POST /approvals/${approval!.id}/resolve`, { status: 'approved', note })
    expect(resolved.status).toBe(200)
    expect(events).toEqual([
      {
        type: 'action',
        at: expect.stringMatching(/^20.*Z$/),
        caller: { kind: 'anonymous' },
        method: 'POST',
        operationId: 'resolve_approval',
        resources: expect.objectContaining({ approvalId: approval!.id, sessionId: 's1', agentId: 'my-agent' }),
        outcome: 'succeeded',
        status: 200,
        requestId: 'req-7',
        address: '192.0.2.7',
      },
    ])
    expect(JSON.stringify(events)).not.toContain(note)
    expect(lines).toEqual([['info', { audit: events[0] }]])
  })

  it('name what they have made, and each of several', async () => {
    const { events, send } = audited()
    await send('POST /sessions', { session_id: 's1', agent_id: 'my-agent', session_state: { pin: 'private' } })
    await send('DELETE /sessions', { session_ids: ['s1', 's2'] })
    await send('DELETE /sessions/s3?user_id=ada')
    expect(events.map(({ operationId, outcome, resources }) => [operationId, outcome, resources])).toEqual([
      ['create_session', 'succeeded', expect.objectContaining({ sessionId: 's1', agentId: 'my-agent' })],
      ['delete_sessions', 'succeeded', expect.objectContaining({ sessionIds: ['s1', 's2'] })],
      ['delete_session', expect.any(String), expect.objectContaining({ sessionId: 's3', userId: 'ada' })],
    ])
    expect(JSON.stringify(events)).not.toContain('private')
  })

  it('are told when they fail, too', async () => {
    const { events, send } = audited()
    await send('PATCH /sessions/none', { session_name: 'A' })
    expect(events).toMatchObject([{ outcome: 'failed', status: 404, errorCode: 'SESSION_NOT_FOUND' }])
  })

  it('are not reads and runs', async () => {
    const { events, send } = audited()
    for (const path of ['/agents', '/sessions', '/health', '/nothing', '/approvals']) await send(`GET ${path}`)
    await send('POST /agents/my-agent/runs', { message: 'Pay.' })
    expect(events).toEqual([])
  })
})

describe('denials', () => {
  const route = routesFor<object>()
  const Done = z.object({ done: z.boolean() })
  const config = route({
    method: 'post',
    path: '/config/{config_id}',
    operationId: 'set_config',
    summary: 'Set',
    tags: ['Test'],
    scope: 'config:write',
    params: z.object({ configId: z.string() }),
    body: z.object({ password: z.string() }),
    response: { 200: Done },
    handler: () => ({ done: true }),
  })
  const ada: Caller = { kind: 'user', userId: 'ada', scopes: [], admin: false, scoped: true }

  async function deny(authenticate: () => Caller) {
    const events: AuditEvent[] = []
    const lines: [string, object][] = []
    const audit = new Audit(
      keeping(lines),
      () => 'now',
      (event) => void events.push(event),
    )
    const app = createHttpApp({ routes: [config], authenticate, services: () => ({}), logger: silentLogger, audit })
    const init = { method: 'POST', body: '{"password":"hunter22"}', headers: { 'content-type': 'application/json' } }
    const { status } = await app.fetch(new Request('http://host/config/c1', init))
    return { status, events, lines }
  }

  it('say who was denied what, and never what was sent', async () => {
    const { status, events, lines } = await deny(() => ada)
    expect([status, events]).toMatchObject([
      403,
      [
        {
          type: 'denied',
          caller: { kind: 'user', userId: 'ada' },
          operationId: 'set_config',
          resources: { configId: 'c1' },
          outcome: 'denied',
          errorCode: 'INSUFFICIENT_SCOPE',
        },
      ],
    ])
    expect(lines).toEqual([['warn', { audit: events[0] }]])
    expect(JSON.stringify(events)).not.toContain('hunter22')
  })

  it('without a token are those of nobody', async () => {
    const { events } = await deny(() => {
      throw new UnauthorizedError('TOKEN_MISSING', 'Send a token.')
    })
    expect(events).toMatchObject([
      { type: 'denied', caller: { kind: 'anonymous' }, status: 401, errorCode: 'TOKEN_MISSING' },
    ])
  })

  it('are too many requests, too', async () => {
    const { events, send } = audited({ rateLimits: { runsPerMinute: 1 } })
    for (let at = 0; at < 2; at++) await send('POST /agents/my-agent/runs', { message: 'Pay.', session_id: 's1' })
    expect(events).toMatchObject([
      {
        type: 'denied',
        operationId: 'create_agent_run',
        resources: { agentId: 'my-agent', sessionId: 's1' },
        status: 429,
        errorCode: 'RATE_LIMITED',
        address: '192.0.2.7',
      },
    ])
  })
})

it('a route is audited also when the host opens it to anybody', async () => {
  const auth = { osSecurityKey: 'the-key-of-the-operator', publicPaths: ['/sessions/{session_id}'] }
  const { events, send } = audited({ auth })
  await send('DELETE /sessions/s1')
  await send('DELETE /sessions', { session_ids: ['s1'] })
  expect(events).toMatchObject([
    { type: 'action', operationId: 'delete_session' },
    { type: 'denied', operationId: 'delete_sessions', errorCode: 'TOKEN_MISSING' },
  ])
})

describe('the callback', () => {
  it('may fail, early or late: the answer goes out, and the log says so', async () => {
    for (const audit of [
      () => {
        throw new Error('no')
      },
      () => Promise.reject(new Error('no')),
    ]) {
      const errors: object[] = []
      const logger = { ...silentLogger, error: (fields: object) => void errors.push(fields) }
      const { send } = audited({ audit, logger })
      expect((await send('POST /sessions', { session_id: 's1', agent_id: 'my-agent' })).status).toBe(201)
      await new Promise(setImmediate)
      expect(errors).toEqual([{ err: expect.objectContaining({ message: 'no' }), requestId: 'req-7' }])
    }
  })

  it('is not needed, and all of it can be turned off', async () => {
    const quiet = audited({ audit: false })
    await quiet.send('DELETE /sessions/s1')
    expect(quiet.lines).toEqual([])
    const logged = audited({ audit: undefined })
    await logged.send('DELETE /sessions/s1')
    expect(logged.lines).toHaveLength(1)
  })
})

it('a route is administrative by the scope that it declares', () => {
  const of = (scope: Parameters<typeof isAdministrative>[0]['scope']) => isAdministrative({ scope })
  expect([of('config:write'), of('approvals:delete'), of('service_accounts:write'), of('sessions:delete')]).toEqual(
    Array.from({ length: 4 }, () => true),
  )
  expect(of([{ scope: 'agents:run', component: 'agentId' }, 'sessions:write'])).toBe(true)
  expect(isAdministrative({ scope: 'public', declaredScope: 'sessions:delete' })).toBe(true)
  expect([of('public'), of('any'), of('config:read'), of('memories:write'), of('agents:run')]).toEqual(
    Array.from({ length: 5 }, () => false),
  )
})
