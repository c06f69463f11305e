import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import { accept, assertSame, cancelWaiting, ending, segment, statusOf, T0, user, type Cases } from './case.js'

export const cancelCases: Cases = {
  'marks a run once, and tells its state': async (storage) => {
    const { runId } = await accept(storage)
    const head = await storage.runs.requestCancel(fullCaller, runId, T0 + 5)
    assertSame([head?.status, head?.attempt, head?.cancelRequestedAt], ['running', 1, T0 + 5])
    const again = await storage.runs.requestCancel(fullCaller, runId, T0 + 6)
    assert.equal(again?.cancelRequestedAt, T0 + 5)
    assertSame((await storage.runs.get(fullCaller, runId))?.head, again)
  },

  'leaves a run alone that has ended': async (storage) => {
    const { runId } = await accept(storage)
    await storage.runs.append(ending(runId))
    const head = await storage.runs.requestCancel(fullCaller, runId, T0 + 5)
    assertSame([head?.status, head?.cancelRequestedAt], ['completed', undefined])
  },

  'does not show a run of another user': async (storage) => {
    const { runId } = await accept(storage, { run: { userId: 'ann' } })
    assert.equal(await storage.runs.requestCancel(user('bob'), runId, T0), undefined)
    assert.equal(await storage.runs.requestCancel(user(undefined), runId, T0), undefined)
    assert.equal(await storage.runs.requestCancel(fullCaller, 'run_unknown', T0), undefined)
    assert.equal((await storage.runs.get(fullCaller, runId))!.head.cancelRequestedAt, undefined)
    assert.equal((await storage.runs.requestCancel(user('ann'), runId, T0))?.cancelRequestedAt, T0)
  },

  'takes only the end as `cancelled` from then on': async (storage) => {
    const { runId } = await accept(storage)
    await storage.runs.append({ runId, segment: segment(1), at: T0 })
    await storage.runs.requestCancel(fullCaller, runId, T0)
    const refused = { outcome: 'cancel_requested' }
    assertSame(await storage.runs.append({ runId, segment: segment(2), at: T0 }), refused)
    for (const status of ['completed', 'error', 'paused'] as const) {
      assertSame(await storage.runs.append(ending(runId, status, { segment: segment(2) })), refused)
    }
    // What was stored before stays committed.
    assertSame(await storage.runs.append({ runId, segment: segment(1), at: T0 }), { outcome: 'committed' })
    const end = ending(runId, 'cancelled', { segment: segment(2, 4) })
    assertSame(await storage.runs.append(end), { outcome: 'committed' })
    const { head, body } = (await storage.runs.get(fullCaller, runId))!
    assertSame([head.status, head.lastIndex, body], ['cancelled', 4, end.body])
  },

  'wins or loses once against the end of the run': async (storage) => {
    for (let trial = 0; trial < 20; trial++) {
      const { runId } = await accept(storage, { run: { sessionId: `ses_${trial}` } })
      const cancel = () => storage.runs.requestCancel(fullCaller, runId, T0)
      const complete = () => storage.runs.append(ending(runId))
      const cancelFirst = trial % 2 === 0
      const [one, other] = cancelFirst
        ? await Promise.all([cancel(), complete()])
        : (await Promise.all([complete(), cancel()])).toReversed()
      const head = one as Awaited<ReturnType<typeof cancel>>
      const appended = other as Awaited<ReturnType<typeof complete>>
      const isMarked = head?.cancelRequestedAt !== undefined
      assert.equal(appended.outcome, isMarked ? 'cancel_requested' : 'committed')
      assert.equal(head?.status, isMarked ? 'running' : 'completed')
      assert.equal(await statusOf(storage, runId), isMarked ? 'running' : 'completed')
    }
  },

  'is taken over by one of many': async (storage) => {
    const { runId } = await accept(storage)
    const executors = Array.from({ length: 10 }, (_, at) => `exe_new_${at}`)
    const taken = await Promise.all(executors.map((executor) => storage.runs.takeOver(runId, 1, executor, T0 + 1)))
    const winners = taken.filter((stored) => stored !== undefined)
    assert.equal(winners.length, 1)
    assertSame([winners[0]!.head.attempt, winners[0]!.head.status], [2, 'running'])
    assertSame(await storage.runs.get(fullCaller, runId), winners[0])
  },

  'is not taken over when it has ended, moved on, or is not there': async (storage) => {
    const { runId } = await accept(storage)
    assert.equal(await storage.runs.takeOver(runId, 0, 'exe_2', T0), undefined)
    assert.equal(await storage.runs.takeOver(runId, 2, 'exe_2', T0), undefined)
    await storage.runs.append(ending(runId))
    assert.equal(await storage.runs.takeOver(runId, 1, 'exe_2', T0), undefined)
    assert.equal(await storage.runs.takeOver('run_unknown', 1, 'exe_2', T0), undefined)
  },

  'ends by whoever took it over, running, waiting or paused': async (storage) => {
    const running = await accept(storage)
    const waiting = await accept(storage)
    assert.equal(await cancelWaiting(storage, running.runId), waiting.runId)
    await cancelWaiting(storage, waiting.runId)
    const paused = await accept(storage)
    assert.equal(paused.outcome, 'running')
    await storage.runs.append(ending(paused.runId, 'paused'))
    await cancelWaiting(storage, paused.runId)
    for (const { runId } of [running, waiting, paused]) assert.equal(await statusOf(storage, runId), 'cancelled')
    assert.deepEqual(await storage.runs.active('ses_1'), [])
  },

  'loses against whoever took it over': async (storage) => {
    const { runId } = await accept(storage)
    await storage.runs.requestCancel(fullCaller, runId, T0)
    await storage.runs.takeOver(runId, 1, 'exe_2', T0)
    assertSame(await storage.runs.append(ending(runId, 'cancelled')), { outcome: 'lease_lost' })
    const end = ending(runId, 'cancelled', { segment: segment(1, 1, 2) })
    assertSame(await storage.runs.append(end), { outcome: 'committed' })
  },
}
