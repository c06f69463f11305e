import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import { accept, assertSame, ending, segment, session, T0, unit, user, type Cases } from './case.js'

export const isolationCases: Cases = {
  'fail alone, each with its own error': async (storage) => {
    const { runId } = await accept(storage, { run: { userId: 'ann' } })
    const { runId: good } = await accept(storage, { run: { sessionId: 'ses_2' } })
    const results = await Promise.allSettled([
      storage.runs.append({ runId: good, segment: segment(1), at: T0 }),
      storage.runs.accept(fullCaller, unit({ concurrency: 'reject' })),
      storage.runs.append({ runId: good, segment: segment(9), at: T0 }),
      storage.runs.accept(user('bob'), unit()),
      storage.runs.accept(fullCaller, unit({ run: { runId } })),
      storage.runs.append({ runId: good, segment: segment(2), at: T0 }),
      storage.runs.accept(fullCaller, unit({ run: { sessionId: 'ses_3' } })),
      storage.runs.append(ending(runId)),
    ])
    assert.deepEqual(
      results.map(({ status }) => status === 'fulfilled'),
      [true, false, false, false, false, true, true, true],
    )
    assert.equal((await storage.runs.get(fullCaller, good))!.head.lastIndex, 2)
    assert.equal((await storage.runs.segments(good, 0, 10)).length, 3)
    assert.equal((await storage.runs.get(fullCaller, runId))!.head.status, 'completed')
    assert.equal((await storage.runs.list(fullCaller, { limit: 10 })).totalCount, 3)
  },

  'are done in the order in which they were asked for': async (storage) => {
    const { runId } = await accept(storage)
    const segments = Array.from({ length: 500 }, (_, at) => segment(at + 1))
    const answers = await Promise.all(segments.map((one) => storage.runs.append({ runId, segment: one, at: T0 })))
    assert(answers.every(({ outcome }) => outcome === 'committed'))
    const stored = await storage.runs.segments(runId, 1, 1000)
    assertSame(stored, segments)
  },

  'and records of other kinds do not lose each other': async (storage) => {
    await storage.sessions.create(session({ sessionId: 'ses_taken' }))
    const work: Promise<unknown>[] = []
    let refused = 0
    for (let at = 0; at < 100; at++) {
      work.push(accept(storage, { run: { sessionId: `ses_run_${at}` } }))
      work.push(storage.sessions.create(session({ sessionId: `ses_${at}` })))
      // Rolled back, in the middle of the others.
      work.push(storage.sessions.create(session({ sessionId: 'ses_taken' })).catch(() => refused++))
      work.push(storage.media.put('run_1', [{ hash: `h${at}`, bytes: Uint8Array.of(at) }]))
      work.push(storage.sessions.get(fullCaller, `ses_${at}`))
    }
    await Promise.all(work)
    assert.equal(refused, 100)
    const all = { sortBy: 'created_at', sortOrder: 'asc', limit: 1, page: 1 } as const
    assert.equal((await storage.sessions.list(fullCaller, all)).meta.totalCount, 201)
    assert.equal((await storage.runs.list(fullCaller, { limit: 1 })).totalCount, 100)
    const hashes = Array.from({ length: 100 }, (_, at) => `h${at}`)
    assert.equal((await storage.media.get(hashes)).size, 100)
  },
}
