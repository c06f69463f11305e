import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, tool } from 'agentos-sdk'
import type { AgentOS, Run } from 'agentos-sdk'
import type { AgentOSClient, AgentOSClientError, RunEvent } from 'agentos-sdk/client'
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
    await until(async () => {
      const { status, requirements } = await client.runs.get(runId, { agentId })
      return status === 'paused' && requirements?.length === 2
    })
  })

  it('asks another time from a checkpoint, in a copy', async () => {
    let answers = 0
    const agentOS = testAgentOS(scripted(() => `Answer ${++answers}`))
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
    expect(fork).toMatchObject({ content: 'Answer 2', forkedFromRunId: run.runId })
    const stream = client.runs.continueStream(run.runId, { agentId, regenerate: true, replaceOriginal: false })
    const events = await collect(stream)
    expect([names(events)[0], shownText(events)]).toEqual(['RunContinued', 'Answer 3'])
    const { runId } = await stream.accepted
    expect([run.runId, fork.runId]).not.toContain(runId)
    expect(await client.runs.get(runId, { agentId })).toMatchObject({ content: 'Answer 3', regeneratedFrom: run.runId })
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
    let searches = 0
    const cut: AgentOSClient = clientOf(proxy.url, {
      headers: { connection: 'close' },
      fetch: (url, init) => {
        if (init.method === 'GET' && !new Headers(init.headers).has('last-event-id')) searches += 1
        return fetch(url, init)
      },
    })
    let [lost, whole] = [0, 0]

    const leg = async (run: Run, at: number, request: typeof confirm | typeof fill) => {
      cuts = [() => at, () => 150 + Math.floor(Math.random() * 4_000)]
      const stream = cut.runs.continueStreamInBackground(run.runId, request)
      const shown = await collect(stream).catch((error: unknown) => (error as AgentOSClientError).code)
      await until(async () => /paused|completed/.test((await agentOS.runs.get(run.runId)).status))
      const log = await collect(await agentOS.runs.resume(run.runId))
      const begin = log.findLastIndex(({ event }) => event === 'RunContinued')
      const ofLeg = (await asJson(log.slice(begin))) as RunEvent[]
      if (Array.isArray(shown)) whole += 1
      else lost += 1
      // Without the head of the answer nobody knows what became of the request, and it is not sent again.
      expect(shown, `cut after ${at} bytes`).toEqual(typeof shown === 'string' ? 'CONNECTION_FAILED' : ofLeg)
      expect(at < 600 || shown !== 'CONNECTION_FAILED').toBe(true)
      return { begins: names(log).filter((name) => name === 'RunContinued').length, end: names(log).at(-1) }
    }

    for (let at = 1; at < 4_000; at += at < 700 ? 31 : 400) {
      const run = await client.runs.create({ agentId, message: 'Go' })
      expect(await leg(run, at, confirm)).toEqual({ begins: 1, end: 'RunPaused' })
      expect(await leg(run, at, fill)).toEqual({ begins: 2, end: 'RunCompleted' })
    }
    expect(proxy.cuts).toBeGreaterThan(whole)
    expect(whole).toBeGreaterThan(lost)
    // Some were cut between their headers and their first event.
    expect(searches).toBeGreaterThan(0)
    console.log(
      `${whole} legs whole, ${lost} without an answer, ${searches} searches, ${proxy.connections} connections, ${proxy.cuts} cut`,
    )
  })
})
