import { describe, expect, it, onTestFinished } from 'vitest'
import { Agent, AgentOS, tool } from 'agentos-sdk'
import type { Storage } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { Model } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { RunFold } from '../../src/agents/log/fold.js'
import { fullCaller } from '../../src/core/caller.js'
import { silentLogger } from '../../src/core/logger.js'
import { fromSegment, toSegment } from '../../src/runs/segment.js'
import { fromSnapshots, toSnapshot } from '../../src/runs/snapshot.js'
import { foldLog } from '../../src/runs/stored-run.js'
import { StoredMedia } from '../../src/runs/stored-media.js'
import { accept, T0 } from '../../src/testing/storage-cases/case.js'
import { gate, until } from '../support/agent-os.js'
import { sharedStorage } from '../support/two-processes.js'

const quick = { leaseMs: 300, sweepMs: 30, pollMs: 20, stopDeadlineMs: 500 }

/** Calls a tool in each of so many steps, then answers; says of itself when it is at a step. */
function stepping(steps: number, waits?: { at: number; until: Promise<void> }): Model {
  return scripted(({ messages }) => {
    const step = messages.filter(({ role }) => role === 'tool').length
    if (step === steps) return `Done after ${step}.`
    const stall = waits?.at === step ? { stall: { until: waits.until } } : {}
    return { content: `Step ${step}.`, toolCalls: [{ name: 'work' }], ...stall }
  })
}

function start(storage: Storage, model: Model): AgentOS {
  const agents = [
    new Agent({ id: 'my-agent', model, stepLimit: 200, tools: [tool({ name: 'work', execute: () => 'done' })] }),
  ]
  const agentOS = new AgentOS({ agents, storage, logger: silentLogger, runs: quick })
  onTestFinished(() => agentOS.stop())
  return agentOS
}

/** Tells from which indexes the log is read from now on. */
function watchReads(storage: Storage): number[] {
  const read: number[] = []
  const { segments } = storage.runs
  storage.runs.segments = (runId, fromIndex, limit) => {
    read.push(fromIndex)
    return segments(runId, fromIndex, limit)
  }
  return read
}

describe('a long leg', () => {
  it('has a snapshot at every 64th durable point, and is read from there while it goes on', async () => {
    const { opened, open } = gate()
    const storage = sqlite(':memory:')
    const agentOS = start(storage, stepping(60, { at: 50, until: opened }))
    const { runId } = await agentOS.runs.start({ agentId: 'my-agent', message: 'Go.' })
    await until(async () => (await agentOS.runs.get(runId)).tools?.length === 50)
    const log = (await storage.runs.segments(runId, 0, 10_000)).flatMap(fromSegment)
    const fold = new RunFold()
    for (const { entry, index, at } of log) fold.apply(entry, index, at)
    const snapshots = await storage.runs.snapshots(runId, Infinity)
    expect(snapshots).toHaveLength(2)
    const snapshot = snapshots[1]!
    expect(fold.durablePoints).toBe(150)
    const upTo = new RunFold()
    for (const { entry, index, at } of log) if (index <= snapshot.lastIndex) upTo.apply(entry, index, at)
    // Twice 64, and what stands in the same segments.
    expect(upTo.durablePoints).toBeGreaterThanOrEqual(128)
    expect(upTo.durablePoints).toBeLessThan(132)
    const read = watchReads(storage)
    const running = await agentOS.runs.get(runId)
    expect(read[0]).toBe(snapshot.lastIndex + 1)
    expect(running).toMatchObject({ status: 'running', ...JSON.parse(JSON.stringify(fold.body(0))), metrics: {} })
    open()
    await until(async () => (await agentOS.runs.get(runId)).status === 'completed')
    expect((await agentOS.runs.get(runId)).content).toContain('Done after 60.')
  })

  it('goes on after a crash from the snapshot, as if nothing had been', async () => {
    const open = sharedStorage()
    const first = start(open(), stepping(60, { at: 55, until: new Promise(() => undefined) }))
    const { runId } = await first.runs.start({ agentId: 'my-agent', message: 'Go.' })
    await until(async () => (await first.runs.get(runId)).tools?.length === 55)
    await first.stop({ deadlineMs: 0 })
    const storage = open()
    const read = watchReads(storage)
    const second = start(storage, stepping(60))
    await until(async () => (await second.runs.get(runId)).status === 'completed')
    expect(Math.min(...read)).toBeGreaterThan(0)
    const control = await start(sqlite(':memory:'), stepping(60)).runs.create({ agentId: 'my-agent', message: 'Go.' })
    const run = await second.runs.get(runId)
    expect(run.content).toBe(control.content)
    expect(run.tools).toHaveLength(60)
    expect(run.messages?.map(({ role, content }) => [role, content])).toEqual(
      control.messages?.map(({ role, content }) => [role, content]),
    )
    const log = (await storage.runs.segments(runId, 0, 10_000)).flatMap(fromSegment)
    expect(log.map(({ index }) => index)).toEqual(log.map((_, index) => index))
  })
})

