import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, tool } from 'agentos-sdk'
import type { AgentOS, Run } from 'agentos-sdk'
import type { AgentOSClient, RunEvent } from 'agentos-sdk/client'
import { scripted } from 'agentos-sdk/models'
import { collect, names, shownText, testAgentOS, until } from '../support/agent-os.js'
import { clientOf, cuttingProxy, served } from './support.js'

const agentId = 'my-agent'
const text = 'Fertig für dich 🌍. '.repeat(5)

/** An agent that asks before it pays, and before it books; then it tells. */
function asking(): AgentOS {
  const model = scripted(
    [
      { toolCalls: [{ name: 'pay', arguments: { amount_due: 7 }, id: 'call_pay' }] },
      { toolCalls: [{ name: 'book', arguments: { day: 'Monday' }, id: 'call_book' }] },
      text,
    ],
    { chunkSize: 5 },
  )
  const pay = tool({
    name: 'pay',
    input: z.object({ amount_due: z.number() }),
    requiresConfirmation: true,
    execute: ({ amount_due: amount }) => `Paid ${amount}.`,
  })
  const book = tool({
    name: 'book',
    input: z.object({ day: z.string(), seats: z.number() }),
    requiresUserInput: ['seats'],
    execute: ({ seats }) => `Booked ${seats}.`,
  })
  return testAgentOS(undefined, { agents: [new Agent({ id: agentId, model, tools: [pay, book] })] })
}

const confirm = { agentId, tools: [{ toolCallId: 'call_pay', confirmed: true }] }
const fill = { agentId, tools: [{ toolCallId: 'call_book', userInputSchema: [{ name: 'seats', value: 2 }] }] }

function expectInOrder(events: readonly RunEvent[]): void {
  const [first] = events
  expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, at) => first!.eventIndex + at))
}

async function asJson(value: unknown): Promise<unknown> {
  return JSON.parse(JSON.stringify(await value))
}

describe('runs.continue', () => {
  it('moves a run on, leg by leg', async () => {
    const agentOS = asking()
    const { client } = await served(agentOS)
    const { runId, sessionId, requirements } = await client.runs.create({ agentId, message: 'Go' })
    await expect(client.runs.continue(runId, { agentId })).rejects.toMatchObject({
      status: 409,
      code: 'RUN_REQUIREMENTS_UNRESOLVED',
    })
    const elsewhere = client.runs.continue(runId, { ...confirm, sessionId: 'other' })
    await expect(elsewhere).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    // As it came, with a decision; keys of arguments are the tool's.
    const [toolExecution] = requirements!.map((one) => ({ ...one.toolExecution, editedArgs: { amount_due: 5 } }))
    const second = await client.runs.continue(runId, {
      agentId,
      sessionId,
      requirements: requirements!.map((one) => ({ ...one, confirmation: true, toolExecution })),
    })
    expect(second).toMatchObject({ runId, status: 'paused', tools: [{ result: 'Paid 5.' }, { toolName: 'book' }] })
    const third = await client.runs.continue(runId, fill)
    expect(third).toMatchObject({ status: 'completed', content: text })
    expect(third).toEqual(await asJson(agentOS.runs.get(runId)))
  })

  it('goes on in the background', async () => {
    const { client } = await served(asking())
    const { runId, sessionId } = await client.runs.create({ agentId, message: 'Go' })
    const started = await client.runs.continueInBackground(runId, confirm)
    expect(started).toMatchObject({ runId, sessionId, status: 'pending', createdAt: expect.any(String) as string })
    const paused = async (): Promise<Run> => client.runs.get(runId, { agentId })
    await until(async () => (await paused()).status === 'paused' && (await paused()).requirements?.length === 2)
  })

  it('asks another time from a checkpoint, in a copy', async () => {
    const agentOS = testAgentOS(scripted(['One', 'Two', 'Three']))
    const { client } = await served(agentOS)
    const run = await client.runs.create({ agentId, message: 'Hello' })
    const { checkpoints } = await client.runs.checkpoints(run.runId, { agentId, sessionId: run.sessionId })
    expect(checkpoints).toEqual(await asJson((await agentOS.runs.checkpoints(run.runId)).checkpoints))
    const { continueFrom } = checkpoints[0]!
    expect(await client.runs.checkpoint(run.runId, continueFrom, { agentId })).toEqual(
      await asJson(agentOS.runs.checkpoint(run.runId, continueFrom)),
    )
    await expect(client.runs.checkpoint(run.runId, -1, { agentId })).rejects.toMatchObject({
      code: 'CHECKPOINT_OUT_OF_RANGE',
    })
    const fork = await client.runs.continue(run.runId, { agentId, continueFrom, fork: true })
    expect(fork).toMatchObject({ content: 'Two', forkedFromRunId: run.runId })
    const stream = client.runs.continueStream(run.runId, { agentId, regenerate: true, replaceOriginal: false })
    const events = await collect(stream)
    expect([names(events)[0], shownText(events)]).toEqual(['RunContinued', 'Three'])
    const { runId } = await stream.accepted
    expect([run.runId, fork.runId]).not.toContain(runId)
    expect(await client.runs.get(runId, { agentId })).toMatchObject({ content: 'Three', regeneratedFrom: run.runId })
  })

  it('tells what refuses it, as a stream too', async () => {
    const { client } = await served(asking())
    const { runId } = await client.runs.create({ agentId, message: 'Go' })
    const stream = client.runs.continueStream(runId, { agentId, tools: [{ toolCallId: 'none', confirmed: true }] })
    await expect(stream.accepted).rejects.toMatchObject({ status: 422, code: 'UNKNOWN_TOOL_CALL' })
    await expect(collect(stream)).rejects.toMatchObject({ code: 'UNKNOWN_TOOL_CALL' })
    expect((await client.runs.get(runId, { agentId })).status).toBe('paused')
  })
})

