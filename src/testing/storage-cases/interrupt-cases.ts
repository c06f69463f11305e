import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import type { Concurrency } from '../../agents/runnable.js'
import type { Storage } from '../../storage/storage.js'
import { accept, cancelWaiting, ending, segment, T0, type Cases } from './case.js'

async function isMarked(storage: Storage, runId: string): Promise<boolean> {
  return (await storage.runs.get(fullCaller, runId))?.head.cancelRequestedAt !== undefined
}

/** A session with a running run, one beside it, and one that waits; then one that interrupts them. */
async function interrupted(storage: Storage, concurrency: Concurrency) {
  const running = await accept(storage)
  const beside = await accept(storage, { concurrency: 'allow' })
  const waiting = await accept(storage)
  const elsewhere = await accept(storage, { run: { sessionId: 'ses_2' } })
  const last = await accept(storage, { concurrency })
  const earlier = [running.runId, beside.runId, waiting.runId]
  return { running, beside, waiting, elsewhere, last, earlier }
}

export const interruptCases: Cases = {
  'asks every earlier run of the session to end, and names them in order': async (storage) => {
    const { last, earlier, elsewhere } = await interrupted(storage, 'interrupt')
    assert.equal(last.outcome, 'pending')
    assert.deepEqual(last.outcome === 'pending' && last.interrupted, earlier)
    for (const runId of earlier) assert.equal(await isMarked(storage, runId), true)
    assert.equal(await isMarked(storage, elsewhere.runId), false)
    assert.equal(await isMarked(storage, last.runId), false)
  },

  'has the session as soon as the running one has ended': async (storage) => {
    const { running, last } = await interrupted(storage, 'interrupt')
    const end = await storage.runs.append(ending(running.runId, 'cancelled'))
    assert.deepEqual(end, { outcome: 'committed', next: last.runId })
    assert.equal(await storage.runs.begin(last.runId, 'exe_1', segment(0), T0), true)
  },

  'keeps with `interrupt` what the others have said': async (storage) => {
    const { running, last } = await interrupted(storage, 'interrupt')
    await storage.runs.append(ending(running.runId, 'cancelled'))
    const window = await storage.runs.window('ses_1', last.seq, 10)
    assert.deepEqual(
      window!.runs.map(({ runId }) => runId),
      [running.runId],
    )
  },

  'hides with `rollback` what the others have said, and keeps their records': async (storage) => {
    const earlier = await accept(storage)
    await storage.runs.append(ending(earlier.runId))
    const { running, beside, waiting, last } = await interrupted(storage, 'rollback')
    await storage.runs.append(ending(running.runId, 'cancelled'))
    await storage.runs.append(ending(beside.runId, 'cancelled'))
    await cancelWaiting(storage, waiting.runId)
    const window = await storage.runs.window('ses_1', last.seq, 10)
    assert.deepEqual(
      window!.runs.map(({ runId }) => runId),
      [earlier.runId],
    )
    assert.equal((await storage.runs.list(fullCaller, { limit: 10, sessionId: 'ses_1' })).totalCount, 5)
  },

  'starts at once where there is nothing to interrupt': async (storage) => {
    const { runId } = await accept(storage, { concurrency: 'interrupt' })
    await storage.runs.append(ending(runId))
    assert.equal((await accept(storage, { concurrency: 'interrupt' })).outcome, 'running')
  },

  'interrupts runs beside a free line, and then its turn has come': async (storage) => {
    const beside = await accept(storage, { concurrency: 'allow' })
    const last = await accept(storage, { concurrency: 'interrupt' })
    assert.equal(last.outcome, 'pending')
    assert.deepEqual(last.outcome === 'pending' && last.interrupted, [beside.runId])
    assert.equal((await accept(storage)).outcome, 'pending')
    assert.equal(await storage.runs.begin(last.runId, 'exe_1', segment(0), T0), true)
  },

  'keeps the first mark of a run that is interrupted twice': async (storage) => {
    const first = await accept(storage)
    await accept(storage, { concurrency: 'interrupt', run: { createdAt: T0 + 1 } })
    await accept(storage, { concurrency: 'interrupt', run: { createdAt: T0 + 2 } })
    const { head } = (await storage.runs.get(fullCaller, first.runId))!
    assert.equal(head.cancelRequestedAt, T0 + 1)
  },
}