describe('a snapshot', () => {
  const said = (content: string) => ({ event: { event: 'RunContent' as const, content } })

  it('of another version is passed over: the log says the same', async () => {
    const storage = sqlite(':memory:')
    const { runId } = await accept(storage, { firstSegment: toSegment([{ index: 0, at: T0, entry: said('a') }], 1) })
    const segment = toSegment([{ index: 1, at: T0, entry: said('b') }], 1)
    const snapshot = JSON.stringify({ version: 99, lastIndex: 1, folds: 'of a kind that is not known here' })
    await storage.runs.append({ runId, segment, at: T0, snapshot })
    const { head } = (await storage.runs.get(fullCaller, runId))!
    expect((await foldLog(storage.runs, head)).text).toBe('ab')
    await storage.close()
  })

  it('is not used for a run as it was before', async () => {
    const storage = sqlite(':memory:')
    const { runId } = await accept(storage, { firstSegment: toSegment([{ index: 0, at: T0, entry: said('a') }], 1) })
    const fold = new RunFold()
    fold.apply(said('a'), 0, T0)
    fold.apply(said('b'), 1, T0)
    const segment = toSegment([{ index: 1, at: T0, entry: said('b') }], 1)
    const snapshot = await toSnapshot(runId, undefined, fold.state(), new StoredMedia(storage.media))
    await storage.runs.append({ runId, segment, at: T0, snapshot })
    const { head } = (await storage.runs.get(fullCaller, runId))!
    expect((await foldLog(storage.runs, head, undefined, 0)).text).toBe('a')
    expect((await foldLog(storage.runs, head)).text).toBe('ab')
    await storage.close()
  })

  it('holds no bytes of media, and gives them back', async () => {
    const storage = sqlite(':memory:')
    const media = new StoredMedia(storage.media)
    const content = Buffer.from('a picture of a cat').toString('base64')
    const images = [{ id: 'i', content, mimeType: 'image/png' }]
    const common = { fromHistory: false, stopAfterToolCall: false, createdAt: 0 }
    const fold = new RunFold()
    const message = { id: 'm', role: 'user' as const, content: '?', images, ...common }
    fold.apply({ event: { event: 'ModelRequestStarted' }, facts: { messages: [message] } }, 0, 0)
    const made = { toolCallId: 't', toolName: 'draw', stopAfterToolCall: false, createdAt: 0 }
    fold.apply({ event: { event: 'ToolCallCompleted', tool: made, images } }, 1, 0)
    const text = await toSnapshot('r', undefined, fold.state(), media)
    expect(text).not.toContain(content)
    const back = await fromSnapshots([{ lastIndex: 1, text }], 'r', media)
    expect(back?.messages).toMatchObject([{ images }])
    expect(back?.media).toEqual({ images })
    await storage.close()
  })

  it('tells only what has come since the one before', async () => {
    const storage = sqlite(':memory:')
    const agentOS = start(storage, stepping(150))
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Go.' })
    const sizes = (await storage.runs.snapshots(runId, Infinity)).map(({ text }) => text.length)
    expect(sizes.length).toBeGreaterThan(5)
    expect(sizes.at(-1)).toBeLessThan(1.2 * sizes[1]!)
  })

  it('builds on one that its writer could read, whatever others have written between', async () => {
    const storage = sqlite(':memory:')
    const media = new StoredMedia(storage.media)
    const fold = new RunFold()
    fold.apply(said('a'), 0, T0)
    const a = fold.state()
    fold.apply(said('b'), 1, T0)
    const b = fold.state()
    fold.apply(said('c'), 2, T0)
    const c = fold.state()
    const first = { lastIndex: 0, text: await toSnapshot('r', undefined, a, media) }
    const second = { lastIndex: 1, text: await toSnapshot('r', a, b, media) }
    const third = { lastIndex: 2, text: await toSnapshot('r', a, c, media) }
    const foreign = { lastIndex: 1, text: '{"version":99}' }
    const textOf = async (...stored: (typeof first)[]) => (await fromSnapshots(stored, 'r'))?.text
    expect(await textOf(first, second)).toBe('ab')
    expect(await textOf(first, foreign, third)).toBe('abc')
    expect(await textOf(first, second, third)).toBe('ab')
    expect(await textOf(foreign)).toBeUndefined()
    await storage.close()
  })
})
