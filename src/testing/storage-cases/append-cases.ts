import assert from 'node:assert/strict'
import type { StatePatch } from '../../agents/log/entry.js'
import { fullCaller } from '../../core/caller.js'
import type { JsonObject } from '../../core/json.js'
import { accept, assertSame, ending, segment, T0, type Cases } from './case.js'

const committed = { outcome: 'committed' }

export const appendCases: Cases = {
  'appends segments and moves the row': async (storage) => {
    const { runId } = await accept(storage)
    assertSame(await storage.runs.append({ runId, segment: segment(1, 3), at: T0 + 1 }), committed)
    assertSame(await storage.runs.append({ runId, segment: segment(4), at: T0 + 2 }), committed)
    const { head, body } = (await storage.runs.get(fullCaller, runId))!
    assertSame([head.lastIndex, head.updatedAt, head.status, body], [4, T0 + 2, 'running', undefined])
    assertSame(await storage.runs.segments(runId, 0, 10), [segment(0), segment(1, 3), segment(4)])
  },

  'reads segments from the one that holds an index on': async (storage) => {
    const { runId } = await accept(storage)
    await storage.runs.append({ runId, segment: segment(1, 3), at: T0 })
    await storage.runs.append({ runId, segment: segment(4, 6), at: T0 })
    const from = async (index: number, limit = 10) =>
      (await storage.runs.segments(runId, index, limit)).map(({ firstIndex }) => firstIndex)
    assert.deepEqual(await from(2), [1, 4])
    assert.deepEqual(await from(4), [4])
    assert.deepEqual(await from(6), [4])
    assert.deepEqual(await from(7), [])
    assert.deepEqual(await from(0, 2), [0, 1])
    assert.deepEqual(await storage.runs.segments('run_unknown', 0, 10), [])
  },

  'counts a segment that is stored already as committed': async (storage) => {
    const { runId } = await accept(storage)
    const unit = { runId, segment: segment(1, 2), at: T0 }
    const answers = await Promise.all([storage.runs.append(unit), storage.runs.append(unit)])
    assertSame(answers, [committed, committed])
    await storage.runs.append({ runId, segment: segment(3), at: T0 })
    assertSame(await storage.runs.append(unit), committed)
    assert.equal((await storage.runs.segments(runId, 0, 10)).length, 3)
  },

  'tells again whose turn it is when an end is repeated': async (storage) => {
    const { runId } = await accept(storage)
    const { runId: next } = await accept(storage)
    const end = ending(runId, 'completed', { end: { status: 'completed', usage: { inputTokens: 5 } } })
    assertSame(await storage.runs.append(end), { ...committed, next })
    assertSame(await storage.runs.append(end), { ...committed, next })
    assert.equal((await storage.sessions.get(fullCaller, 'ses_1'))!.metrics.inputTokens, 5)
  },

  'refuses an attempt that is not current': async (storage) => {
    const { runId } = await accept(storage)
    await storage.runs.takeOver(runId, 1, 'exe_2', T0)
    const stale = await storage.runs.append({ runId, segment: segment(1), at: T0 })
    assertSame(stale, { outcome: 'lease_lost' })
    assertSame(await storage.runs.append({ runId, segment: segment(1, 1, 3), at: T0 }), { outcome: 'lease_lost' })
    assertSame(await storage.runs.append({ runId, segment: segment(1, 1, 2), at: T0 }), committed)
    assertSame(await storage.runs.append(ending(runId)), { outcome: 'lease_lost' })
    assert.equal((await storage.runs.segments(runId, 0, 10)).length, 2)
  },

  'takes nothing after the end, and nothing for a run that is not there': async (storage) => {
    for (const status of ['completed', 'cancelled', 'error'] as const) {
      const { runId } = await accept(storage, { run: { sessionId: `ses_${status}` } })
      await storage.runs.append(ending(runId, status))
      assertSame(await storage.runs.append({ runId, segment: segment(2), at: T0 }), { outcome: 'lease_lost' })
      const again = ending(runId, 'completed', { segment: segment(2) })
      assertSame(await storage.runs.append(again), { outcome: 'lease_lost' })
      assert.equal((await storage.runs.get(fullCaller, runId))!.head.status, status)
    }
    assertSame(await storage.runs.append(ending('run_unknown')), { outcome: 'lease_lost' })
  },

  'refuses a gap and a second telling of the same index, and stores neither': async (storage) => {
    const { runId } = await accept(storage)
    await assert.rejects(storage.runs.append({ runId, segment: segment(2), at: T0 }))
    await assert.rejects(storage.runs.append({ runId, segment: segment(0, 0, 1, '["other"]'), at: T0 }))
    assertSame(await storage.runs.segments(runId, 0, 10), [segment(0)])
    assert.equal((await storage.runs.get(fullCaller, runId))!.head.lastIndex, 0)
  },

  'stores the record as it was written': async (storage) => {
    const { runId } = await accept(storage)
    await storage.runs.append(ending(runId, 'completed', { segment: segment(1, 70), body: '{"end":1}' }))
    const end = (await storage.runs.get(fullCaller, runId))!
    assertSame([end.body, end.bodyIndex, end.head.status], ['{"end":1}', 70, 'completed'])
  },

  'keeps the snapshots, which come with a segment or not at all': async (storage) => {
    const { runId } = await accept(storage)
    const { runId: other } = await accept(storage, { concurrency: 'allow' })
    const all = (upTo = Number.POSITIVE_INFINITY) => storage.runs.snapshots(runId, upTo)
    assertSame(await all(), [])
    const first = { runId, segment: segment(1, 64), at: T0, snapshot: '{"a":"\\u0000"}' }
    assertSame(await Promise.all([storage.runs.append(first), storage.runs.append(first)]), [committed, committed])
    assertSame(await all(), [{ lastIndex: 64, text: '{"a":"\\u0000"}' }])
    const refused = await storage.runs.append({ runId, segment: segment(65, 65, 7), at: T0, snapshot: '{"b":1}' })
    assertSame(refused, { outcome: 'lease_lost' })
    await storage.runs.append({ runId, segment: segment(65), at: T0 })
    await storage.runs.append({ runId, segment: segment(66, 170), at: T0, snapshot: '{"c":1}' })
    const both = [
      { lastIndex: 64, text: '{"a":"\\u0000"}' },
      { lastIndex: 170, text: '{"c":1}' },
    ]
    assertSame(await all(), both)
    assertSame([await all(170), await all(169), await all(63)], [both, both.slice(0, 1), []])
    assertSame(await storage.runs.snapshots(other, Number.POSITIVE_INFINITY), [])
    await storage.sessions.delete(fullCaller, ['ses_1'])
    assertSame(await all(), [])
  },

  'changes the keys of the state that a run has changed, and no others': async (storage) => {
    await accept(storage, { newSession: { name: '', state: { a: 1, b: 2, c: 3 } } }).then(async ({ runId }) => {
      const statePatches: StatePatch[] = [{ set: { a: 10, d: 4 } }, { set: { d: 5 }, removed: ['b', 'unknown'] }]
      await storage.runs.append({ runId, segment: segment(1), at: T0 + 9, statePatches })
    })
    const { state, updatedAt } = (await storage.sessions.get(fullCaller, 'ses_1'))!
    assertSame([state, updatedAt], [{ a: 10, c: 3, d: 5 }, T0 + 9])
  },

  'keeps what runs side by side write into different keys': async (storage) => {
    const runs = await Promise.all(Array.from({ length: 20 }, () => accept(storage, { concurrency: 'allow' })))
    await Promise.all(
      runs.map(({ runId }, at) =>
        storage.runs.append({ runId, segment: segment(1), at: T0, statePatches: [{ set: { [`key${at}`]: at } }] }),
      ),
    )
    assert.equal(Object.keys((await storage.sessions.get(fullCaller, 'ses_1'))!.state).length, 20)
  },

  'stores a key called __proto__ like any other': async (storage) => {
    const { runId } = await accept(storage)
    const set = JSON.parse('{"__proto__":{"isAdmin":true},"constructor":1}') as JsonObject
    await storage.runs.append({ runId, segment: segment(1), at: T0, statePatches: [{ set }] })
    const window = (await storage.runs.window('ses_1', Number.MAX_SAFE_INTEGER, 0))!
    assert.equal(JSON.stringify(window.state), '{"__proto__":{"isAdmin":true},"constructor":1}')
    assert.equal(({} as { isAdmin?: boolean }).isAdmin, undefined)
    await storage.runs.append({
      runId,
      segment: segment(2),
      at: T0,
      statePatches: [{ set: {}, removed: ['__proto__'] }],
    })
    assert.equal(JSON.stringify((await storage.sessions.get(fullCaller, 'ses_1'))!.state), '{"constructor":1}')
  },

  'adds up what the runs of a session have used': async (storage) => {
    const usage = { inputTokens: 3, outputTokens: 2, totalTokens: 5, cacheReadTokens: 1, cost: 0.25 }
    for (const status of ['completed', 'error', 'paused'] as const) {
      const { runId } = await accept(storage)
      await storage.runs.append(ending(runId, status, { end: { status, usage } }))
    }
    assertSame((await storage.sessions.get(fullCaller, 'ses_1'))!.metrics, {
      inputTokens: 9,
      outputTokens: 6,
      totalTokens: 15,
      cacheReadTokens: 3,
      cost: 0.75,
    })
  },
}
