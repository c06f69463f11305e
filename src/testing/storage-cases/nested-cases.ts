import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import type { NestedRow } from '../../runs/run-repository.js'
import type { Storage } from '../../storage/storage.js'
import { accept, assertSame, ending, segment, statusOf, T0, user, type Cases } from './case.js'

const component = { kind: 'agent', id: 'member', name: 'Member' } as const
const team = { kind: 'team', id: 'desk', name: 'Desk' } as const
const LATER = T0 + 1e9

function row(runId: string, parentRunId: string, changes: Partial<NestedRow> = {}): NestedRow {
  return {
    runId,
    parentRunId,
    component,
    request: '{"input":"do it"}',
    createdAt: T0 + 5,
    status: 'running',
    lastIndex: 1,
    ...changes,
  }
}

/** A team's run with one run inside of it. */
async function withNested(storage: Storage, changes: Partial<NestedRow> = {}) {
  const { runId } = await accept(storage, {
    run: { userId: 'alice', component: team, mode: 'background' },
  })
  const nested = [row('run_inside', runId, changes)]
  assertSame(await storage.runs.append({ runId, segment: segment(1), at: T0 + 6, nested }), { outcome: 'committed' })
  return runId
}

export const nestedCases: Cases = {
  'is stored with the segment that tells of it, as its outermost run’s user’s': async (storage) => {
    const runId = await withNested(storage)
    const stored = (await storage.runs.get(fullCaller, 'run_inside'))!
    assertSame(
      { ...stored.head, seq: 0, attempt: 0, mode: undefined },
      {
        seq: 0,
        attempt: 0,
        runId: 'run_inside',
        sessionId: 'ses_1',
        userId: 'alice',
        parentRunId: runId,
        rootRunId: runId,
        component,
        status: 'running',
        lastIndex: 1,
        createdAt: T0 + 5,
        updatedAt: T0 + 6,
      },
    )
    assert.equal(stored.request, '{"input":"do it"}')
    assert.equal(stored.body, undefined)
    assert(await storage.runs.get(user('alice'), 'run_inside'))
    assert.equal(await storage.runs.get(user('bob'), 'run_inside'), undefined)
  },

  'moves on with later segments, and keeps what it was asked': async (storage) => {
    const runId = await withNested(storage)
    const ended = row('run_inside', runId, {
      status: 'completed',
      lastIndex: 2,
      request: '{"input":"other"}',
      body: '{"content":"done"}',
    })
    await storage.runs.append({ runId, segment: segment(2), at: T0 + 7, nested: [ended] })
    const stored = (await storage.runs.get(fullCaller, 'run_inside'))!
    assertSame(
      [stored.head.status, stored.head.lastIndex, stored.body, stored.bodyIndex, stored.request],
      ['completed', 2, '{"content":"done"}', 2, '{"input":"do it"}'],
    )
    const reopened = row('run_inside', runId, { lastIndex: 3 })
    await storage.runs.append({ runId, segment: segment(3), at: T0 + 8, nested: [reopened] })
    const again = (await storage.runs.get(fullCaller, 'run_inside'))!
    assertSame([again.head.status, again.head.lastIndex, again.bodyIndex], ['running', 3, 2])
  },

  'shares the fate of its segment': async (storage) => {
    const runId = await withNested(storage)
    const nested = [row('run_inside', runId, { status: 'completed' }), row('run_other', runId)]
    const late = { runId, segment: segment(2, 2, 7), at: T0 + 7, nested }
    assertSame(await storage.runs.append(late), { outcome: 'lease_lost' })
    await storage.runs.requestCancel(fullCaller, runId, T0 + 8)
    const marked = { runId, segment: segment(2), at: T0 + 9, nested }
    assertSame(await storage.runs.append(marked), { outcome: 'cancel_requested' })
    assert.equal(await statusOf(storage, 'run_inside'), 'running')
    assert.equal(await statusOf(storage, 'run_other'), undefined)
    const cancelled = [row('run_inside', runId, { status: 'cancelled', lastIndex: 2 })]
    const end = ending(runId, 'cancelled', { segment: segment(2), nested: cancelled })
    assertSame(await storage.runs.append(end), { outcome: 'committed' })
    assert.equal(await statusOf(storage, 'run_inside'), 'cancelled')
  },

  'does not touch a run of another log that has its id': async (storage) => {
    await withNested(storage)
    const { runId: other } = await accept(storage, { run: { sessionId: 'ses_2' } })
    const nested = [row('run_inside', other, { status: 'completed' })]
    await storage.runs.append({ runId: other, segment: segment(1), at: T0 + 7, nested })
    assert.equal(await statusOf(storage, 'run_inside'), 'running')
  },

  'is executed by nobody: it is not swept, not begun, not cancelled and not continued by itself': async (storage) => {
    const runId = await withNested(storage)
    const components = [component]
    assert.deepEqual(await storage.runs.takeLapsed('exe_9', components, 10, LATER), [])
    assert.deepEqual(await storage.runs.due('exe_9', components, 10, LATER), [])
    assert.equal(await storage.runs.requestCancel(fullCaller, 'run_inside', T0), undefined)
    assert.deepEqual(await storage.runs.cancelOverdue(LATER, 10), [])
    assert.equal(await storage.runs.takeOver('run_inside', 1, 'exe_9', T0), undefined)
    assert.deepEqual(
      (await storage.runs.heldBy('exe_1', LATER, 10)).map(({ head }) => head.runId),
      [runId],
    )
    await storage.runs.append({
      runId,
      segment: segment(2),
      at: T0,
      nested: [row('run_inside', runId, { status: 'paused', lastIndex: 2 })],
    })
    const { attempt } = (await storage.runs.get(fullCaller, 'run_inside'))!.head
    const reopened = { runId: 'run_inside', attempt, executorId: 'exe_9', mode: 'plain', at: T0 } as const
    assert.equal(await storage.runs.reopen({ ...reopened, segment: segment(3, 3, attempt + 1) }), false)
  },

  'neither has the session nor stands in its line': async (storage) => {
    const runId = await withNested(storage)
    assert.deepEqual(await storage.runs.active('ses_1'), [runId])
    const waiting = await accept(storage, { concurrency: 'interrupt', run: { userId: 'alice', component: team } })
    assert.deepEqual(waiting.outcome === 'pending' && waiting.interrupted, [runId])
    assert.equal((await storage.runs.get(fullCaller, 'run_inside'))!.head.cancelRequestedAt, undefined)
  },

  'is listed, but not among the runs that were asked for, and is no part of the history': async (storage) => {
    const runId = await withNested(storage, { status: 'completed', body: '{"content":"done"}' })
    await storage.runs.append(ending(runId, 'completed', { segment: segment(2) }))
    const ids = async (more: object) =>
      (await storage.runs.list(fullCaller, { limit: 10, ...more })).data.map(({ head }) => head.runId)
    assert.deepEqual(await ids({ sessionId: 'ses_1' }), [runId, 'run_inside'])
    assert.deepEqual(await ids({ componentKind: 'agent', componentId: 'member' }), ['run_inside'])
    assert.deepEqual(await ids({ sessionId: 'ses_1', topLevelOnly: true }), [runId])
    const window = await storage.runs.window('ses_1', Number.MAX_SAFE_INTEGER, 10)
    assert.deepEqual(
      window!.runs.map((one) => one.runId),
      [runId],
    )
  },

  'goes with its session': async (storage) => {
    await withNested(storage)
    await storage.sessions.delete(fullCaller, ['ses_1'])
    assert.equal(await storage.runs.get(fullCaller, 'run_inside'), undefined)
  },
}
