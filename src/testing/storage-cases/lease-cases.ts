import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import { accept, assertSame, ending, segment, statusOf, T0, type Cases } from './case.js'

const LONG = 60_000
const components = [{ kind: 'agent', id: 'support' }] as const
const others = [
  { kind: 'agent', id: 'sales' },
  { kind: 'team', id: 'support' },
] as const

function ids(runs: readonly { head: { runId: string } }[]): string[] {
  return runs.map(({ head }) => head.runId)
}

export const leaseCases: Cases = {
  'lets others take over what a process executed that does not live any more': async (storage) => {
    await storage.runs.renewLease('exe_1', LONG)
    await storage.runs.renewLease('exe_2', LONG)
    const { runId } = await accept(storage)
    assert.deepEqual(await storage.runs.takeLapsed('exe_2', components, 10, T0), [])
    await storage.runs.endLease('exe_1')
    assert.deepEqual(await storage.runs.takeLapsed('exe_1', components, 10, T0), [])
    const [taken] = await storage.runs.takeLapsed('exe_2', components, 10, T0 + 9)
    assertSame([taken?.head.runId, taken?.head.attempt, taken?.head.executorId], [runId, 2, 'exe_2'])
    assert.deepEqual(await storage.runs.takeLapsed('exe_2', components, 10, T0), [])
    assertSame(await storage.runs.append({ runId, segment: segment(1), at: T0 }), { outcome: 'lease_lost' })
    const end = ending(runId, 'completed', { segment: segment(1, 1, 2) })
    assertSame(await storage.runs.append(end), { outcome: 'committed' })
  },

  'judges a lease by the clock of the storage': async (storage) => {
    const { runId } = await accept(storage)
    await storage.runs.renewLease('exe_1', LONG)
    assert.deepEqual(await storage.runs.takeLapsed('exe_2', components, 10, T0 + 1e9), [])
    await storage.runs.renewLease('exe_1', 0)
    assert.deepEqual(ids(await storage.runs.takeLapsed('exe_2', components, 10, T0)), [runId])
  },

  'gives each lapsed run to one of many': async (storage) => {
    const runs = await Promise.all(
      Array.from({ length: 12 }, (_, at) => accept(storage, { run: { sessionId: `ses_${at}` } })),
    )
    const executors = ['exe_2', 'exe_3', 'exe_4', 'exe_5']
    await Promise.all(executors.map((executor) => storage.runs.renewLease(executor, LONG)))
    const taken = await Promise.all(executors.map((executor) => storage.runs.takeLapsed(executor, components, 4, T0)))
    assert.deepEqual(taken.flatMap(ids).toSorted(), runs.map(({ runId }) => runId).toSorted())
    assert(taken.every((some) => some.length <= 4))
  },

  'takes over only running runs of the components that it has': async (storage) => {
    const paused = await accept(storage)
    await storage.runs.append(ending(paused.runId, 'paused'))
    await accept(storage)
    await accept(storage)
    assert.deepEqual(await storage.runs.takeLapsed('exe_2', others, 10, T0), [])
    assert.deepEqual(await storage.runs.takeLapsed('exe_2', [], 10, T0), [])
    assert.equal((await storage.runs.takeLapsed('exe_2', components, 10, T0)).length, 1)
  },

  'leaves a deferred run pending, with its turn come, for any process to begin': async (storage) => {
    const { runId, outcome } = await accept(storage, { deferred: true, run: { mode: 'background' } })
    assert.equal(outcome, 'pending')
    const { head } = (await storage.runs.get(fullCaller, runId))!
    assertSame([head.status, head.attempt, head.executorId, head.lastIndex], ['pending', 0, undefined, -1])
    assert.equal((await accept(storage)).outcome, 'pending')
    assert.deepEqual(ids(await storage.runs.due('exe_2', components, 10, T0)), [runId])
    assert.deepEqual(await storage.runs.due('exe_2', others, 10, T0), [])
    assert.equal(await storage.runs.begin(runId, 'exe_2', segment(0), T0), true)
    assert.deepEqual(await storage.runs.due('exe_2', components, 10, T0), [])
  },

  'tells what is due: higher priority first, then in order of acceptance': async (storage) => {
    const background = (sessionId: string, priority: number, runAfter?: number) =>
      accept(storage, { deferred: true, run: { sessionId, priority, runAfter, mode: 'background' } })
    const low = await background('s1', 0)
    const high = await background('s2', 5)
    const alsoLow = await background('s3', 0)
    const later = await background('s4', 9, T0 + 100)
    const inLine = await background('s1', 9)
    assert.deepEqual(
      ids(await storage.runs.due('exe_1', components, 10, T0)),
      [high, low, alsoLow].map(({ runId }) => runId),
    )
    assert.deepEqual(ids(await storage.runs.due('exe_1', components, 1, T0 + 100)), [later.runId])
    await storage.runs.begin(low.runId, 'exe_1', segment(0), T0)
    assert.deepEqual(await storage.runs.append(ending(low.runId)), { outcome: 'committed', next: inLine.runId })
    assert.equal(ids(await storage.runs.due('exe_1', components, 1, T0))[0], inLine.runId)
    await storage.runs.requestCancel(fullCaller, inLine.runId, T0)
    assert.equal(ids(await storage.runs.due('exe_1', components, 1, T0))[0], high.runId)
  },

  'gives runs that may begin to whoever is quick, higher priority first, and leaves none out when asked for all':
    async (storage) => {
      const background = (sessionId: string, priority: number, runAfter?: number) =>
        accept(storage, { deferred: true, run: { sessionId, priority, runAfter, mode: 'background' } })
      const next = async (limit: number) => ids(await storage.runs.nextDue('exe_1', components, limit, T0))
      const cancelled = await background('s0', 9)
      await storage.runs.requestCancel(fullCaller, cancelled.runId, T0)
      const low = await background('s1', 0)
      const high = await background('s2', 5)
      await background('s3', 9, T0 + 1e12)
      await background('s1', 9)
      assert.deepEqual(await next(1), [high.runId])
      assert.equal(await storage.runs.begin(high.runId, 'exe_1', segment(0), T0), true)
      assert.deepEqual(await next(10), [low.runId])
      // Nobody has begun it.
      assert.deepEqual(ids(await storage.runs.due('exe_2', components, 10, T0)), [low.runId])
    },

  'makes a waiting run due for others only when its process does not live any more': async (storage) => {
    await storage.runs.renewLease('exe_1', LONG)
    const { runId: first } = await accept(storage)
    const { runId: waiting } = await accept(storage)
    await storage.runs.append(ending(first))
    assert.deepEqual(await storage.runs.due('exe_2', components, 10, T0), [])
    await storage.runs.endLease('exe_1')
    assert.deepEqual(await storage.runs.due('exe_1', components, 10, T0), [])
    assert.deepEqual(ids(await storage.runs.due('exe_2', components, 10, T0)), [waiting])
  },

  'opens a new leg of a paused or failed run once': async (storage) => {
    for (const status of ['paused', 'error'] as const) {
      const run = { sessionId: `ses_${status}` }
      const { runId } = await accept(storage, { run })
      await storage.runs.append(ending(runId, status))
      const unit = { runId, attempt: 1, mode: 'stream', segment: segment(2, 2, 2), at: T0 + 5 } as const
      const opened = await Promise.all(
        ['exe_1', 'exe_2'].map((executorId) => storage.runs.reopen({ ...unit, executorId })),
      )
      assert.deepEqual(opened, [true, false])
      const { head } = (await storage.runs.get(fullCaller, runId))!
      assertSame(
        [head.status, head.attempt, head.executorId, head.mode, head.lastIndex, head.updatedAt],
        ['running', 2, 'exe_1', 'stream', 2, T0 + 5],
      )
      const { runId: next, outcome } = await accept(storage, { run })
      assert.equal(outcome, 'pending')
      const end = ending(runId, 'completed', { segment: segment(3, 3, 2) })
      assert.deepEqual(await storage.runs.append(end), { outcome: 'committed', next })
    }
  },

  'opens a new leg beside whoever has the session': async (storage) => {
    const { runId: paused } = await accept(storage)
    await storage.runs.append(ending(paused, 'paused'))
    const { runId: other } = await accept(storage)
    const unit = {
      runId: paused,
      attempt: 1,
      mode: 'plain' as const,
      executorId: 'exe_1',
      segment: segment(2, 2, 2),
      at: T0,
    }
    assert.equal(await storage.runs.reopen(unit), true)
    const { runId: waiting } = await accept(storage)
    const end = ending(paused, 'completed', { segment: segment(3, 3, 2) })
    assertSame(await storage.runs.append(end), { outcome: 'committed' })
    assert.deepEqual(await storage.runs.append(ending(other)), { outcome: 'committed', next: waiting })
  },

  'does not open a leg of a run that is under way, has ended, or is to be cancelled': async (storage) => {
    const { runId } = await accept(storage)
    const unit = { runId, attempt: 1, mode: 'plain' as const, executorId: 'exe_1', segment: segment(1, 1, 2), at: T0 }
    assert.equal(await storage.runs.reopen(unit), false)
    assert.equal(await storage.runs.reopen({ ...unit, runId: 'run_unknown' }), false)
    await storage.runs.append(ending(runId, 'paused'))
    const next = { ...unit, segment: segment(2, 2, 2) }
    assert.equal(await storage.runs.reopen({ ...next, attempt: 2, segment: segment(2, 2, 3) }), false)
    await storage.runs.requestCancel(fullCaller, runId, T0)
    assert.equal(await storage.runs.reopen(next), false)
    assert.equal(await statusOf(storage, runId), 'paused')
    const { runId: done } = await accept(storage)
    await storage.runs.append(ending(done))
    assert.equal(await storage.runs.reopen({ ...next, runId: done }), false)
    assert.equal((await storage.runs.segments(done, 0, 10)).length, 2)
  },

  'knows for how long a streamed run is followed': async (storage) => {
    const { runId } = await accept(storage, { run: { mode: 'stream' } })
    const { runId: waiting } = await accept(storage, { run: { mode: 'stream' } })
    const { runId: plain } = await accept(storage, { concurrency: 'allow' })
    assert.equal(await storage.runs.followedFor(runId), 0)
    assert.equal(await storage.runs.followedFor('run_unknown'), 0)
    await storage.runs.keepFollowed([runId, waiting, plain, 'run_unknown'], 60_000)
    for (const followed of [runId, waiting]) {
      const left = await storage.runs.followedFor(followed)
      assert(left > 30_000 && left <= 60_000, `followed for ${left} ms`)
    }
    assert.equal(await storage.runs.followedFor(plain), 0)
    await storage.runs.keepFollowed([runId], 1_000)
    assert((await storage.runs.followedFor(runId)) > 30_000)
    await storage.runs.append(ending(runId))
    await storage.runs.keepFollowed([runId], 120_000)
    assert((await storage.runs.followedFor(runId)) <= 60_000)
  },

  'forgets in time that a run was followed': async (storage) => {
    const { runId } = await accept(storage, { run: { mode: 'stream' } })
    await storage.runs.keepFollowed([runId], 20)
    while ((await storage.runs.followedFor(runId)) > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await storage.runs.keepFollowed([runId], 60_000)
    assert((await storage.runs.followedFor(runId)) > 0)
  },
}