describe('the stream of a continued run', () => {
  it('shows what was said only, when that is asked for', async () => {
    const { host, client } = await served(asking())
    const { runId } = await client.runs.create({ agentId, message: 'Go' })
    await client.runs.continue(runId, confirm)
    const proxy = await cuttingProxy(host.port, () => 1_500)
    const events = await collect(clientOf(proxy.url).runs.continueStream(runId, { ...fill, streamEvents: false }))
    expect(proxy.cuts).toBeGreaterThan(0)
    expect(new Set(names(events))).toEqual(new Set(['RunContinued', 'RunContent', 'RunCompleted']))
    expect(shownText(events)).toBe(text)
  })

  it('shows every event of its leg once and in order, wherever it is cut', { timeout: 60_000 }, async () => {
    const agentOS = asking()
    const { host, client } = await served(agentOS)
    /** Of the connection that continues, then of those that follow. */
    let cuts: (() => number)[] = []
    const proxy = await cuttingProxy(host.port, () => (cuts.length > 1 ? cuts.shift() : cuts[0])?.())
    // Each try is a connection of its own.
    const cut: AgentOSClient = clientOf(proxy.url, { headers: { connection: 'close' } })
    let [lost, whole] = [0, 0]

    const leg = async (run: Run, at: number, request: typeof confirm | typeof fill, end: string): Promise<void> => {
      cuts = [() => at, () => 150 + Math.floor(Math.random() * 4_000)]
      const stream = cut.runs.continueStreamInBackground(run.runId, request)
      const events = await collect(stream).catch((error: unknown) => error as Error)
      await until(async () => /paused|completed/.test((await agentOS.runs.get(run.runId)).status))
      const log = (await collect(await agentOS.runs.resume(run.runId))).map((event) => event)
      const begin = log.findLastIndex(({ event }) => event === 'RunContinued')
      if (events instanceof Error) {
        // The answer did not get as far as its headers; and it was asked for once, so the run went on with one leg.
        expect(events).toMatchObject({ code: 'CONNECTION_FAILED' })
        expect(at).toBeLessThan(600)
        lost += 1
      } else {
        expect(names(events), `cut after ${at} bytes`).toEqual([...names(log).slice(begin, -1), end])
        expect(events).toEqual(await asJson(log.slice(begin)))
        expectInOrder(events)
        whole += 1
      }
      expect(names(log).filter((name) => name === 'RunContinued')).toHaveLength(
        'userInputSchema' in request.tools[0]! ? 2 : 1,
      )
    }

    for (let at = 1; at < 4_000; at += at < 700 ? 31 : 400) {
      const run = await client.runs.create({ agentId, message: 'Go' })
      await leg(run, at, confirm, 'RunPaused')
      await leg(run, at, fill, 'RunCompleted')
    }
    expect(proxy.cuts).toBeGreaterThan(whole)
    expect(whole).toBeGreaterThan(lost)
    console.log(`${whole} legs whole, ${lost} not begun, ${proxy.connections} connections, ${proxy.cuts} cut`)
  })
})
