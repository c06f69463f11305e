import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Agent, AgentOS, tool } from 'agentos-sdk'
import { createNodeHandler } from 'agentos-sdk/node'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { silentLogger } from '../../src/core/logger.js'
import type { RunningHost } from '../adapters/adapter-conformance.js'
import { until } from '../adapters/client.js'
import { listen } from '../adapters/hosts/listen.js'
import { FuzzClient } from './fuzz/client.js'
import type { FuzzAnswer } from './fuzz/client.js'
import * as requests from './fuzz/requests.js'
import type { FuzzRequest } from './fuzz/requests.js'

vi.setConfig({ testTimeout: 180_000 })

/** `FUZZ_RUNS` makes it longer, `FUZZ_SEED` another one. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 100)
const SEED = Number(process.env.FUZZ_SEED ?? 20_260_424)

/** Keys that a run's state holds only while it runs. */
const CURRENT = new Set(['current_user_id', 'current_session_id', 'current_run_id'])

type Body = Record<string, unknown>

const PAUSING = 'Refund it.'
const refund = tool({ name: 'refund', requiresConfirmation: true, execute: () => 'Refunded.' })
const model = scripted(({ messages }) =>
  messages.at(-1)?.content === PAUSING ? { toolCalls: [{ id: 'call_1', name: 'refund' }] } : 'Hello!',
)
const agentOS = new AgentOS({
  agents: [new Agent({ id: 'my-agent', model, tools: [refund] })],
  storage: sqlite(':memory:'),
  logger: silentLogger,
})
const failures: unknown[] = []
let host: RunningHost
let client: FuzzClient
/** How many accepted bodies were read back. */
let readBack = 0
const there = { session: '', run: '', paused: '' }
/** Sessions whose state holds more than one request has brought. */
const used = new Set<string>()

beforeAll(async () => {
  host = await listen(createNodeHandler(agentOS, { onError: (error) => failures.push(error) }))
  client = new FuzzClient(host.url)
  const { runId, sessionId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', sessionId: 'there' })
  Object.assign(there, { session: sessionId, run: runId })
  await pauseAnother()
})
afterAll(async () => {
  client.close()
  await host.close()
  await agentOS.stop()
})

async function pauseAnother(): Promise<void> {
  const { runId, status } = await agentOS.runs.create({ agentId: 'my-agent', message: PAUSING })
  expect(status).toBe('paused')
  there.paused = runId
}

function placed(given: FuzzRequest): FuzzRequest {
  const path = given.path.replace(/\{(session|run|paused)\}/, (_, name: keyof typeof there) => there[name])
  return { ...given, path }
}

/** What was sent, where it was, reads back as the same JSON, letter by letter. */
function expectSame(stored: unknown, sent: unknown, what: string): void {
  if (sent === undefined) return
  expect(JSON.stringify(stored), what).toBe(JSON.stringify(sent))
}

/** What a field was sent as; JSON text and an empty text are read as the contract says. */
function fieldsOf({ headers, body }: FuzzRequest): Record<string, unknown> {
  if (headers['content-type']?.includes('urlencoded')) {
    return Object.fromEntries(Array.from(new URLSearchParams(body)).filter(([, value]) => value !== ''))
  }
  const fields = JSON.parse(body ?? '{}') as Record<string, unknown>
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''))
}

const ofJsonField = (value: unknown): unknown => (typeof value === 'string' ? JSON.parse(value) : value)

/** The id that the body names: of a record, or of the first event of a stream. */
function runIdOf({ text }: FuzzAnswer): string {
  const json = text.startsWith('event: ') ? /^data: (.*)$/m.exec(text)![1]! : text
  return String((JSON.parse(json) as Body).run_id)
}

