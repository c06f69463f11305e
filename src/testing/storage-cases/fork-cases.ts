import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import { accept, assertRefused, assertSame, ending, segment, session, statusOf, T0, unit, user } from './case.js'
import type { Cases } from './case.js'
import type { Storage } from '../../storage/storage.js'

const started = '[{"t":1,"e":{"event":"RunStarted"}}]'
const body = JSON.stringify({ contentType: 'str', metrics: { totalTokens: 3 } })

async function fork(storage: Storage, of: string): Promise<string> {
  const { runId } = await accept(storage, { forkOf: of, concurrency: 'allow', firstSegment: segment(0, 1) })
  return runId
}

async function ended(storage: Storage, status: 'completed' | 'error' | 'cancelled' | 'paused'): Promise<string> {
  const { runId } = await accept(storage, { firstSegment: segment(0, 0, 1, started), concurrency: 'allow' })
  const end = segment(1, 1, 1, '[{"t":2,"e":{"event":"RunCompleted","status":"completed"}}]')
  await storage.runs.append(ending(runId, status, { segment: end, body }))
  return runId
}

async function runIds(storage: Storage, sessionId: string): Promise<string[]> {
  const { data } = await storage.runs.list(fullCaller, { sessionId, limit: 100 })
  return data.map(({ head }) => head.runId)
}

export const forkCases: Cases = {
  'starts the fork of a run at once, and gives it the session where that is free': async (storage) => {
    const source = await accept(storage)
    await storage.runs.append(ending(source.runId))
    const runId = await fork(storage, source.runId)
    assert.equal(await statusOf(storage, runId), 'running')
    assert.equal((await accept(storage)).outcome, 'pending')
  },

  'lets a fork run beside whoever has the session': async (storage) => {
    const source = await accept(storage)
    await storage.runs.append(ending(source.runId))
    const busy = await accept(storage)
    const runId = await fork(storage, source.runId)
    const next = await accept(storage)
    assert.deepEqual([busy.outcome, await statusOf(storage, runId), next.outcome], ['running', 'running', 'pending'])
    assertSame(await storage.runs.append(ending(runId, 'completed', { segment: segment(2) })), { outcome: 'committed' })
    assertSame(await storage.runs.append(ending(busy.runId)), { outcome: 'committed', next: next.runId })
  },

  'makes no fork of a run that is not there': async (storage) => {
    await assertRefused(storage.runs.accept(fullCaller, unit({ forkOf: 'run_gone' })), 'RUN_NOT_FOUND')
    assert.deepEqual(await runIds(storage, 'ses_1'), [])
  },

  'supersedes a run with the completed end of another, and with no other end': async (storage) => {
    const source = await accept(storage)
    await storage.runs.append(ending(source.runId))
    for (const [status, expected] of [
      ['error', 'completed'],
      ['cancelled', 'completed'],
      ['paused', 'completed'],
      ['completed', 'regenerated'],
    ] as const) {
      const runId = await fork(storage, source.runId)
      const end = ending(runId, status, { segment: segment(2), replaces: source.runId })
      assertSame(await storage.runs.append(end), { outcome: 'committed' })
      assert.equal(await statusOf(storage, source.runId), expected)
    }
    const { runs } = (await storage.runs.window('ses_1', Number.MAX_SAFE_INTEGER, 10))!
    assert(!runs.some(({ runId }) => runId === source.runId))
  },

  'leaves a run alone that goes on while it is to be superseded': async (storage) => {
    const source = await accept(storage)
    const { runId } = await accept(storage, { forkOf: source.runId, concurrency: 'allow' })
    await storage.runs.append(ending(runId, 'completed', { replaces: source.runId }))
    assert.equal(await statusOf(storage, source.runId), 'running')
  },

  'copies a session with its ended runs and their logs': async (storage) => {
    const sources = [
      await ended(storage, 'completed'),
      await ended(storage, 'error'),
      await ended(storage, 'cancelled'),
    ]
    await ended(storage, 'paused')
    await accept(storage)
    assert.equal(await storage.sessions.fork(fullCaller, 'ses_1', 'ses_2', { at: T0 + 9 }), 3)
    const copies = await runIds(storage, 'ses_2')
    assert.equal(copies.length, 3)
    for (const [at, runId] of copies.entries()) {
      const [source, copy] = [
        await storage.runs.get(fullCaller, sources[at]!),
        await storage.runs.get(fullCaller, runId),
      ]
      assert(source && copy && !sources.includes(runId))
      const { status, attempt, lastIndex, createdAt } = source.head
      assertSame({ ...copy.head, status, attempt, lastIndex, createdAt }, copy.head)
      assert.deepEqual([copy.request, copy.bodyIndex], [source.request, source.bodyIndex])
      assertSame(JSON.parse(copy.body!), { ...(JSON.parse(body) as object), forkedFromSessionId: 'ses_1' })
      const log = await storage.runs.segments(runId, 0, 10)
      assert.deepEqual(
        log.map(({ firstIndex, lastIndex: last }) => [firstIndex, last]),
        [
          [0, 0],
          [1, 1],
        ],
      )
    }
    const copied = await storage.sessions.get(fullCaller, 'ses_2')
    assertSame(
      [copied?.name, copied?.componentId, copied?.state, copied?.metrics.totalTokens, copied?.createdAt],
      ['hello', 'support', { forked_from_session_id: 'ses_1' }, 9, T0 + 9],
    )
    // The copy has no run that goes on.
    assert.equal((await accept(storage, { run: { sessionId: 'ses_2' } })).outcome, 'running')
  },

  'keeps the media of a copy when its source goes': async (storage) => {
    const runId = await ended(storage, 'completed')
    await storage.media.put(runId, [{ hash: 'h', bytes: Uint8Array.of(1) }])
    assert.equal(await storage.sessions.fork(fullCaller, 'ses_1', 'ses_2', { at: T0 + 9 }), 1)
    await storage.sessions.delete(fullCaller, ['ses_1'])
    assert.equal((await storage.media.get(['h'])).size, 1)
    await storage.sessions.delete(fullCaller, ['ses_2'])
    assert.equal((await storage.media.get(['h'])).size, 0)
  },

  'copies no session that is empty, or not the caller’s': async (storage) => {
    await storage.sessions.create(session({ userId: 'alice' }))
    assert.equal(await storage.sessions.fork(user('alice'), 'ses_1', 'ses_2', { at: T0 }), 0)
    assert.equal(await storage.sessions.fork(user('bob'), 'ses_1', 'ses_2', { at: T0 }), undefined)
    assert.equal(await storage.sessions.fork(fullCaller, 'ses_1', 'ses_2', { at: T0, type: 'team' }), undefined)
    assert.equal(await storage.sessions.fork(fullCaller, 'ses_9', 'ses_2', { at: T0 }), undefined)
    assert.equal(await storage.sessions.get(fullCaller, 'ses_2'), undefined)
  },
}
