import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import { accept, assertRefused, assertSame, ending, segment, session, T0, unit, user, type Cases } from './case.js'

export const acceptCases: Cases = {
  'starts a run in a new session at once': async (storage) => {
    const newSession = { name: 'My order', state: { cart: [1] } }
    const { outcome, runId, ...rest } = await accept(storage, { newSession, run: { userId: 'ann' } })
    assert.equal(outcome, 'running')
    assertSame(rest, { seq: rest.seq, isNewSession: true })
    const created = await storage.sessions.get(fullCaller, 'ses_1')
    assertSame(created, {
      sessionId: 'ses_1',
      name: 'My order',
      type: 'agent',
      userId: 'ann',
      componentId: 'support',
      componentName: 'Support',
      state: { cart: [1] },
      metrics: {},
      createdAt: T0,
      updatedAt: T0,
    })
    assertSame(await storage.runs.segments(runId, 0, 10), [segment(0)])
  },

  'stores every field of the row': async (storage) => {
    const component = { kind: 'agent', id: 'support', name: 'Support', version: 3 } as const
    const run = { userId: 'ann', parentRunId: 'run_0', component, mode: 'stream', request: '{"a": 1.50}' } as const
    const { runId, seq } = await accept(storage, { run, executorId: 'exe_7', firstSegment: segment(0, 2) })
    const stored = await storage.runs.get(fullCaller, runId)
    assertSame(stored, {
      head: {
        seq,
        runId,
        sessionId: 'ses_1',
        userId: 'ann',
        parentRunId: 'run_0',
        component,
        mode: 'stream',
        status: 'running',
        attempt: 1,
        executorId: 'exe_7',
        lastIndex: 2,
        createdAt: T0,
        updatedAt: T0,
      },
      request: '{"a": 1.50}',
    })
  },

  'stores a waiting run without attempt and log, for its process to begin': async (storage) => {
    await accept(storage)
    const { runId, outcome } = await accept(storage)
    assert.equal(outcome, 'pending')
    const { head } = (await storage.runs.get(fullCaller, runId))!
    assertSame([head.status, head.attempt, head.executorId, head.lastIndex], ['pending', 0, 'exe_1', -1])
    assertSame(await storage.runs.segments(runId, 0, 10), [])
  },

  'numbers runs in the order of acceptance': async (storage) => {
    const accepted = await Promise.all(Array.from({ length: 20 }, () => accept(storage)))
    const seqs = accepted.map(({ seq }) => seq)
    assert.deepEqual(
      seqs,
      [...new Set(seqs)].toSorted((left, right) => left - right),
    )
  },

  'refuses a taken run id, whoever has it, and leaves nothing behind': async (storage) => {
    const { runId } = await accept(storage, { run: { userId: 'ann' } })
    const taken = unit({ run: { runId, sessionId: 'ses_2', userId: 'bob' } })
    await assertRefused(storage.runs.accept(user('bob'), taken), 'RUN_EXISTS')
    assert.equal(await storage.sessions.get(fullCaller, 'ses_2'), undefined)
    const busy = unit({ concurrency: 'reject', run: { runId, userId: 'ann' } })
    await assertRefused(storage.runs.accept(user('ann'), busy), 'RUN_EXISTS')
    assert.equal((await storage.runs.get(fullCaller, runId))!.head.userId, 'ann')
  },

  'does not show a session of another user': async (storage) => {
    await accept(storage, { run: { userId: 'ann' } })
    const foreign = unit({ run: { userId: 'bob' } })
    await assertRefused(storage.runs.accept(user('bob'), foreign), 'SESSION_NOT_FOUND')
    await assertRefused(storage.runs.accept(user(undefined), unit()), 'SESSION_NOT_FOUND')
    assert.equal((await accept(storage, { run: { userId: 'ann' } }, user('ann'))).isNewSession, false)
    // Whoever acts for a user gets what that user would.
    await assertRefused(storage.runs.accept(fullCaller, foreign), 'SESSION_NOT_FOUND')
  },

  'does not show a session without owner to a scoped caller': async (storage) => {
    await accept(storage)
    await assertRefused(storage.runs.accept(user('ann'), unit()), 'SESSION_NOT_FOUND')
    await assertRefused(storage.runs.accept(user(undefined), unit()), 'SESSION_NOT_FOUND')
  },

  'refuses a session of another component or kind': async (storage) => {
    await accept(storage)
    const other = unit({ run: { component: { kind: 'agent', id: 'sales', name: 'Sales' } } })
    await assertRefused(storage.runs.accept(fullCaller, other), 'SESSION_COMPONENT_MISMATCH')
    await storage.sessions.create(session({ sessionId: 'ses_team', type: 'team' }))
    const team = unit({ run: { sessionId: 'ses_team' } })
    await assertRefused(storage.runs.accept(fullCaller, team), 'SESSION_COMPONENT_MISMATCH')
  },

  'binds and names a session that is neither bound nor named': async (storage) => {
    await storage.sessions.create(session({ name: '', state: { kept: true } }))
    const run = { createdAt: T0 + 500 }
    const { isNewSession } = await accept(storage, { run, newSession: { name: 'Named', state: { lost: true } } })
    assert.equal(isNewSession, false)
    const bound = (await storage.sessions.get(fullCaller, 'ses_1'))!
    assertSame(
      [bound.componentId, bound.componentName, bound.name, bound.state, bound.createdAt, bound.updatedAt],
      ['support', 'Support', 'Named', { kept: true }, T0, T0 + 500],
    )
    const named = { sortBy: 'session_name', sortOrder: 'asc', limit: 10, page: 1, name: 'named' } as const
    assert.equal((await storage.sessions.list(fullCaller, named)).meta.totalCount, 1)
  },

  'keeps the name that a session has': async (storage) => {
    await storage.sessions.create(session({ name: 'Mine' }))
    await accept(storage, { newSession: { name: 'Other', state: {} } })
    const bound = (await storage.sessions.get(fullCaller, 'ses_1'))!
    assertSame([bound.name, bound.componentId], ['Mine', 'support'])
  },

  'bounds the runs that wait, over all sessions': async (storage) => {
    const maxPending = 2
    const { runId: first } = await accept(storage, { maxPending })
    await accept(storage, { maxPending })
    await accept(storage, { maxPending, run: { sessionId: 'ses_2' } })
    const { runId: waiting } = await accept(storage, { maxPending, run: { sessionId: 'ses_2' } })
    await assertRefused(storage.runs.accept(fullCaller, unit({ maxPending })), 'QUEUE_FULL')
    assert.equal((await accept(storage, { maxPending, run: { sessionId: 'ses_3' } })).outcome, 'running')
    const appended = await storage.runs.append(ending(first))
    assert.equal(appended.outcome, 'committed')
    const next = appended.outcome === 'committed' ? appended.next! : ''
    assert.notEqual(next, waiting)
    assert.equal(await storage.runs.begin(next, 'exe_1', segment(0), T0), true)
    assert.equal((await accept(storage, { maxPending })).outcome, 'pending')
  },
}
