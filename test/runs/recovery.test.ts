import { describe, expect, it, onTestFinished } from 'vitest'
import { Agent, AgentOS, tool } from 'agentos-sdk'
import type { AgentOSOptions } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { Model } from 'agentos-sdk/models'
import { z } from 'zod'
import { fullCaller } from '../../src/core/caller.js'
import { silentLogger } from '../../src/core/logger.js'
import { collect, names, shownText, until } from '../support/agent-os.js'
import { sharedStorage } from '../support/two-processes.js'

const quick = { leaseMs: 300, sweepMs: 30, pollMs: 20, stopDeadlineMs: 500 }
const text = 'A text that is long enough to come in several pieces, one after the other.'

/** Processes on one database. `crash` stops one as a SIGKILL would: nothing of it is written any more. */
function processes() {
  const storage = sharedStorage()
  return {
    start(model: Model, options: Partial<AgentOSOptions> = {}) {
      const agentOS = new AgentOS({
        agents: [new Agent({ id: 'my-agent', model })],
        storage: storage(),
        logger: silentLogger,
        ...options,
        runs: { ...quick, ...options.runs },
      })
      onTestFinished(() => agentOS.stop())
      return agentOS
    },
    async crash(agentOS: AgentOS): Promise<void> {
      await agentOS.stop({ deadlineMs: 0 })
    },
  }
}

const hanging = () => scripted({ content: text, stall: { afterDeltas: 2 } })

async function untilShown(agentOS: AgentOS, runId: string): Promise<void> {
  await until(async () => (await agentOS.runs.get(runId)).content !== undefined)
}

