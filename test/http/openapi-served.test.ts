import { createRequire } from 'node:module'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Agent, AgentOS, approval, sequence, step, Team, tool, Workflow } from 'agentos-sdk'
import { createNodeHandler } from 'agentos-sdk/node'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { z } from 'zod'
import { silentLogger } from '../../src/core/logger.js'
import type { RunningHost } from '../adapters/adapter-conformance.js'
import { framesOf, postJson } from '../adapters/cases/agent-os-client.js'
import { listen } from '../adapters/hosts/listen.js'

interface Media {
  schema?: unknown
  example?: unknown
}
interface Answer {
  description: string
  content?: Record<string, Media>
}
interface Operation {
  operationId: string
  summary: string
  description: string
  tags: string[]
  parameters?: { name: string; in: string; schema: { examples?: string[] } }[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, Answer>
}
interface Document {
  openapi: string
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
}
interface Named {
  name: string
  method: string
  path: string
  operation: Operation
}

const JSON_TYPE = 'application/json'
const SSE_TYPE = 'text/event-stream'

// The validator of OpenAPI documents brings one of JSON Schema.
const validatorRequire = createRequire(createRequire(import.meta.url).resolve('@seriousme/openapi-schema-validator'))
interface Ajv {
  addSchema(schema: object, key: string): void
  compile(schema: object): { (value: unknown): boolean; errors?: unknown }
}
const { Ajv2020 } = validatorRequire('ajv/dist/2020.js') as { Ajv2020: new (options: object) => Ajv }

const refund = tool({ name: 'refund', requiresConfirmation: true, execute: () => 'Refunded.' })
const payRefund = tool({
  name: 'pay_refund',
  input: z.object({ order: z.number(), amount: z.number() }),
  approval: 'required',
  execute: () => 'Paid.',
})
const model = scripted(({ messages }) => {
  const said = messages.at(-1)?.content
  if (said === 'Refund order 7.') return { toolCalls: [{ id: 'call_1', name: 'refund' }] }
  if (said !== 'Pay order 7 back.') return 'It is on its way.'
  return { toolCalls: [{ id: 'call_1', name: 'pay_refund', arguments: { order: 7, amount: 42 } }] }
})
const [first, second] = ['my-agent', 'support'].map((id) => new Agent({ id, model, tools: [refund, payRefund] }))
const agentOS = new AgentOS({
  name: 'Described',
  agents: [first!, second!],
  teams: [new Team({ id: 'desk', name: 'Desk', model, tools: [refund], members: [second!] })],
  workflows: [
    new Workflow({
      id: 'release',
      name: 'Release',
      input: z.string(),
      // Waits there, so that it can be continued.
      steps: sequence(
        'release',
        step({ name: 'draft', run: (text: string) => text }),
        approval<string>({ name: 'approve' }),
        step({ name: 'publish', run: () => 'Published.' }),
      ),
    }),
  ],
  storage: sqlite(':memory:'),
  logger: silentLogger,
})
let host: RunningHost
/** Of an account that may do everything: nobody mints without being known. */
let token = ''
let document: Document
let operations: Named[] = []
let ajv: Ajv

beforeAll(async () => {
  host = await listen(createNodeHandler(agentOS, { basePath: '/os' }))
  const admin = { name: 'admin', scopes: ['agent_os:admin'], allowPrivilegedScopes: true }
  token = (await agentOS.serviceAccounts.mint(admin)).token
  document = (await (await fetch(`${host.url}/os/openapi.json`)).json()) as Document
  ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema(document, 'openapi')
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  )
})
afterAll(async () => {
  await host?.close()
  await agentOS.stop()
})

/** What a value has against the schema at a place in the document. */
function errorsOf(value: unknown, ...place: string[]): unknown {
  const pointer = place.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')
  const validate = ajv.compile({ $ref: `openapi#/${pointer}` })
  return validate(value) ? [] : validate.errors
}

const responseSchema = ({ path, method }: Named, status: number, type: string) =>
  ['paths', path, method.toLowerCase(), 'responses', String(status), 'content', type, 'schema'] as const

