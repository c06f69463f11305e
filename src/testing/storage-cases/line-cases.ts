import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import { accept, assertRefused, cancelWaiting, ending, segment, statusOf, T0, unit, type Cases } from './case.js'

export const lineCases: Cases = {
  'starts one of many that arrive at once, and hands over in the order of acceptance': async (storage) => {
    const accepted = await Promise.all(Array.from({ length: 20 }, () => accept(storage)))
    const [first, ...waiting] = accepted
    assert.equal(first!.outcome, 'running')
    assert(waiting.every(({ outcome }) => outcome === 'pending'))
    let current = first!.runId
    for (const { runId } of waiting) {
      assert.deepEqual(await storage.runs.append(ending(current)), { outcome: 'committed', next: runId })
      assert.equal(await storage.runs.begin(runId, 'exe_1', segment(0), T0 + 5), true)
      current = runId
    }
    const last = await storage.runs.append(ending(current))
    assert.equal(last.outcome === 'committed' && last.next === undefined, true)
    assert.equal((await accept(storage)).outcome, 'running')
  },

  'begins a run once, with its attempt, executor and first segment': async (storage) => {
    const { runId: first } = await accept(storage)
    const { runId } = await accept(storage)
    await storage.runs.append(ending(first))
    const begun = await Promise.all(
      ['exe_1', 'exe_2', 'exe_3'].map((executor) => storage.runs.begin(runId, executor, segment(0, 1), T0 + 7)),
    )
    assert.deepEqual(begun, [true, false, false])
    const { head } = (await storage.runs.get(fullCaller, runId))!
    assert.deepEqual(
      [head.status, head.attempt, head.executorId, head.lastIndex, head.updatedAt],
      ['running', 1, 'exe_1', 1, T0 + 7],
    )
    assert.equal((await storage.runs.segments(runId, 0, 10)).length, 1)
  },

  'does not begin out of turn, nor what is not pending': async (storage) => {
    const { runId: first } = await accept(storage)
    const { runId: second } = await accept(storage)
    assert.equal(await storage.runs.begin(second, 'exe_1', segment(0), T0), false)
    assert.equal(await storage.runs.begin(first, 'exe_1', segment(1, 1, 2), T0), false)
    assert.equal(await storage.runs.begin('run_unknown', 'exe_1', segment(0), T0), false)
  },

  'refuses with `reject` while a run is running or waits, not while it is paused': async (storage) => {
    const { runId: first } = await accept(storage)
    const reject = () => storage.runs.accept(fullCaller, unit({ concurrency: 'reject' }))
    await assertRefused(reject(), 'SESSION_BUSY')
    const { runId: second } = await accept(storage)
    await storage.runs.append(ending(first))
    await assertRefused(reject(), 'SESSION_BUSY')
    await storage.runs.begin(second, 'exe_1', segment(0), T0)
    await storage.runs.append(ending(second, 'paused'))
    assert.equal((await reject()).outcome, 'running')
  },

  'runs beside the others with `allow`, and leaves the line to them': async (storage) => {
    const { runId: first } = await accept(storage)
    const { runId: beside, outcome } = await accept(storage, { concurrency: 'allow' })
    assert.equal(outcome, 'running')
    const { runId: waiting } = await accept(storage)
    const besideEnd = await storage.runs.append(ending(beside))
    assert.equal(besideEnd.outcome === 'committed' && besideEnd.next === undefined, true)
    assert.deepEqual(await storage.runs.append(ending(first)), { outcome: 'committed', next: waiting })
  },

  'is free for others while only runs beside it are under way': async (storage) => {
    await accept(storage, { concurrency: 'allow' })
    assert.equal((await accept(storage, { concurrency: 'reject' })).outcome, 'running')
  },

  'gives a paused run no place, and does not mind its end later': async (storage) => {
    const { runId: paused } = await accept(storage)
    const { runId: second } = await accept(storage)
    assert.deepEqual(await storage.runs.append(ending(paused, 'paused')), { outcome: 'committed', next: second })
    await storage.runs.begin(second, 'exe_1', segment(0), T0)
    assert.equal(await cancelWaiting(storage, paused), undefined)
    const { runId: third, outcome } = await accept(storage)
    assert.equal(outcome, 'pending')
    assert.deepEqual(await storage.runs.append(ending(second)), { outcome: 'committed', next: third })
  },

  'does not get stuck when a run that waits is cancelled': async (storage) => {
    const { runId: first } = await accept(storage)
    const { runId: second } = await accept(storage)
    const { runId: third } = await accept(storage)
    assert.equal(await cancelWaiting(storage, second), undefined)
    assert.equal(await statusOf(storage, second), 'cancelled')
    assert.deepEqual(await storage.runs.append(ending(first)), { outcome: 'committed', next: third })
  },

  'hands on when the run is cancelled that was handed the session': async (storage) => {
    const { runId: first } = await accept(storage)
    const { runId: second } = await accept(storage)
    const { runId: third } = await accept(storage)
    assert.deepEqual(await storage.runs.append(ending(first)), { outcome: 'committed', next: second })
    assert.equal(await cancelWaiting(storage, second), third)
    assert.equal(await storage.runs.begin(third, 'exe_1', segment(0), T0), true)
  },

  'passes over runs that are to be cancelled, and never begins them': async (storage) => {
    const { runId: first } = await accept(storage)
    const { runId: marked } = await accept(storage)
    const { runId: third } = await accept(storage)
    await storage.runs.requestCancel(fullCaller, marked, T0)
    assert.deepEqual(await storage.runs.append(ending(first)), { outcome: 'committed', next: third })
    assert.equal(await storage.runs.begin(marked, 'exe_1', segment(0), T0), false)
  },

  'lets a run wait for its time, and others go ahead meanwhile': async (storage) => {
    const { runId: later, outcome } = await accept(storage, { run: { runAfter: T0 + 100 } })
    assert.equal(outcome, 'pending')
    assert.equal(await storage.runs.begin(later, 'exe_1', segment(0), T0 + 99), false)
    const { runId: other, outcome: otherOutcome } = await accept(storage)
    assert.equal(otherOutcome, 'running')
    const early = await storage.runs.append(ending(other, 'completed', { at: T0 + 50 }))
    assert.equal(early.outcome === 'committed' && early.next === undefined, true)
    const due = await accept(storage, { run: { createdAt: T0 + 200 } })
    assert.equal(due.outcome, 'pending')
    assert.equal(await storage.runs.begin(due.runId, 'exe_1', segment(0), T0 + 200), false)
    assert.equal(await storage.runs.begin(later, 'exe_1', segment(0), T0 + 200), true)
    assert.deepEqual(await storage.runs.append(ending(later)), { outcome: 'committed', next: due.runId })
  },
}