async function expectRunReadsBack(given: FuzzRequest, answer: FuzzAnswer): Promise<void> {
  const fields = fieldsOf(given)
  const path = `/agents/my-agent/runs/${encodeURIComponent(runIdOf(answer))}`
  let run: Body = {}
  await until('the run has ended', async () => {
    run = JSON.parse((await client.get(path)).text) as Body
    return !['pending', 'running'].includes(run.status as string)
  })
  expectSame((run.input as Body).input_content, fields.message, 'message')
  // A record leaves out what is empty.
  expectSame(run.metadata ?? {}, ofJsonField(fields.metadata), 'metadata')
  const isRecord = answer.headers['content-type'] === 'application/json' && answer.status === 200
  expectSame(run, isRecord ? JSON.parse(answer.text) : undefined, 'the record')
  const sessionId = run.session_id as string
  expectSame(sessionId, fields.session_id, 'session_id')
  const session = JSON.parse((await client.get(`/sessions/${encodeURIComponent(sessionId)}`)).text) as Body
  if (!used.has(sessionId) && fields.session_state !== undefined) {
    const state = Object.entries(ofJsonField(fields.session_state) as object).filter(([key]) => !CURRENT.has(key))
    expectSame(Object.entries(session.session_state as object), state, 'session_state')
  }
  used.add(sessionId)
  readBack++
}

async function expectSessionReadsBack(given: FuzzRequest, answer: FuzzAnswer): Promise<void> {
  const fields = JSON.parse(given.body ?? '{}') as Record<string, unknown>
  const { session_id } = JSON.parse(answer.text) as Body
  const session = JSON.parse((await client.get(`/sessions/${encodeURIComponent(session_id as string)}`)).text) as Body
  for (const name of ['session_name', 'session_state', 'metadata']) {
    // Null clears.
    expectSame(session[name], fields[name] ?? undefined, name)
  }
  expectSame(session_id, fields.session_id, 'session_id')
  readBack++
}

async function expectToHold(
  arbitrary: fc.Arbitrary<FuzzRequest>,
  runs: number,
  check: (given: FuzzRequest, answer: FuzzAnswer) => void | Promise<void> = () => undefined,
): Promise<void> {
  const property = fc.asyncProperty(arbitrary, async (given) => {
    const request = placed(given)
    const answer = await client.send(request)
    if (answer.status < 300) await check(request, answer)
    const health = await client.get('/health')
    expect([health.status, JSON.parse(health.text)]).toMatchObject([200, { status: 'ok' }])
  })
  await fc.assert(property, {
    numRuns: runs,
    seed: SEED,
    plugins: [fc.interruptAfterTimeLimit(150_000, { failOnInterrupt: true })],
  })
}

describe('no input breaks the server', () => {
  it('runs in JSON: what is accepted reads back the same', () =>
    expectToHold(requests.runRequest, RUNS * 2, expectRunReadsBack))

  it('runs in forms: what is accepted reads back the same', () =>
    expectToHold(requests.formRequest, RUNS, expectRunReadsBack))

  it('new sessions: what is accepted reads back the same', () =>
    expectToHold(requests.sessionRequest, RUNS, expectSessionReadsBack))

  it('changed sessions: what is accepted reads back the same', () =>
    expectToHold(requests.updateRequest, RUNS, expectSessionReadsBack))

  it('decisions about runs that wait', () => expectToHold(requests.continueRequest, RUNS * 2, pauseAnother))

  it('queries and paths of everything that reads', () => expectToHold(requests.readRequest, RUNS * 2))

  it('bodies and content types that do not fit, on everything that writes', () =>
    expectToHold(requests.brokenRequest, RUNS * 2))

  it('was tried often enough, and nothing reached the host as a fault', () => {
    const statuses = Object.fromEntries([...client.statuses].toSorted(([a], [b]) => a - b))
    console.log(
      `fuzz: ${client.sent} requests, ${client.accepted} accepted, ${readBack} of them read back, by status ${JSON.stringify(statuses)}`,
    )
    expect(failures).toEqual([])
    expect(client.sent).toBeGreaterThanOrEqual(300)
    expect(readBack).toBeGreaterThanOrEqual(RUNS)
  })
})
