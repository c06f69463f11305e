import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import { encodeCursor } from '../../core/cursor.js'
import type { RunFilter } from '../../runs/run-repository.js'
import type { Storage } from '../../storage/storage.js'
import { accept, assertRefused, ending, session, T0, user, type Cases } from './case.js'

async function listed(storage: Storage, filter: Partial<RunFilter>, caller = fullCaller): Promise<string[]> {
  const { data, totalCount } = await storage.runs.list(caller, { limit: 100, ...filter })
  assert.equal(totalCount, data.length)
  return data.map(({ head }) => head.runId)
}

export const readCases: Cases = {
  'shows a run to its user and to those who see all': async (storage) => {
    const { runId } = await accept(storage, { run: { userId: 'ann' } })
    assert.equal((await storage.runs.get(user('ann'), runId))?.head.runId, runId)
    assert.equal(await storage.runs.get(user('bob'), runId), undefined)
    const { runId: nobodys } = await accept(storage, { run: { sessionId: 'ses_2' } })
    assert.equal(await storage.runs.get(user('ann'), nobodys), undefined)
    assert.equal(await storage.runs.get(user(undefined), nobodys), undefined)
    assert.equal(await storage.runs.get(fullCaller, 'run_unknown'), undefined)
  },

  'lists what fits, oldest first, and to users what is theirs': async (storage) => {
    const agent = (id: string) => ({ kind: 'agent', id, name: id }) as const
    const a = await accept(storage, { run: { sessionId: 's1', userId: 'ann', component: agent('x'), createdAt: T0 } })
    const run = { sessionId: 's2', userId: 'bob', component: agent('y'), createdAt: T0 + 10 }
    const b = await accept(storage, { run })
    const c = await accept(storage, { run: { ...run, parentRunId: b.runId, createdAt: T0 + 20 } })
    await storage.runs.append(ending(a.runId))
    const [idA, idB, idC] = [a.runId, b.runId, c.runId]
    assert.deepEqual(await listed(storage, {}), [idA, idB, idC])
    assert.deepEqual(await listed(storage, { sessionId: 's2' }), [idB, idC])
    assert.deepEqual(await listed(storage, { componentId: 'y', componentKind: 'agent' }), [idB, idC])
    assert.deepEqual(await listed(storage, { userId: 'ann' }), [idA])
    assert.deepEqual(await listed(storage, { statuses: ['completed', 'pending'] }), [idA, idC])
    assert.deepEqual(await listed(storage, { statuses: [] }), [])
    assert.deepEqual(await listed(storage, { createdAfter: T0 + 10 }), [idB, idC])
    assert.deepEqual(await listed(storage, { createdBefore: T0 + 10 }), [idA, idB])
    assert.deepEqual(await listed(storage, { topLevelOnly: true }), [idA, idB])
    assert.deepEqual(await listed(storage, { sessionId: 's1', userId: 'bob' }), [])
    assert.deepEqual(await listed(storage, {}, user('ann')), [idA])
    assert.deepEqual(await listed(storage, { userId: 'bob' }, user('ann')), [])
    assert.deepEqual(await listed(storage, {}, user(undefined)), [])
  },

  'goes back through all runs by cursor': async (storage) => {
    const runs = []
    for (let at = 0; at < 7; at++) runs.push((await accept(storage)).runId)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const slice = await storage.runs.list(fullCaller, { limit: 3, cursor, sessionId: 'ses_1' })
      assert.equal(slice.totalCount, 7)
      seen.unshift(...slice.data.map(({ head }) => head.runId))
      cursor = slice.nextCursor
    } while (cursor !== undefined)
    assert.deepEqual(seen, runs)
  },

  'goes on where a run was, also when that is gone, or is not for the caller to see': async (storage) => {
    const ids: string[] = []
    for (let at = 0; at < 6; at++) {
      const own = { userId: at === 3 ? 'bob' : 'ann', sessionId: `ses_${at}`, createdAt: T0 + at }
      ids.push((await accept(storage, { run: own })).runId)
    }
    const [first, second, third, , , last] = ids
    const after = async (at: number, id = ids[at]) => {
      const cursor = encodeCursor({ at: T0 + at, id })
      const { data } = await storage.runs.list(user('ann'), { limit: 100, cursor })
      return data.map(({ head }) => head.runId)
    }
    assert.deepEqual(await after(2), [first, second])
    // By its time only: whose it is, and where it stands among hers, is not for her to learn.
    assert.deepEqual(await after(3), await after(3, 'run_unknown'))
    assert.deepEqual(await after(3), [first, second, third])
    const newest = await storage.runs.list(user('ann'), { limit: 1 })
    assert.deepEqual(
      newest.data.map(({ head }) => head.runId),
      [last],
    )
    await storage.sessions.delete(fullCaller, ['ses_5'])
    const rest = await storage.runs.list(user('ann'), { limit: 3, cursor: newest.nextCursor })
    assert.deepEqual(
      rest.data.map(({ head }) => head.runId),
      [second, third, ids[4]],
    )
  },

  'tells by a cursor nothing of how many runs there are': async (storage) => {
    const cursors: string[] = []
    for (const sessionId of ['ses_1', 'ses_2']) {
      const at = { sessionId, createdAt: T0 }
      await accept(storage, { run: { ...at, runId: `${sessionId}-older` } })
      await accept(storage, { run: { ...at, runId: `${sessionId}-newer` } })
      const { nextCursor } = await storage.runs.list(fullCaller, { limit: 1, sessionId })
      cursors.push(Buffer.from(nextCursor!, 'base64url').toString().replaceAll(sessionId, ''))
    }
    assert.equal(cursors[0], cursors[1])
  },

  'refuses a cursor that it has not given out': async (storage) => {
    for (const cursor of ['nonsense', '%%%', Buffer.from('{"a":1}').toString('base64url')]) {
      await assertRefused(storage.runs.list(fullCaller, { limit: 3, cursor }), 'VALIDATION_ERROR')
    }
  },

  'gives a model the last finished runs of the session before its own': async (storage) => {
    const statuses = ['completed', 'error', 'cancelled', 'completed', 'paused'] as const
    const runs = []
    for (const status of statuses) {
      const { runId } = await accept(storage)
      await storage.runs.append(ending(runId, status))
      runs.push(runId)
    }
    const nested = await accept(storage, { concurrency: 'allow', run: { parentRunId: runs[0] } })
    await storage.runs.append(ending(nested.runId))
    const own = await accept(storage)
    const beside = await accept(storage, { concurrency: 'allow' })
    await storage.runs.append(ending(beside.runId))
    const ids = async (limit: number) =>
      (await storage.runs.window('ses_1', own.seq, limit))!.runs.map(({ runId }) => runId)
    assert.deepEqual(await ids(10), [runs[0], runs[2], runs[3]])
    assert.deepEqual(await ids(2), [runs[2], runs[3]])
    assert.deepEqual(await ids(0), [])
    const [last] = (await storage.runs.window('ses_1', own.seq, 1))!.runs
    assert.deepEqual(last, { runId: runs[3], body: ending(runs[3]!).body })
  },

  'gives a run the state of its session': async (storage) => {
    await storage.sessions.create(session({ state: { cart: ['apple'] } }))
    assert.deepEqual((await storage.runs.window('ses_1', 1, 5))!.state, { cart: ['apple'] })
    assert.equal(await storage.runs.window('ses_unknown', 1, 5), undefined)
  },

  'names the runs of a session that are under way': async (storage) => {
    const first = await accept(storage)
    const beside = await accept(storage, { concurrency: 'allow' })
    const waiting = await accept(storage)
    await accept(storage, { run: { sessionId: 'ses_2' } })
    assert.deepEqual(await storage.runs.active('ses_1'), [first.runId, beside.runId, waiting.runId])
    await storage.runs.append(ending(first.runId, 'paused'))
    assert.deepEqual(await storage.runs.active('ses_1'), [beside.runId, waiting.runId])
    assert.deepEqual(await storage.runs.active('ses_unknown'), [])
  },
}
