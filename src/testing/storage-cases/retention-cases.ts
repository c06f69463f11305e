import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import type { PruneCounts, PruneCursor } from '../../database/retention-repository.js'
import type { Storage } from '../../storage/storage.js'
import { approval, delivery } from './approval-cases.js'
import { accept, cancelWaiting, ending, segment, session, T0, unit, type Cases } from './case.js'

/** After everything that the cases do. */
const LATER = T0 + 100_000
const DAY = 86_400_000

/** All steps; what was removed, without zeros. */
async function prune(
  storage: Storage,
  { olderThan = LATER, at = LATER, dryRun = false } = {},
): Promise<Partial<PruneCounts>> {
  const total: Partial<PruneCounts> = {}
  let cursor: PruneCursor | undefined
  do {
    const { counts, next } = await storage.retention.prune({ olderThan, at, dryRun, cursor })
    for (const [key, count] of Object.entries(counts) as [keyof PruneCounts, number][]) {
      if (count > 0) total[key] = (total[key] ?? 0) + count
    }
    cursor = next
  } while (cursor)
  return total
}

/** The same, after a dry run has said so and changed nothing. */
async function pruneAsTold(storage: Storage, options: { olderThan?: number; at?: number } = {}) {
  const told = await prune(storage, { ...options, dryRun: true })
  assert.deepEqual(await prune(storage, { ...options, dryRun: true }), told)
  const done = await prune(storage, options)
  assert.deepEqual(done, told)
  return done
}

const ids = async (storage: Storage) =>
  (await storage.runs.list(fullCaller, { limit: 1000 })).data.map(({ head }) => head.runId)

