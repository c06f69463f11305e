import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Agent, AgentOS, tool } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { Model } from 'agentos-sdk/models'
import { postgres } from 'agentos-sdk/storage'
import { z } from 'zod'
import { silentLogger } from '../../src/core/logger.js'
import { collect, gate, names, shownText, until } from '../support/agent-os.js'
import { createDatabase, type TestDatabase } from '../support/postgres-database.js'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

let nodes = 0
const text = 'A text that is long enough to come in several pieces, one after the other.'
/** So seldom that what is seen in time was told by the other node. */
const deaf = { pollMs: 120_000, sweepMs: 120_000 }

/** An AgentOS that shares nothing with others but the database. */
async function node(model: Model, called: string[] = [], runs: object = deaf): Promise<AgentOS> {
  const name = `node_${nodes++}`
  const amount = z.object({ amount: z.number() })
  const note = (what: string) => () => {
    called.push(`${what} on ${name}`)
    return `${what} done`
  }
  const tools = [
    tool({ name: 'pay', input: amount, requiresConfirmation: true, execute: note('pay') }),
    tool({ name: 'wire', input: amount, approval: 'required', execute: note('wire') }),
  ]
  const storage = postgres({ url: database.url(name), poolSize: 4 })
  const agents = [new Agent({ id: 'my-agent', model, tools })]
  const agentOS = new AgentOS({ agents, storage, logger: silentLogger, runs })
  onTestFinished(() => agentOS.stop({ deadlineMs: 200 }))
  await storage.check()
  await until(async () => {
    const listening = await database.sql(
      `SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND (query LIKE 'LISTEN%' OR query LIKE '%pg_notify%')`,
      [name],
    )
    return listening.length === 1
  })
  return agentOS
}