describe('/openapi.json of a full AgentOS', () => {
  it('is valid OpenAPI 3.1', async () => {
    expect(document.openapi).toMatch(/^3\.1\./)
    const copy = JSON.parse(JSON.stringify(document)) as Record<string, unknown>
    expect(await new Validator().validate(copy)).toEqual({ valid: true })
  })

  it('has the routes of agents, runs, sessions and the server', () => {
    const known = [
      'DELETE /service-accounts/{service_account_id}',
      'DELETE /sessions',
      'DELETE /sessions/{session_id}',
      'GET /',
      'GET /agents',
      'GET /agents/{agent_id}',
      'GET /agents/{agent_id}/runs',
      'GET /agents/{agent_id}/runs/{run_id}',
      'GET /agents/{agent_id}/runs/{run_id}/checkpoints',
      'GET /agents/{agent_id}/runs/{run_id}/checkpoints/{message_index}',
      'GET /agents/{agent_id}/runs/{run_id}/resume',
      'GET /config',
      'GET /health',
      'GET /info',
      'GET /models',
      'GET /openapi.json',
      'GET /service-accounts',
      'GET /sessions',
      'GET /sessions/{session_id}',
      'GET /sessions/{session_id}/runs',
      'GET /sessions/{session_id}/runs/{run_id}',
      'PATCH /sessions/{session_id}',
      'POST /agents/{agent_id}/runs',
      'POST /agents/{agent_id}/runs/{run_id}/cancel',
      'POST /agents/{agent_id}/runs/{run_id}/continue',
      'POST /agents/{agent_id}/runs/{run_id}/resume',
      'POST /agents/{agent_id}/sessions/{session_id}/fork',
      'POST /service-accounts',
      'POST /sessions',
      'POST /sessions/{session_id}/rename',
    ]
    expect(operations.map(({ name }) => name)).toEqual(expect.arrayContaining(known))
  })

  it('names, sums up and tags every operation, and says who may call it and how it fails', () => {
    const known = document.tags.map(({ name }) => name)
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { name, operation } of operations) {
      expect(operation, name).toMatchObject({
        operationId: expect.stringMatching(/^[a-z]+(_[a-z]+)+$/),
        summary: expect.stringMatching(/\S/),
        description: expect.stringMatching(/(Scope: `|Public\.|Any caller\.)/),
      })
      expect(operation.tags.length, name).toBeGreaterThan(0)
      expect(known, name).toEqual(expect.arrayContaining(operation.tags))
      const failures = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400)
      expect(failures.length, name).toBeGreaterThan(0)
      for (const [, failure] of failures) {
        expect(failure.description, name).toMatch(/^`[A-Z_]+`(, `[A-Z_]+`)*$/)
        expect(failure.content?.[JSON_TYPE]?.schema, name).toBeDefined()
      }
    }
  })

  it('shows an example of every JSON request and answer, each of which fits its schema', () => {
    const problems = new Map<string, unknown>()
    for (const named of operations) {
      const { name, operation, path, method } = named
      const [status, first] = Object.entries(operation.responses).toSorted(([a], [b]) => Number(a) - Number(b))[0]!
      const check = (what: string, media: Media | undefined, place: readonly string[]): void => {
        if (media === undefined) return
        const errors = media.example === undefined ? 'has no example' : errorsOf(media.example, ...place)
        if (!Array.isArray(errors) || errors.length > 0) problems.set(`${what} of ${name}`, errors)
      }
      check('the answer', first.content?.[JSON_TYPE], responseSchema(named, Number(status), JSON_TYPE))
      const request = ['paths', path, method.toLowerCase(), 'requestBody', 'content', JSON_TYPE, 'schema']
      check('the request', operation.requestBody?.content[JSON_TYPE], request)
    }
    expect(Object.fromEntries(problems)).toEqual({})
  })
})

describe('each example', () => {
  /**
   * What the examples speak of: a session with a run in it, and another to delete. A run that is continued has paused,
   * and one that is about an approval waits for it.
   */
  async function prepare(operationId = ''): Promise<{ runId: string; ids: Record<string, string | undefined> }> {
    for (const sessionId of ['thread-42', 'thread-43']) {
      await agentOS.sessions.delete(sessionId).catch(() => undefined)
    }
    const isAboutApproval = operationId.includes('approval')
    const asked = operationId.startsWith('continue') ? 'Refund order 7.' : 'Where is order 7?'
    const message = isAboutApproval ? 'Pay order 7 back.' : asked
    const run = { ...meant(operationId), message, userId: 'alice' }
    await agentOS.runs.create({ ...run, sessionId: 'thread-43' })
    const { runId } = await agentOS.runs.create({ ...run, sessionId: 'thread-42', metadata: { channel: 'web' } })
    // A record is removed when it is closed.
    if (operationId === 'delete_approval') await agentOS.runs.cancel(runId)
    const { data } = await agentOS.approvals.list({ runId })
    const { data: minted } = await agentOS.serviceAccounts.list({ includeRevoked: false, sortBy: 'name' })
    return { runId, ids: { approval_id: data[0]?.id, service_account_id: minted[0]?.id } }
  }

  function meant(operationId: string) {
    if (operationId.includes('_team')) return { teamId: 'desk' }
    return operationId.includes('_workflow') ? { workflowId: 'release' } : { agentId: 'support' }
  }

  function send(
    { path, method, operation }: Named,
    runId: string,
    more: object = {},
    ids: Record<string, string | undefined> = {},
  ): Promise<Response> {
    const given = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
    const values = new Map(given.map(({ name, schema }) => [name, ids[name] ?? schema.examples?.[0] ?? runId]))
    const url = `${host.url}/os${path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values.get(name)!))}`
    const example = operation.requestBody?.content[JSON_TYPE]?.example
    const headers = { authorization: `Bearer ${token}` }
    if (example === undefined) return fetch(url, { method, headers })
    const body = JSON.stringify({ ...(example as object), ...more })
    return fetch(url, { method, body, headers: { ...headers, 'content-type': JSON_TYPE } })
  }

  /** What an answer has against what is declared for its status. */
  function problemsOf(named: Named, { status, headers }: Response, text: string): unknown {
    const content = named.operation.responses[status]?.content
    if (content === undefined) return text === '' ? [] : 'has a body'
    if (!headers.get('content-type')?.startsWith(SSE_TYPE)) {
      return errorsOf(JSON.parse(text), ...responseSchema(named, status, JSON_TYPE))
    }
    const events = framesOf(text).filter(({ id }) => id !== undefined)
    if (events.length < 3) return 'has hardly any events'
    return events.flatMap(({ data }) => errorsOf(data, ...responseSchema(named, status, SSE_TYPE)))
  }

  it('is answered as declared when it is sent', async () => {
    for (const named of operations) {
      const { runId, ids } = await prepare(named.operation.operationId)
      const response = await send(named, runId, {}, ids)
      const text = await response.text()
      const told = `${named.name} → ${response.status} ${text.slice(0, 300)}`
      expect(response.ok, told).toBe(true)
      expect(named.operation.responses[response.status], told).toBeDefined()
      expect(problemsOf(named, response, text), told).toEqual([])
    }
  })

  it('of a run is answered as declared when it asks for a stream, or for the background', async () => {
    const { runId } = await prepare()
    const create = operations.find(({ operation }) => operation.operationId === 'create_agent_run')!
    const stream = await send(create, runId, { stream: true })
    expect(problemsOf(create, stream, await stream.text())).toEqual([])
    const started = await send(create, runId, { background: true })
    expect(started.status).toBe(202)
    expect(errorsOf(await started.json(), ...responseSchema(create, 202, JSON_TYPE))).toEqual([])
  })

  it('of an error fits its schema', async () => {
    const create = operations.find(({ operation }) => operation.operationId === 'create_agent_run')!
    const { runId } = await prepare()
    const cases = [
      { status: 422, answer: await send(create, runId, { message: '' }) },
      { status: 415, answer: await fetch(`${host.url}/os/agents/support/runs`, { method: 'POST', body: 'text' }) },
      { status: 404, answer: await postJson(`${host.url}/os/agents/nobody/runs`, { message: 'Hello' }) },
    ]
    for (const { status, answer } of cases) {
      const body: unknown = await answer.json()
      expect(
        [answer.status, errorsOf(body, ...responseSchema(create, status, JSON_TYPE))],
        JSON.stringify(body),
      ).toEqual([status, []])
    }
  })
})