export const retentionCases: Cases = {
  'removes runs that have ended, with their logs, and keeps their session': async (storage) => {
    const old = []
    for (const status of ['completed', 'error'] as const) {
      const { runId } = await accept(storage, { newSession: { name: 'Mine', state: { cart: 1 } } })
      await storage.runs.append(ending(runId, status, { snapshot: '{}' }))
      old.push(runId)
    }
    const { runId: cancelled } = await accept(storage)
    await storage.runs.sendEvent(fullCaller, cancelled, { id: 'evt_1', name: 'paid' }, T0)
    await storage.runs.append(ending(cancelled, 'cancelled'))
    assert.equal((await storage.runs.receivedEvents(cancelled, 0)).length, 1)
    assert.deepEqual(await pruneAsTold(storage), { runs: 3, segments: 6 })
    for (const runId of old) {
      assert.equal(await storage.runs.get(fullCaller, runId), undefined)
      assert.deepEqual(await storage.runs.segments(runId, 0, 10), [])
      assert.deepEqual(await storage.runs.snapshots(runId, 10), [])
    }
    assert.deepEqual(await storage.runs.receivedEvents(cancelled, 0), [])
    const kept = await storage.sessions.get(fullCaller, 'ses_1')
    assert.deepEqual([kept?.name, kept?.state], ['Mine', { cart: 1 }])
    assert.deepEqual(await prune(storage), {})
    const next = await accept(storage)
    assert.equal(next.outcome, 'running')
  },

  'keeps runs that are pending, running or paused, however old they are': async (storage) => {
    const running = await accept(storage)
    const pending = await accept(storage)
    const { runId: paused } = await accept(storage, { concurrency: 'allow' })
    const waits = approval(paused)
    await storage.runs.append(ending(paused, 'paused', { end: { status: 'paused', usage: {}, approval: waits } }))
    assert.deepEqual(await pruneAsTold(storage), {})
    assert.deepEqual(await ids(storage), [running.runId, pending.runId, paused])
    assert.equal((await storage.approvals.get(fullCaller, waits.id))?.status, 'pending')
    assert.equal((await storage.runs.segments(paused, 0, 10)).length, 2)
    await cancelWaiting(storage, pending.runId)
  },

  'keeps what has changed since, though it was begun before': async (storage) => {
    const { runId: before } = await accept(storage)
    await storage.runs.append(ending(before, 'completed', { at: T0 + 500 }))
    const { runId: since } = await accept(storage)
    await storage.runs.append(ending(since, 'completed', { at: T0 + 1500 }))
    const { runId: young } = await accept(storage, { run: { createdAt: T0 + 1500 } })
    await storage.runs.append(ending(young, 'completed', { at: T0 + 1600 }))
    assert.deepEqual(await pruneAsTold(storage, { olderThan: T0 + 1000 }), { runs: 1, segments: 2 })
    assert.deepEqual(await ids(storage), [since, young])
  },

  'keeps a run that goes on again, and what was started by one that stays': async (storage) => {
    const failed = await accept(storage)
    await storage.runs.append(ending(failed.runId, 'error'))
    const begins = { runId: failed.runId, attempt: 1, executorId: 'exe_2', mode: 'plain' } as const
    assert.equal(await storage.runs.reopen({ ...begins, segment: segment(2, 2, 2), at: T0 + 2000 }), true)
    const child = await accept(storage, { concurrency: 'allow', run: { parentRunId: failed.runId } })
    await storage.runs.append(ending(child.runId))
    assert.deepEqual(await pruneAsTold(storage), {})
    await storage.runs.append(ending(failed.runId, 'completed', { segment: segment(3, 3, 2), at: T0 + 3000 }))
    assert.deepEqual(await pruneAsTold(storage), { runs: 2, segments: 6 })
  },

  'removes closed approvals with their run, or after it': async (storage) => {
    const { runId } = await accept(storage, { concurrency: 'allow' })
    const waits = approval(runId)
    await storage.runs.append(ending(runId, 'paused', { end: { status: 'paused', usage: {}, approval: waits } }))
    const decision = { status: 'approved', at: T0 + 5, resolvedBy: 'bob', continuesRun: false, deliveries: [] } as const
    await storage.approvals.resolve(fullCaller, waits.id, decision)
    assert.deepEqual(await pruneAsTold(storage), {})
    await cancelWaiting(storage, runId)
    await storage.sessions.delete(fullCaller, ['ses_1'])
    // Its run is gone; the record of the decision has stayed until now.
    assert.deepEqual(await pruneAsTold(storage, { olderThan: T0 }), {})
    assert.deepEqual(await pruneAsTold(storage), { approvals: 1 })
    assert.equal(await storage.approvals.get(fullCaller, waits.id), undefined)
  },

  'keeps a run until everything about it was posted, and removes what could not be': async (storage) => {
    const { runId } = await accept(storage, { concurrency: 'allow' })
    const made = delivery(runId, { eventIndex: 1 })
    await storage.runs.append(
      ending(runId, 'completed', { end: { status: 'completed', usage: {}, deliveries: [made] } }),
    )
    assert.deepEqual(await pruneAsTold(storage), {})
    const [claimed] = await storage.webhooks.claim(T0, T0 + 1, 1)
    await storage.webhooks.failed(claimed!, 'The receiver answered 500.', undefined)
    assert.deepEqual(await pruneAsTold(storage), { runs: 1, segments: 2, deliveries: 1 })
  },

  'removes idempotency keys with their runs, and those whose time is up': async (storage) => {
    const key = (name: string, expiresAt: number) => ({ scope: 's', key: name, fingerprint: 'f', expiresAt })
    const ended = await accept(storage, { idempotency: key('ended', Date.now() + DAY) })
    await storage.runs.append(ending(ended.runId))
    await accept(storage, { idempotency: key('expired', LATER - 1), run: { createdAt: T0 } })
    const lives = await accept(storage, { idempotency: key('lives', Date.now() + DAY) })
    assert.deepEqual(await pruneAsTold(storage), { runs: 1, segments: 2, idempotencyKeys: 2 })
    const again = await storage.runs.accept(fullCaller, unit({ idempotency: key('lives', Date.now() + DAY) }))
    assert.deepEqual(again, { outcome: 'repeated', runId: lives.runId })
  },

  'removes media that no other run uses': async (storage) => {
    const bytes = Uint8Array.of(1, 2, 3)
    const [old, stays] = [await accept(storage), await accept(storage)]
    await storage.media.put(old.runId, [
      { hash: 'both', bytes },
      { hash: 'own', bytes },
    ])
    await storage.media.put(stays.runId, [{ hash: 'both', bytes }])
    await storage.runs.append(ending(old.runId))
    assert.deepEqual(await pruneAsTold(storage), { runs: 1, segments: 2, media: 1 })
    assert.deepEqual([...(await storage.media.get(['both', 'own'])).keys()], ['both'])
    await storage.sessions.delete(fullCaller, ['ses_1'])
    assert.equal((await storage.media.get(['both'])).size, 0)
  },

  'keeps media that stand in the log or a snapshot of a run alone': async (storage) => {
    const { runId } = await accept(storage)
    const medium = (hash: string) => JSON.stringify({ image: { mediaHash: hash } })
    for (const hash of ['logged', 'summed']) await storage.media.put(runId, [{ hash, bytes: Uint8Array.of(1) }])
    const logged = { runId, segment: segment(1, 1, 1, `[${medium('logged')}]`), at: T0, snapshot: medium('summed') }
    await storage.runs.append(logged)
    assert.deepEqual(await pruneAsTold(storage), {})
    assert.equal((await storage.media.get(['logged', 'summed'])).size, 2)
    await storage.runs.append(ending(runId, 'completed', { segment: segment(2) }))
    assert.deepEqual(await pruneAsTold(storage), { runs: 1, segments: 3, media: 2 })
  },

  'keeps media of a run that is only about to be stored': async (storage) => {
    const media = [{ hash: 'h', bytes: Uint8Array.of(1) }]
    const { runId } = await accept(storage)
    await storage.media.put(runId, media)
    await storage.runs.append(ending(runId))
    await Promise.all([storage.media.put('run_next', media), prune(storage)])
    assert.equal((await storage.media.get(['h'])).size, 1)
    assert.deepEqual(await prune(storage, { olderThan: Date.now(), at: Date.now() + DAY / 2 }), {})
    // It never was: a day later they go.
    const late = Date.now() + 2 * DAY
    assert.deepEqual(await prune(storage, { olderThan: late, at: late }), { media: 1 })
  },

  'goes in steps that stay small, however much there is': async (storage) => {
    for (let at = 0; at < 30; at++) {
      const { runId } = await accept(storage, { concurrency: 'allow', run: { sessionId: `ses_${at}` } })
      await storage.runs.append(ending(runId, 'completed', { segment: segment(1, 499) }))
    }
    await storage.sessions.create(session({ sessionId: 'ses_empty' }))
    let cursor: PruneCursor | undefined
    let [steps, runs] = [0, 0]
    do {
      const { counts, next } = await storage.retention.prune({ olderThan: LATER, at: LATER, dryRun: false, cursor })
      assert((counts.runs ?? 0) <= 5, `one step has removed ${counts.runs} runs of 500 events`)
      runs += counts.runs ?? 0
      cursor = next
      steps++
    } while (cursor)
    assert.equal(runs, 30)
    assert(steps > 6)
  },

  'loses nothing to runs that are accepted, end and go on meanwhile': async (storage) => {
    const made: string[] = []
    const work = async (at: number) => {
      const { runId } = await accept(storage, { concurrency: 'allow', run: { sessionId: `ses_${at % 5}` } })
      await storage.runs.append(ending(runId, 'completed', { at: at % 2 === 0 ? T0 + 1 : LATER + 1 }))
      if (at % 2 === 1) made.push(runId)
    }
    const all = Array.from({ length: 60 }, (_, at) => work(at))
    for (let time = 0; time < 5; time++) await prune(storage)
    await Promise.all(all)
    await prune(storage)
    assert.deepEqual((await ids(storage)).toSorted(), made.toSorted())
    for (const runId of made) assert.equal((await storage.runs.segments(runId, 0, 10)).length, 2)
  },
}
