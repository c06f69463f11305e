import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import { accept, assertRefused, assertSame, ending, segment, session, T0, unit, user, type Cases } from './case.js'

const everything = session({
  userId: 'ann',
  componentId: 'support',
  componentName: 'Support',
  state: { cart: [{ id: 1 }] },
  summary: { summary: 'About apples', topics: ['apples'], updatedAt: '2026-01-01T00:00:00+00:00' },
  metadata: { source: 'web' },
  metrics: { inputTokens: 1, outputTokens: 2, totalTokens: 3, cost: 0.5 },
  updatedAt: T0 + 1,
})

export const sessionCases: Cases = {
  'come back as they were created': async (storage) => {
    await storage.sessions.create(everything)
    assertSame(await storage.sessions.get(fullCaller, 'ses_1'), everything)
    const bare = session({ sessionId: 'ses_2', name: '' })
    await storage.sessions.create(bare)
    assertSame(await storage.sessions.get(fullCaller, 'ses_2'), bare)
  },

  'are not created twice, whoever has the id': async (storage) => {
    await storage.sessions.create(everything)
    await assertRefused(storage.sessions.create(session({ userId: 'bob', type: 'team' })), 'SESSION_EXISTS')
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () => storage.sessions.create(session({ sessionId: 'ses_2' }))),
    )
    assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1)
    assertSame(await storage.sessions.get(fullCaller, 'ses_1'), everything)
  },

  'are shown to their user only, and to those who see all': async (storage) => {
    await storage.sessions.create(everything)
    await storage.sessions.create(session({ sessionId: 'ses_2' }))
    const sees = async (...parameters: Parameters<typeof storage.sessions.get>) =>
      (await storage.sessions.get(...parameters)) !== undefined
    assert.equal(await sees(user('ann'), 'ses_1'), true)
    assert.equal(await sees(user('bob'), 'ses_1'), false)
    assert.equal(await sees(user('ann'), 'ses_2'), false)
    assert.equal(await sees(user(undefined), 'ses_2'), false)
    assert.equal(await sees(fullCaller, 'ses_1', { userId: 'ann', type: 'agent' }), true)
    assert.equal(await sees(fullCaller, 'ses_1', { userId: 'bob' }), false)
    assert.equal(await sees(fullCaller, 'ses_1', { type: 'team' }), false)
    assert.equal(await sees(user('ann'), 'ses_1', { userId: 'bob' }), false)
    assert.equal(await sees(fullCaller, 'ses_unknown'), false)
  },

  'change in what is named, and in nothing else': async (storage) => {
    await storage.sessions.create(everything)
    const renamed = await storage.sessions.update(fullCaller, 'ses_1', { name: 'New' }, { at: T0 + 50 })
    assertSame(renamed, { ...everything, name: 'New', updatedAt: T0 + 50 })
    const changes = { state: { n: 1 }, metadata: { m: 2 }, summary: { summary: 'S' } }
    const changed = await storage.sessions.update(user('ann'), 'ses_1', changes, { at: T0 + 60 })
    assertSame(changed, { ...everything, ...changes, name: 'New', updatedAt: T0 + 60 })
    assertSame(await storage.sessions.get(fullCaller, 'ses_1'), changed)
  },

  'are cleared by null': async (storage) => {
    await storage.sessions.create(everything)
    const clear = { name: null, state: null, metadata: null, summary: null }
    await storage.sessions.update(fullCaller, 'ses_1', clear, { at: T0 + 50 })
    const { summary: _summary, metadata: _metadata, ...rest } = everything
    assertSame(await storage.sessions.get(fullCaller, 'ses_1'), { ...rest, name: '', state: {}, updatedAt: T0 + 50 })
  },

  'change only as the sender has seen them': async (storage) => {
    await storage.sessions.create(everything)
    const change = (name: string, ifUpdatedAt: number, at = T0 + 50) =>
      storage.sessions.update(fullCaller, 'ses_1', { name }, { at, ifUpdatedAt })
    await assertRefused(change('A', T0), 'SESSION_CHANGED')
    const results = await Promise.allSettled(['B', 'C', 'D'].map((name) => change(name, T0 + 1)))
    assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected', 'rejected'])
    // Also within one millisecond, and when the clock goes back.
    const { updatedAt } = (await change('E', T0 + 50, T0 + 50))!
    assert(updatedAt > T0 + 50)
    await assertRefused(change('F', T0 + 50), 'SESSION_CHANGED')
    assert.equal((await storage.sessions.get(fullCaller, 'ses_1'))?.name, 'E')
  },

  'change in the eyes of a sender when a run changes their state': async (storage) => {
    const { runId } = await accept(storage)
    const { updatedAt } = (await storage.sessions.get(fullCaller, 'ses_1'))!
    await storage.runs.append({ runId, segment: segment(1), at: updatedAt, statePatches: [{ set: { a: 1 } }] })
    const stale = { at: updatedAt, ifUpdatedAt: updatedAt }
    await assertRefused(storage.sessions.update(fullCaller, 'ses_1', { state: {} }, stale), 'SESSION_CHANGED')
  },

  'keep what is held of their state, whatever a change says of it': async (storage) => {
    await storage.sessions.create(session({ state: { plan: 'free', seats: 2, colour: 'red' } }))
    const change = async (state: Record<string, unknown> | null) => {
      const held = { at: T0 + 50, heldState: ['plan', 'seats', 'role'] }
      return (await storage.sessions.update(fullCaller, 'ses_1', { state }, held))?.state
    }
    const kept = { plan: 'free', seats: 2 }
    assert.deepEqual(await change({ plan: 'gold', role: 'owner', colour: 'blue' }), { ...kept, colour: 'blue' })
    assert.deepEqual(await change(null), kept)
    assert.deepEqual((await storage.sessions.get(fullCaller, 'ses_1'))?.state, kept)
  },

  'of others do not change': async (storage) => {
    await storage.sessions.create(everything)
    const at = T0 + 50
    assert.equal(await storage.sessions.update(user('bob'), 'ses_1', { name: 'X' }, { at }), undefined)
    assert.equal(await storage.sessions.update(fullCaller, 'ses_1', { name: 'X' }, { at, type: 'team' }), undefined)
    assert.equal(await storage.sessions.update(fullCaller, 'ses_1', { name: 'X' }, { at, userId: 'bob' }), undefined)
    assert.equal(await storage.sessions.update(fullCaller, 'ses_2', { name: 'X' }, { at }), undefined)
    assertSame(await storage.sessions.get(fullCaller, 'ses_1'), everything)
  },

  'are deleted with their runs, logs and keys': async (storage) => {
    const idempotency = { scope: 's', key: 'k', fingerprint: 'f', expiresAt: T0 + 1e6 }
    const gone = await accept(storage, { idempotency })
    await accept(storage)
    const kept = await accept(storage, { run: { sessionId: 'ses_2' } })
    assert.equal(await storage.sessions.delete(fullCaller, ['ses_1', 'ses_1', 'ses_unknown']), 1)
    assert.equal(await storage.sessions.get(fullCaller, 'ses_1'), undefined)
    assert.equal(await storage.runs.get(fullCaller, gone.runId), undefined)
    assert.deepEqual(await storage.runs.segments(gone.runId, 0, 10), [])
    assert.deepEqual(await storage.runs.active('ses_1'), [])
    assert.equal((await storage.runs.list(fullCaller, { limit: 10 })).totalCount, 1)
    assert.equal((await storage.runs.segments(kept.runId, 0, 10)).length, 1)
    const again = await storage.runs.accept(fullCaller, unit({ idempotency }))
    assert.equal(again.outcome, 'running')
  },

  'stay deleted when a run of theirs writes late': async (storage) => {
    const { runId } = await accept(storage)
    await storage.sessions.delete(fullCaller, ['ses_1'])
    assertSame(await storage.runs.append({ runId, segment: segment(1), at: T0 }), { outcome: 'lease_lost' })
    assertSame(await storage.runs.append(ending(runId)), { outcome: 'lease_lost' })
    assert.equal(await storage.runs.takeOver(runId, 1, 'exe_2', T0), undefined)
    assert.equal(await storage.sessions.get(fullCaller, 'ses_1'), undefined)
  },

  'of others are not deleted': async (storage) => {
    await storage.sessions.create(everything)
    await storage.sessions.create(session({ sessionId: 'ses_2', userId: 'bob' }))
    await storage.sessions.create(session({ sessionId: 'ses_3', userId: 'ann', type: 'team' }))
    const all = ['ses_1', 'ses_2', 'ses_3']
    assert.equal(await storage.sessions.delete(user('eve'), all), 0)
    assert.equal(await storage.sessions.delete(user(undefined), all), 0)
    assert.equal(await storage.sessions.delete(user('ann'), all, { userId: 'bob' }), 0)
    assert.equal(await storage.sessions.delete(user('ann'), all, { type: 'team' }), 1)
    assert.equal(await storage.sessions.delete(user('ann'), all), 1)
    assert.equal(await storage.sessions.delete(fullCaller, all, { userId: 'ann' }), 0)
    assert.equal(await storage.sessions.delete(fullCaller, []), 0)
    assert.equal((await storage.sessions.get(fullCaller, 'ses_2'))?.userId, 'bob')
  },

  'are deleted by the thousand': async (storage) => {
    const ids = Array.from({ length: 1000 }, (_, at) => `ses_${at}`)
    await Promise.all(ids.map((sessionId) => accept(storage, { run: { sessionId } })))
    assert.equal(await storage.sessions.delete(fullCaller, ids), 1000)
    assert.equal((await storage.runs.list(fullCaller, { limit: 1 })).totalCount, 0)
  },
}
