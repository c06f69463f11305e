import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { sqlite } from 'agentos-sdk/storage'
import type { Storage } from 'agentos-sdk'
import { fullCaller } from '../../src/core/caller.js'
import { fromSegment, toSegment } from '../../src/runs/segment.js'
import type { PlacedEntry } from '../../src/runs/segment.js'

/**
 * What a run's row and log may be, told again in a few lines: one status, one attempt that may write, and a list of
 * entries. Random schedules of everything that processes do to a run are played on it and on the repository.
 */
interface Model {
  status: 'running' | 'paused' | 'completed' | 'cancelled' | 'error'
  attempt: number
  log: string[]
  isMarked: boolean
}

/** A process that believes to execute the run; it may be wrong. */
interface Process {
  attempt: number
  next: number
}

type Step =
  | { do: 'append'; process: number; end?: 'paused' | 'completed' | 'cancelled' | 'error'; twice: boolean }
  | { do: 'crash'; process: number }
  | { do: 'recover'; process: number }
  | { do: 'continue'; process: number }
  | { do: 'mark' }
  | { do: 'read'; from: number }

const process = fc.nat({ max: 2 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), process, twice: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      process,
      end: fc.constantFrom('paused' as const, 'completed' as const, 'cancelled' as const, 'error' as const),
      twice: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), process }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('recover' as const), process }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('continue' as const), process }) },
  { weight: 1, arbitrary: fc.constant({ do: 'mark' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read' as const), from: fc.nat({ max: 12 }) }) },
)

const at = 1_700_000_000_000

function entry(index: number, content: string): PlacedEntry {
  return { index, at, entry: { event: { event: 'RunContent', content } } }
}

let count = 0

// oxlint-disable vitest/no-conditional-expect -- a schedule decides what is to be expected
async function play(storage: Storage, steps: readonly Step[]): Promise<void> {
  const { runs } = storage
  const runId = `run-${count++}`
  const model: Model = { status: 'running', attempt: 1, log: ['accepted'], isMarked: false }
  const processes: Process[] = [
    { attempt: 1, next: 1 },
    { attempt: 0, next: 0 },
    { attempt: 0, next: 0 },
  ]
  await runs.accept(fullCaller, {
    run: {
      runId,
      sessionId: `session of ${runId}`,
      component: { kind: 'agent', id: 'a', name: 'a' },
      mode: 'background',
      request: '{}',
      createdAt: at,
    },
    newSession: { name: '', state: {} },
    concurrency: 'queue',
    executorId: 'process 0',
    firstSegment: toSegment([entry(0, 'accepted')], 1),
    maxPending: 1e6,
  })
  const read = async (from: number): Promise<string[]> => {
    const segments = await runs.segments(runId, from, 1000)
    const entries = segments.flatMap(fromSegment).filter(({ index }) => index >= from)
    expect(entries.map(({ index }) => index)).toEqual(entries.map((_, offset) => from + offset))
    return entries.map(({ entry: { event } }) => ('content' in event ? String(event.content) : ''))
  }
  for (const [number, one] of steps.entries()) {
    switch (one.do) {
      case 'append': {
        const who = processes[one.process]!
        if (who.attempt === 0) break
        const text = `${number} by ${one.process}`
        const segment = toSegment([entry(who.next, text)], who.attempt)
        const unit = { runId, segment, at, ...(one.end && { body: '{}', end: { status: one.end, usage: {} } }) }
        const isOpen = model.status === 'running' || (one.end !== undefined && model.status === 'paused')
        const isCurrent = who.attempt === model.attempt && who.next === model.log.length
        const isTaken = isOpen && isCurrent && (!model.isMarked || one.end === 'cancelled')
        const appended = await runs.append(unit).catch((error: unknown) => ({ outcome: 'refused', error }))
        expect(appended.outcome === 'committed').toBe(isTaken)
        if (isTaken) {
          model.log.push(text)
          who.next += 1
          if (one.end) model.status = one.end
          // Whoever has not heard the answer asks again, and is told the same.
          if (one.twice) expect(await runs.append(unit)).toMatchObject({ outcome: 'committed' })
        }
        break
      }
      case 'crash':
        processes[one.process] = { attempt: 0, next: 0 }
        break
      case 'recover': {
        const { attempt } = model
        const taken = await runs.takeOver(runId, attempt, `process ${one.process}`, at)
        const isOpen = model.status === 'running' || model.status === 'paused'
        expect(taken !== undefined).toBe(isOpen)
        if (taken) {
          model.attempt += 1
          processes[one.process] = { attempt: model.attempt, next: taken.head.lastIndex + 1 }
          expect(taken.head.lastIndex).toBe(model.log.length - 1)
        }
        break
      }
      case 'continue': {
        const text = `${number} continued`
        const next = model.log.length
        const opened = await runs.reopen({
          runId,
          attempt: model.attempt,
          executorId: `process ${one.process}`,
          mode: 'background',
          segment: toSegment([entry(next, text)], model.attempt + 1),
          at,
        })
        expect(opened).toBe((model.status === 'paused' || model.status === 'error') && !model.isMarked)
        if (opened) {
          model.attempt += 1
          model.status = 'running'
          model.log.push(text)
          processes[one.process] = { attempt: model.attempt, next: next + 1 }
        }
        break
      }
      case 'mark': {
        const head = await runs.requestCancel(fullCaller, runId, at)
        expect(head?.status).toBe(model.status)
        if (model.status === 'running' || model.status === 'paused') model.isMarked = true
        break
      }
      case 'read':
        expect(await read(one.from)).toEqual(model.log.slice(one.from))
        break
    }
  }
  const stored = await runs.get(fullCaller, runId)
  expect(stored?.head).toMatchObject({
    status: model.status,
    attempt: model.attempt,
    lastIndex: model.log.length - 1,
  })
  expect(await read(0)).toEqual(model.log)
}

it('keeps one writer, one order and one end, whatever processes do to a run', async () => {
  const storage = sqlite(':memory:')
  const numRuns = 2000
  let steps = 0
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }), async (schedule) => {
        steps += schedule.length
        await play(storage, schedule)
      }),
      { numRuns },
    )
  } finally {
    await storage.close()
  }
  console.log(`${numRuns} schedules of ${steps} steps`)
}, 120_000)