describe('a run whose process is gone', () => {
  it('goes on in another one: its deltas are withdrawn, and the step is made again', async () => {
    const { start, crash } = processes()
    const first = start(hanging())
    const stream = first.runs.streamInBackground({ agentId: 'my-agent', message: 'Hi' })
    await stream.accepted
    await untilShown(first, stream.runId)
    await crash(first)
    const second = start(scripted(text))
    const events = await collect(await second.runs.resume(stream.runId))
    expect(names(events)).toContain('RunRecovered')
    expect(names(events).at(-1)).toBe('RunCompleted')
    expect(shownText(events)).toBe(text)
    expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, index) => index))
    expect(await second.runs.get(stream.runId)).toMatchObject({ status: 'completed', content: text })
  })

  it('goes on in one that was only started, by whatever call first', async () => {
    const { start, crash } = processes()
    const first = start(hanging())
    const stream = first.runs.streamInBackground({ agentId: 'my-agent', message: 'Hi' })
    await stream.accepted
    await untilShown(first, stream.runId)
    await crash(first)
    const second = start(scripted(text))
    await Promise.all([second.start(), second.start()])
    await second.start()
    // Looked at from outside, so that nothing is asked of the one that was started.
    const watching = start(scripted('never'), { agents: [new Agent({ id: 'other', model: scripted('never') })] })
    await until(async () => (await watching.runs.get(stream.runId)).status === 'completed')
    expect((await watching.runs.get(stream.runId)).content).toBe(text)
    await crash(second)
    await expect(second.start()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  })

  it('ends as RUN_INTERRUPTED when its client has gone with the process', async () => {
    const { start, crash } = processes()
    const first = start(hanging())
    void first.runs.create({ agentId: 'my-agent', message: 'Hi', runId: 'r1' }).catch(() => undefined)
    await until(async () => (await first.runs.list({ limit: 1 })).data[0]?.status === 'running')
    await crash(first)
    const second = start(scripted(text))
    second.runs.start({ agentId: 'my-agent', message: 'Wake up' }).catch(() => undefined)
    await until(async () => (await second.runs.get('r1')).status === 'error')
    expect((await second.runs.get('r1')).error).toMatchObject({ errorCode: 'RUN_INTERRUPTED', retryable: true })
  })

  it('goes on for whoever asks again with its key', async () => {
    const { start, crash } = processes()
    const first = start(hanging())
    const input = { agentId: 'my-agent', message: 'Hi', idempotencyKey: 'k' }
    void first.runs.create(input).catch(() => undefined)
    await until(async () => (await first.runs.list({ limit: 1 })).data.length === 1)
    await crash(first)
    const second = start(scripted(text))
    expect(await second.runs.create(input)).toMatchObject({ status: 'completed', content: text })
    expect((await second.runs.list({ limit: 10 })).totalCount).toBe(1)
  })

  it('asks before a tool runs again that may not, and repeats one that may with the same key', async () => {
    const { start, crash } = processes()
    const calls: string[] = []
    const build = (isFirst: boolean) => {
      const record =
        (name: string) =>
        (_args: object, { idempotencyKey }: { idempotencyKey: string }) => {
          calls.push(`${name} ${idempotencyKey}`)
          return isFirst ? new Promise<string>(() => undefined) : `${name} done`
        }
      const model = scripted([{ toolCalls: [{ name: 'again' }, { name: 'once' }] }, 'Done.'])
      const tools = [
        tool({ name: 'again', idempotent: true, input: z.object({}), execute: record('again') }),
        tool({ name: 'once', input: z.object({}), execute: record('once') }),
      ]
      return { model, agents: [new Agent({ id: 'my-agent', model, tools })] }
    }
    const before = build(true)
    const first = start(before.model, before)
    const { runId } = await first.runs.start({ agentId: 'my-agent', message: 'Hi' })
    await until(() => calls.length === 2)
    await crash(first)
    const after = build(false)
    const second = start(after.model, after)
    const events = await collect(await second.runs.resume(runId))
    expect(names(events).at(-1)).toBe('RunPaused')
    const paused = await second.runs.get(runId)
    expect(paused.tools).toMatchObject([
      { toolName: 'again', result: 'again done' },
      { toolName: 'once', interrupted: true, requiresConfirmation: true },
    ])
    expect(calls.filter((call) => call.startsWith('once'))).toHaveLength(1)
    const again = calls.filter((call) => call.startsWith('again'))
    expect(again).toHaveLength(2)
    expect(new Set(again).size).toBe(1)
    const [waiting] = paused.requirements!
    const run = await second.runs.continue(runId, { requirements: [{ id: waiting!.id, confirmation: true }] })
    expect(run.status).toBe('completed')
    expect(calls.filter((call) => call.startsWith('once'))).toHaveLength(2)
  })

  it('is given up after a number of attempts', async () => {
    const { start, crash } = processes()
    const limited = { runs: { maxAttempts: 2 } }
    let agentOS = start(hanging(), limited)
    const { runId } = await agentOS.runs.start({ agentId: 'my-agent', message: 'Hi' })
    for (let crashes = 0; crashes < 2; crashes++) {
      await until(async () => (await agentOS.runs.head(runId)).attempt === crashes + 1)
      await crash(agentOS)
      agentOS = start(hanging(), limited)
      await agentOS.runs.start({ agentId: 'my-agent', message: 'Wake up' })
    }
    await until(async () => (await agentOS.runs.get(runId)).status === 'error')
    expect((await agentOS.runs.get(runId)).error?.errorCode).toBe('RECOVERY_EXHAUSTED')
  })

  it('is ended when whoever was to cancel it has died on the way', async () => {
    const { start } = processes()
    const storage = sharedStorage()
    const build = () =>
      start(scripted([{ toolCalls: [{ name: 'pay' }] }, 'Paid.']), {
        storage: storage(),
        agents: [
          new Agent({
            id: 'my-agent',
            model: scripted([{ toolCalls: [{ name: 'pay' }] }, 'Paid.']),
            tools: [tool({ name: 'pay', requiresConfirmation: true, execute: () => 'ok' })],
          }),
        ],
        runs: { cancelWaitMs: 20 },
      })
    const first = build()
    const { runId } = await first.runs.create({ agentId: 'my-agent', message: 'Hi', sessionId: 's' })
    const other = storage()
    await other.runs.requestCancel(fullCaller, runId, Date.now())
    await other.close()
    await until(async () => (await first.runs.get(runId)).status !== 'paused')
    expect((await first.runs.get(runId)).status).toBe('cancelled')
  })

  it('hands its session over, so that the next run of the session is not stuck', async () => {
    const { start, crash } = processes()
    const first = start(hanging())
    void first.runs.create({ agentId: 'my-agent', message: 'Hi', sessionId: 's' }).catch(() => undefined)
    await until(async () => (await first.runs.list({ limit: 1 })).data.length === 1)
    await crash(first)
    const second = start(scripted(text))
    const run = await second.runs.create({ agentId: 'my-agent', message: 'And now?', sessionId: 's' })
    expect(run).toMatchObject({ status: 'completed', content: text })
  })

  it('can be continued after a restart, with the decisions of later', async () => {
    const { start } = processes()
    const build = () => {
      const model = scripted([{ toolCalls: [{ name: 'pay' }] }, 'Paid.'])
      const pay = tool({ name: 'pay', requiresConfirmation: true, execute: () => 'ok' })
      return { model, agents: [new Agent({ id: 'my-agent', model, tools: [pay] })] }
    }
    const before = build()
    const first = start(before.model, before)
    const { runId, requirements } = await first.runs.create({ agentId: 'my-agent', message: 'Hi' })
    await first.stop()
    const withoutTool = start(scripted('unused'))
    const decided = { requirements: [{ id: requirements![0]!.id, confirmation: true }] }
    await expect(withoutTool.runs.continue(runId, decided)).rejects.toMatchObject({ code: 'RUN_NOT_CONTINUABLE' })
    expect((await withoutTool.runs.get(runId)).status).toBe('paused')
    const after = build()
    const second = start(after.model, after)
    expect(await second.runs.continue(runId, decided)).toMatchObject({ status: 'completed', content: 'Paid.' })
  })
})

describe('stop', () => {
  it('waits for runs that are going on, and refuses new ones', async () => {
    const { start } = processes()
    const agentOS = start(scripted(async () => new Promise((resolve) => setTimeout(() => resolve('Done.'), 100))))
    const running = agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    await until(async () => (await agentOS.runs.list({ limit: 1 })).data.length === 1)
    const stopped = agentOS.stop()
    await expect(agentOS.runs.create({ agentId: 'my-agent', message: 'Ho' })).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
    })
    expect((await running).status).toBe('completed')
    await stopped
  })

  it('lets go of what has not ended by its deadline, and another process goes on at once', async () => {
    const { start } = processes()
    const first = start(hanging(), { runs: { leaseMs: 60_000 } })
    const { runId } = await first.runs.start({ agentId: 'my-agent', message: 'Hi' })
    await untilShown(first, runId)
    await first.stop({ deadlineMs: 20 })
    const second = start(scripted(text))
    expect(names(await collect(await second.runs.resume(runId))).at(-1)).toBe('RunCompleted')
  })
})
