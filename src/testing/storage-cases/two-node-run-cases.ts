import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import { newId } from '../../core/ids.js'
import type { Accepted } from '../../runs/run-repository.js'
import type { Storage } from '../../storage/storage.js'
import { accept, assertSame, cancelWaiting, codeOf, ending, segment, statusOf, T0, unit, type Cases } from './case.js'

const TRIALS = 15
const committed = { outcome: 'committed' }

/** Does the same so many times, in turns by either process, all at once. */
function byTurns<Result>(
  [one, other]: readonly [Storage, Storage],
  count: number,
  work: (storage: Storage, at: number) => Promise<Result>,
): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => work(at % 2 === 0 ? one : other, at)))
}

const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value)
const started = (accepted: readonly Accepted[]) => accepted.filter(({ outcome }) => outcome === 'running')

export const twoNodeRunCases: Cases = {
  'start one of many in a session, and follow each other in the order of acceptance': async (one, other) => {
    const accepted = await byTurns([one, other], 20, (storage) => accept(storage))
    assert.equal(started(accepted).length, 1)
    const inOrder = accepted.toSorted((left, right) => left.seq - right.seq)
    assert.equal(inOrder[0]!.outcome, 'running')
    for (const [at, { runId }] of inOrder.entries()) {
      const storage = at % 2 === 0 ? one : other
      const next = inOrder[at + 1]?.runId
      assertSame(await storage.runs.append(ending(runId)), { ...committed, next })
      if (next !== undefined) assert.equal(await storage.runs.begin(next, 'exe_2', segment(0), T0), true)
    }
    assert.deepEqual(await one.runs.active('ses_1'), [])
  },

  'make one session together, which is new to one of them': async (one, other) => {
    const accepted = await byTurns([one, other], 10, (storage) => accept(storage, { concurrency: 'allow' }))
    assert.equal(started(accepted).length, 10)
    assert.equal(accepted.filter(({ isNewSession }) => isNewSession).length, 1)
    assert.equal(new Set(accepted.map(({ seq }) => seq)).size, 10)
  },

  'accept one run for one idempotency key': async (one, other) => {
    const idempotency = { scope: 's', key: 'k', fingerprint: 'f', expiresAt: T0 + 1e6 }
    const accepted = await byTurns([one, other], 16, (storage, at) =>
      storage.runs.accept(fullCaller, unit({ idempotency, run: { sessionId: `ses_${at}` } })),
    )
    const [first] = started(accepted)
    assert.equal(started(accepted).length, 1)
    const ids = new Set(accepted.map((answer) => (answer.outcome === 'repeated' ? answer.runId : undefined)))
    ids.delete(undefined)
    const { data, totalCount } = await other.runs.list(fullCaller, { limit: 10 })
    assert.equal(totalCount, 1)
    assert.deepEqual([...ids], [data[0]!.head.runId])
    assert(first)
  },

  'accept one run of one id': async (one, other) => {
    const runId = newId('run')
    const accepted = await byTurns([one, other], 10, (storage, at) =>
      storage.runs.accept(fullCaller, unit({ run: { runId, sessionId: `ses_${at}` } })).catch(codeOf),
    )
    assert.deepEqual(
      accepted.filter((answer) => typeof answer === 'string'),
      times(9, 'RUN_EXISTS'),
    )
    assert.equal((await other.runs.list(fullCaller, { limit: 10 })).totalCount, 1)
    const sessions = await one.sessions.list(fullCaller, { sortBy: 'created_at', sortOrder: 'asc', limit: 10, page: 1 })
    assert.equal(sessions.meta.totalCount, 1)
  },

  'let one in where a session takes one only': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const run = { sessionId: `ses_${trial}` }
      const answers = await byTurns([one, other], 4, (storage) =>
        storage.runs.accept(fullCaller, unit({ concurrency: 'reject', run })).then(({ outcome }) => outcome, codeOf),
      )
      assert.deepEqual(answers.toSorted(), ['SESSION_BUSY', 'SESSION_BUSY', 'SESSION_BUSY', 'running'])
    }
  },

  'begin a run once': async (one, other) => {
    const { runId: first } = await accept(one)
    const { runId } = await accept(other)
    await one.runs.append(ending(first))
    const begun = await byTurns([one, other], 8, (storage, at) =>
      storage.runs.begin(runId, `exe_${at}`, segment(0), T0),
    )
    assert.equal(begun.filter(Boolean).length, 1)
    const { head } = (await other.runs.get(fullCaller, runId))!
    assertSame([head.executorId, head.attempt, head.status], [`exe_${begun.indexOf(true)}`, 1, 'running'])
    assert.equal((await one.runs.segments(runId, 0, 10)).length, 1)
  },

  'hand a session over to a run that the other has accepted at that moment, or leave it free': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const run = { sessionId: `ses_${trial}` }
      const { runId: first } = await accept(one, { run })
      const [ended, second] = await Promise.all([one.runs.append(ending(first)), accept(other, { run })])
      assert.equal(ended.outcome, 'committed')
      const next = ended.outcome === 'committed' ? ended.next : undefined
      if (second.outcome === 'running') assert.equal(next, undefined)
      else {
        assert.equal(next, second.runId)
        assert.equal(await other.runs.begin(second.runId, 'exe_2', segment(0), T0), true)
      }
      assert.equal(await statusOf(one, second.runId), 'running')
    }
  },

  'do not get a session stuck when the next run is cancelled at the moment of the hand-over': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const run = { sessionId: `ses_${trial}` }
      const { runId: first } = await accept(one, { run })
      const { runId: second } = await accept(other, { run })
      const { runId: third } = await accept(one, { run })
      await Promise.all([one.runs.append(ending(first)), cancelWaiting(other, second)])
      assert.equal(await statusOf(one, second), 'cancelled')
      assert.equal(await other.runs.begin(third, 'exe_2', segment(0), T0), true)
    }
  },

  'see at once what the other has written': async (one, other) => {
    const { runId } = await accept(one)
    for (let index = 1; index < 20; index++) {
      await one.runs.append({ runId, segment: segment(index), at: T0 + index })
      assert.equal((await other.runs.get(fullCaller, runId))!.head.lastIndex, index)
      assertSame(await other.runs.segments(runId, index, 10), [segment(index)])
    }
  },

  'fence off a process that has been taken for dead': async (one, other) => {
    await one.runs.renewLease('exe_1', 0)
    await other.runs.renewLease('exe_2', 60_000)
    const { runId } = await accept(one)
    const [taken] = await other.runs.takeLapsed('exe_2', [{ kind: 'agent', id: 'support' }], 10, T0)
    assert.equal(taken!.head.attempt, 2)
    const zombie = { runId, at: T0, statePatches: [{ set: { zombie: true } }] }
    assertSame(await one.runs.append({ ...zombie, segment: segment(1) }), { outcome: 'lease_lost' })
    assertSame(await one.runs.append({ runId, segment: segment(1), at: T0 }), { outcome: 'lease_lost' })
    assertSame(await one.runs.append(ending(runId)), { outcome: 'lease_lost' })
    assertSame(await other.runs.append({ runId, segment: segment(1, 1, 2), at: T0 }), committed)
    assert.equal((await one.runs.segments(runId, 0, 10)).length, 2)
    assert.deepEqual((await one.sessions.get(fullCaller, 'ses_1'))!.state, {})
  },

  'never both write the same index': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const { runId } = await accept(one, { run: { sessionId: `ses_${trial}` } })
      const [appended, taken] = await Promise.all([
        one.runs.append({ runId, segment: segment(1), at: T0 }),
        other.runs.takeOver(runId, 1, 'exe_2', T0),
      ])
      const index = taken!.head.lastIndex
      assert.equal(appended.outcome, index === 1 ? 'committed' : 'lease_lost')
      const next = segment(index + 1, index + 1, 2)
      assertSame(await other.runs.append({ runId, segment: next, at: T0 }), committed)
      assert.equal((await one.runs.segments(runId, 0, 10)).length, index + 2)
    }
  },

  'take a run over once': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const { runId } = await accept(one, { run: { sessionId: `ses_${trial}` } })
      const taken = await byTurns([one, other], 6, (storage, at) => storage.runs.takeOver(runId, 1, `exe_${at}`, T0))
      assert.equal(taken.filter((stored) => stored !== undefined).length, 1)
      assert.equal((await one.runs.get(fullCaller, runId))!.head.attempt, 2)
    }
  },

  'take up each lapsed run once': async (one, other) => {
    const runs = await byTurns([one, other], 30, (storage, at) => accept(storage, { run: { sessionId: `ses_${at}` } }))
    const executors = ['exe_2', 'exe_3', 'exe_4', 'exe_5']
    await Promise.all(executors.map((executor) => one.runs.renewLease(executor, 60_000)))
    const taken: string[] = []
    // One that another process was at is passed over, and found by the next look.
    while (taken.length < runs.length) {
      const found = await byTurns([one, other], 4, (storage, at) =>
        storage.runs.takeLapsed(executors[at]!, [{ kind: 'agent', id: 'support' }], 5, T0),
      )
      taken.push(...found.flat().map(({ head }) => head.runId))
    }
    assert.deepEqual(taken.toSorted(), runs.map(({ runId }) => runId).toSorted())
  },

  'cancel or complete a run, whichever comes first': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const { runId } = await accept(one, { run: { sessionId: `ses_${trial}` } })
      const [appended, head] = await Promise.all([
        one.runs.append(ending(runId)),
        other.runs.requestCancel(fullCaller, runId, T0),
      ])
      const isMarked = head!.cancelRequestedAt !== undefined
      assert.equal(appended.outcome, isMarked ? 'cancel_requested' : 'committed')
      assert.equal(await statusOf(other, runId), isMarked ? 'running' : 'completed')
    }
  },

  'take nothing but the end once the other has marked a run': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const { runId } = await accept(one, { run: { sessionId: `ses_${trial}` } })
      const appends = (async () => {
        for (let index = 1; ; index++) {
          const { outcome } = await one.runs.append({ runId, segment: segment(index), at: T0 })
          if (outcome !== 'committed') return { outcome, index }
        }
      })()
      await other.runs.requestCancel(fullCaller, runId, T0)
      const { lastIndex } = (await other.runs.get(fullCaller, runId))!.head
      const { outcome, index } = await appends
      assert.deepEqual([outcome, index], ['cancel_requested', lastIndex + 1])
      assertSame(await one.runs.append(ending(runId, 'cancelled', { segment: segment(index) })), committed)
    }
  },

  'store once what is asked for twice, by whomever': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const { runId } = await accept(one, { run: { sessionId: `ses_${trial}` } })
      const plain = { runId, segment: segment(1), at: T0 }
      assertSame(await byTurns([one, other], 4, (storage) => storage.runs.append(plain)), times(4, committed))
      const end = { status: 'completed', usage: { inputTokens: 7, cost: 0.5 } } as const
      const last = ending(runId, 'completed', { segment: segment(2), end, statePatches: [{ set: { n: trial } }] })
      assertSame(await byTurns([one, other], 4, (storage) => storage.runs.append(last)), times(4, committed))
      const { metrics, state } = (await other.sessions.get(fullCaller, `ses_${trial}`))!
      assertSame([metrics, state], [{ inputTokens: 7, cost: 0.5 }, { n: trial }])
      assert.equal((await one.runs.segments(runId, 0, 10)).length, 3)
    }
  },

  'tell the other, too, to whom a session went': async (one, other) => {
    const { runId } = await accept(one)
    const { runId: next } = await accept(other)
    const end = ending(runId)
    assertSame(await one.runs.append(end), { ...committed, next })
    assertSame(await other.runs.append(end), { ...committed, next })
    await other.runs.begin(next, 'exe_2', segment(0), T0)
    assertSame(await one.runs.append(end), committed)
  },

  'lose nothing of the state that their runs change side by side': async (one, other) => {
    const runs = await byTurns([one, other], 20, (storage) => accept(storage, { concurrency: 'allow' }))
    const usage = { inputTokens: 1, outputTokens: 2 }
    await byTurns([one, other], 20, async (storage, at) => {
      const { runId } = runs[at]!
      await storage.runs.append({ runId, segment: segment(1), at: T0, statePatches: [{ set: { [`key${at}`]: at } }] })
      await storage.runs.append(
        ending(runId, 'completed', { segment: segment(2), end: { status: 'completed', usage } }),
      )
    })
    const { state, metrics } = (await one.sessions.get(fullCaller, 'ses_1'))!
    assert.equal(Object.keys(state).length, 20)
    assertSame(metrics, { inputTokens: 20, outputTokens: 40 })
  },

  'open a new leg once': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const { runId } = await accept(one, { run: { sessionId: `ses_${trial}` } })
      await one.runs.append(ending(runId, 'paused'))
      const leg = { runId, attempt: 1, mode: 'plain', segment: segment(2, 2, 2), at: T0 } as const
      const opened = await byTurns([one, other], 4, (storage, at) =>
        storage.runs.reopen({ ...leg, executorId: `exe_${at}`, segment: segment(2, 2, 2, `[${at}]`) }),
      )
      assert.equal(opened.filter(Boolean).length, 1)
      const stored = await other.runs.segments(runId, 2, 10)
      assert.deepEqual(
        stored.map(({ entries }) => entries),
        [`[${opened.indexOf(true)}]`],
      )
    }
  },

  'interrupt each other in one session, and leave only the last one unmarked': async (one, other) => {
    await accept(one)
    const accepted = await byTurns([one, other], 10, (storage) => accept(storage, { concurrency: 'interrupt' }))
    const last = accepted.toSorted((left, right) => right.seq - left.seq)[0]!
    const { data } = await one.runs.list(fullCaller, { limit: 20 })
    assert.equal(data.length, 11)
    for (const { head } of data) assert.equal(head.cancelRequestedAt === undefined, head.runId === last.runId)
    const told = accepted.flatMap((answer) => (answer.outcome === 'pending' ? answer.interrupted : []))
    assert.equal(new Set(told).size, 10)
  },

  'both see what is due, and begin it once': async (one, other) => {
    await byTurns([one, other], 10, (storage, at) =>
      accept(storage, { deferred: true, run: { sessionId: `ses_${at}`, mode: 'background' } }),
    )
    const dues = await byTurns([one, other], 2, (storage, at) =>
      storage.runs.due(`exe_${at}`, [{ kind: 'agent', id: 'support' }], 20, T0),
    )
    assert.deepEqual(
      dues.map((due) => due.length),
      [10, 10],
    )
    const begun = await byTurns([one, other], 20, (storage, at) =>
      storage.runs.begin(dues[at % 2]![at >> 1]!.head.runId, `exe_${at % 2}`, segment(0), T0),
    )
    assert.equal(begun.filter(Boolean).length, 10)
  },

  'get everything done that they are asked for at once, in whatever order they lock it': async (one, other) => {
    const sessions = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => `ses_${letter}`)
    const done = await byTurns([one, other], 120, async (storage, at) => {
      const run = { sessionId: sessions[(at * 5) % sessions.length]! }
      const { runId } = await accept(storage, { concurrency: 'allow', run })
      const first = { runId, segment: segment(1), at: T0, ...(at % 3 === 0 && { statePatches: [{ set: { at } }] }) }
      await storage.runs.append(first)
      if (at % 7 === 0) await (at % 2 === 0 ? other : one).runs.requestCancel(fullCaller, runId, T0)
      const status = at % 7 === 0 ? 'cancelled' : 'completed'
      return storage.runs.append(ending(runId, status, { segment: segment(2) }))
    })
    assert(done.every(({ outcome }) => outcome === 'committed'))
    const { data } = await one.runs.list(fullCaller, { limit: 200 })
    assert.deepEqual(new Set(data.map(({ head }) => head.lastIndex)), new Set([2]))
  },
}