describe('two nodes on PostgreSQL', () => {
  it('show the same events of a run, on whichever it is followed, live and later', async () => {
    const { opened, open } = gate()
    const model = scripted({ content: text, stall: { afterDeltas: 3, until: opened } })
    const one = await node(model)
    const other = await node(model)
    const stream = one.runs.stream({ agentId: 'my-agent', message: 'Hi' })
    const here = collect(stream)
    await until(async () => ((await other.runs.get(stream.runId).catch(() => undefined))?.content ?? '') !== '')
    const there = collect(await other.runs.resume(stream.runId))
    open()
    const events = await here
    expect(await there).toEqual(events)
    expect(names(events).at(-1)).toBe('RunCompleted')
    expect(shownText(events)).toBe(text)
    const after = Math.floor(events.length / 2)
    expect(await collect(await other.runs.resume(stream.runId, { after }))).toEqual(events.slice(after + 1))
    expect(await other.runs.get(stream.runId)).toEqual(await one.runs.get(stream.runId))
  })

  it('cancel a run of the other, whose model is asked no longer', async () => {
    const one = await node(scripted({ content: text, stall: { afterDeltas: 2 } }))
    const other = await node(scripted(text))
    const stream = one.runs.stream({ agentId: 'my-agent', message: 'Hi' })
    const events = collect(stream)
    await until(async () => ((await other.runs.get(stream.runId).catch(() => undefined))?.content ?? '') !== '')
    expect(await other.runs.cancel(stream.runId)).toMatchObject({ status: 'cancelled' })
    expect(names(await events).at(-1)).toBe('RunCancelled')
    // Its executor has ended it, in its first attempt: nobody had to take it over.
    const [row] = await database.sql<{ attempt: number }>('SELECT attempt FROM agentos_runs WHERE run_id = $1', [
      stream.runId,
    ])
    expect(row!.attempt).toBe(1)
  })

  it('begin the next run of a session when the other has ended the one before', async () => {
    const { opened, open } = gate()
    const one = await node(scripted({ content: 'First.', stall: { until: opened } }))
    const other = await node(scripted('Second.'))
    const first = one.runs.create({ agentId: 'my-agent', message: 'Hi', sessionId: 'ses_line' })
    await until(async () => (await other.runs.list({ sessionId: 'ses_line', limit: 5 })).data.length === 1)
    const second = other.runs.create({ agentId: 'my-agent', message: 'Hi', sessionId: 'ses_line' })
    await until(async () => (await other.runs.list({ sessionId: 'ses_line', limit: 5 })).data.length === 2)
    open()
    expect((await first).content).toBe('First.')
    expect((await second).content).toBe('Second.')
  })

  it('continue a run that the other has paused', async () => {
    const called: string[] = []
    const pay = { name: 'pay', arguments: { amount: 7 }, id: 'call_pay' }
    const one = await node(scripted([{ toolCalls: [pay] }, 'Paid.']), called)
    const other = await node(scripted('Paid.'), called)
    const paused = await one.runs.create({ agentId: 'my-agent', message: 'Pay' })
    expect(paused.status).toBe('paused')
    const decision = { tools: [{ toolCallId: 'call_pay', confirmed: true }] }
    const answers = await Promise.allSettled([
      other.runs.continue(paused.runId, decision),
      one.runs.continue(paused.runId, decision),
    ])
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(called).toHaveLength(1)
    expect((await one.runs.get(paused.runId)).status).toBe('completed')
  })

  it('go on with a run once its approval is resolved on the other', async () => {
    const called: string[] = []
    const wire = { name: 'wire', arguments: { amount: 7 }, id: 'call_wire' }
    const one = await node(scripted([{ toolCalls: [wire] }, 'Wired.']), called)
    const other = await node(scripted('Wired.'), called)
    const paused = await one.runs.create({ agentId: 'my-agent', message: 'Wire' })
    const { data } = await other.approvals.list({ runId: paused.runId })
    expect(data).toMatchObject([{ status: 'pending', toolName: 'wire' }])
    const resolved = await Promise.allSettled(
      [one, other].map((agentOS) => agentOS.approvals.resolve(data[0]!.id, { status: 'approved', continueRun: true })),
    )
    expect(resolved.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await until(async () => (await other.runs.get(paused.runId)).status === 'completed')
    expect(called).toHaveLength(1)
  })

  it('begin background runs for which the other has no room, in the order of their priority', async () => {
    const { opened, open } = gate()
    const full = { ...deaf, maxExecuting: 1 }
    const one = await node(scripted({ content: 'Here.', stall: { until: opened } }), [], full)
    const busy = await one.runs.start({ agentId: 'my-agent', message: 'Hi' })
    await until(async () => (await one.runs.get(busy.runId)).status === 'running')
    const start = (priority: number) => one.runs.start({ agentId: 'my-agent', message: 'Hi', priority })
    const waiting = [await start(0), await start(5), await start(1)]
    const other = await node(scripted('There.'), [], full)
    // It has looked around with its first request; from now on it only hears.
    const last = await start(0)
    for (const { runId } of [...waiting, last]) {
      await until(async () => (await other.runs.get(runId)).status === 'completed')
      expect((await other.runs.get(runId)).content).toBe('There.')
    }
    const ids = [...waiting, last].map(({ runId }) => runId)
    const order = await database.sql<{ run_id: string }>(
      'SELECT run_id FROM agentos_runs WHERE run_id = ANY($1::text[]) ORDER BY updated_at',
      [ids],
    )
    expect(order.map(({ run_id }) => run_id)).toEqual([ids[1], ids[2], ids[0], ids[3]])
    open()
    await until(async () => (await one.runs.get(busy.runId)).status === 'completed')
    expect((await one.runs.get(busy.runId)).content).toBe('Here.')
  })

  it('go on with the runs of one that has died', async () => {
    const quick = { leaseMs: 300, sweepMs: 30, pollMs: 20, stopDeadlineMs: 500 }
    const first = await node(scripted({ content: text, stall: { afterDeltas: 2 } }), [], quick)
    const stream = first.runs.streamInBackground({ agentId: 'my-agent', message: 'Hi' })
    await stream.accepted
    await until(async () => (await first.runs.get(stream.runId)).content !== undefined)
    await first.stop({ deadlineMs: 0 })
    const second = await node(scripted(text), [], quick)
    const events = await collect(await second.runs.resume(stream.runId))
    expect(names(events)).toContain('RunRecovered')
    expect(shownText(events)).toBe(text)
    expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, index) => index))
    expect(await second.runs.get(stream.runId)).toMatchObject({ status: 'completed', content: text })
  })
})
