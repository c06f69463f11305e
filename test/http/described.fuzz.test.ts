import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { Agent, AgentOS, approval, sequence, step, Team, tool, Workflow } from 'agentos-sdk'
import { createNodeHandler } from 'agentos-sdk/node'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { silentLogger } from '../../src/core/logger.js'
import type { RunningHost } from '../adapters/adapter-conformance.js'
import { until } from '../adapters/client.js'
import { listen } from '../adapters/hosts/listen.js'
import { FuzzClient } from './fuzz/client.js'
import { describedRequest } from './fuzz/described.js'
import type { Described, DescribedOperation, Known } from './fuzz/described.js'

vi.setConfig({ testTimeout: 300_000 })

/** `FUZZ_RUNS` makes it longer, `FUZZ_SEED` another one. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 40)
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_124)

const refund = tool({ name: 'refund', requiresConfirmation: true, execute: () => 'Refunded.' })
const pay = tool({ name: 'pay', approval: 'required', execute: () => 'Paid.' })
const model = scripted(({ messages }) => {
  const said = messages.at(-1)?.content
  if (said === 'Refund it.') return { toolCalls: [{ id: 'call_1', name: 'refund' }] }
  return said === 'Pay it.' ? { toolCalls: [{ id: 'call_1', name: 'pay' }] } : 'Hello!'
})
const failures: unknown[] = []
const agent = new Agent({ id: 'my-agent', model, tools: [refund, pay] })
const agentOS = new AgentOS({
  agents: [agent],
  teams: [new Team({ id: 'desk', model, tools: [refund], members: [agent] })],
  workflows: [
    new Workflow({
      id: 'release',
      input: z.string(),
      steps: sequence(
        'release',
        approval<string>({ name: 'approve' }),
        step({ name: 'publish', run: () => 'Published.' }),
      ),
    }),
  ],
  storage: sqlite(':memory:'),
  logger: { ...silentLogger, error: (fields) => failures.push(fields) },
  runs: { sweepMs: 50 },
})
let host: RunningHost
let client: FuzzClient
let document: Described
let operations: { name: string; method: string; path: string; operation: DescribedOperation }[] = []

/** What stands in paths for things that are there; made anew when a request has used them up. */
const there: Record<string, string> = {}
const known: Known = {
  agent_id: ['my-agent', 'my-agent', 'none'],
  team_id: ['desk', 'desk', 'none'],
  workflow_id: ['release', 'release', 'none'],
  session_id: ['~session~'],
  run_id: ['~run~', '~paused~', '~waiting~'],
  approval_id: ['~approval~', '~decided~'],
  message_index: ['0', '1', '2', '-1'],
  name: ['swagger-ui.css'],
  service_account_id: ['~account~'],
  db_id: ['~database~'],
}

beforeAll(async () => {
  host = await listen(createNodeHandler(agentOS, { onError: (error) => failures.push(error) }))
  client = new FuzzClient(host.url)
  const minted = await agentOS.serviceAccounts.mint({
    name: 'fuzz',
    scopes: ['agent_os:admin'],
    allowPrivilegedScopes: true,
  })
  token = minted.token
  document = JSON.parse((await client.get('/openapi.json')).text) as Described
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method,
      path,
      operation,
    })),
  )
})
afterAll(async () => {
  client?.close()
  await host?.close()
  await agentOS.stop()
})

let token = ''
let accounts = 0

async function prepare(path: string): Promise<void> {
  const run = (message: string) => agentOS.runs.create({ agentId: 'my-agent', message })
  const own = (message: string) => {
    if (path.startsWith('/teams/')) return agentOS.runs.create({ teamId: 'desk', message })
    return path.startsWith('/workflows/') ? agentOS.runs.create({ workflowId: 'release', message }) : run(message)
  }
  // The examples name it, and it belongs to what has run in it first.
  await agentOS.sessions.delete('thread-42').catch(() => undefined)
  const done = await own('Hi')
  Object.assign(there, { session: done.sessionId, run: done.runId, database: agentOS.database.id })
  there.paused = (await own('Refund it.')).runId
  const waiting = await run('Pay it.')
  there.waiting = waiting.runId
  there.approval = await approvalOf(waiting.runId)
  // One that is pending is not deleted.
  const name = `spare-${++accounts}`
  there.account = (await agentOS.serviceAccounts.mint({ name })).id
  const decided = await run('Pay it.')
  there.decided = await approvalOf(decided.runId)
  await agentOS.approvals.resolve(there.decided, { status: 'rejected', continueRun: true })
  await until(
    'the run knows the decision',
    async () => !['paused', 'pending', 'running'].includes((await agentOS.runs.get(decided.runId)).status),
  )
}

async function approvalOf(runId: string): Promise<string> {
  return (await agentOS.approvals.list({ runId })).data[0]!.id
}

const placed = (path: string) => path.replace(/~(\w+)~/g, (_, name: string) => encodeURIComponent(there[name]!))

/** Every described status, and what any path may answer: no such route or no such method. */
function isDeclared({ responses }: DescribedOperation, status: number): boolean {
  return String(status) in responses || status === 404 || status === 405
}

describe('no input breaks an operation', () => {
  it('whichever the description names: each answers as it says', async () => {
    const undeclared: string[] = []
    const accepted = new Map<string, number>()
    for (const { name, method, path, operation } of operations) {
      const requests = describedRequest(document, method, path, operation, known)
      await prepare(path)
      let sent = 0
      const property = fc.asyncProperty(requests, async (given) => {
        // Requests use things up: they are deleted, decided about, or cancelled.
        if (method !== 'get' && ++sent % 10 === 0) await prepare(path)
        const answer = await client.send({
          ...given,
          headers: { authorization: `Bearer ${token}`, ...given.headers },
          path: placed(given.path),
        })
        // It may have taken the schema away, on demand.
        if (path.endsWith('/migrate')) await agentOS.database.migrate()
        if (answer.status < 300) accepted.set(name, (accepted.get(name) ?? 0) + 1)
        if (!isDeclared(operation, answer.status))
          undeclared.push(`${name} → ${answer.status} ${answer.text.slice(0, 200)}`)
      })
      await fc.assert(property, { numRuns: RUNS, seed: SEED })
      const health = await client.get('/health')
      expect([health.status, JSON.parse(health.text)], name).toMatchObject([200, { status: 'ok' }])
    }
    expect([...new Set(undeclared)]).toEqual([])
    expect(failures).toEqual([])
    const statuses = Object.fromEntries([...client.statuses].toSorted(([a], [b]) => a - b))
    console.log(
      `described: ${operations.length} operations, ${client.sent} requests, ${client.accepted} accepted by ` +
        `${accepted.size} operations, by status ${JSON.stringify(statuses)}`,
    )
    // Else it would only have tried the door.
    expect(operations.map(({ name }) => name).filter((name) => !accepted.has(name))).toEqual([])
  })
})
