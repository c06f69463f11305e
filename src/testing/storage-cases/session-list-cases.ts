import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import type { SessionFilter } from '../../sessions/session-repository.js'
import type { Storage } from '../../storage/storage.js'
import { assertRefused, session, T0, user, type Cases } from './case.js'

function filter(changes: Partial<SessionFilter> = {}): SessionFilter {
  return { sortBy: 'created_at', sortOrder: 'asc', limit: 100, page: 1, ...changes }
}

async function ids(storage: Storage, changes: Partial<SessionFilter>, caller = fullCaller): Promise<string[]> {
  const { data, meta } = await storage.sessions.list(caller, filter(changes))
  assert.equal(meta.totalCount, data.length)
  return data.map(({ sessionId }) => sessionId)
}

/** Sessions with the same times and names in part, so that only the id tells them apart. */
async function createTies(storage: Storage): Promise<void> {
  for (const at of [3, 1, 4, 0, 2, 6, 5]) {
    const times = { createdAt: T0 + (at % 2), updatedAt: T0 + (at % 3) }
    await storage.sessions.create(session({ sessionId: `s${at}`, name: at < 4 ? 'same' : `Name ${at}`, ...times }))
  }
}

export const sessionListCases: Cases = {
  'are sorted by each column, with the id to break ties': async (storage) => {
    await createTies(storage)
    const orders = {
      created_at: ['s0', 's2', 's4', 's6', 's1', 's3', 's5'],
      updated_at: ['s0', 's3', 's6', 's1', 's4', 's2', 's5'],
      session_name: ['s4', 's5', 's6', 's0', 's1', 's2', 's3'],
    }
    for (const [sortBy, expected] of Object.entries(orders) as [SessionFilter['sortBy'], string[]][]) {
      assert.deepEqual(await ids(storage, { sortBy, sortOrder: 'asc' }), expected)
      assert.deepEqual(await ids(storage, { sortBy, sortOrder: 'desc' }), expected.toReversed())
    }
  },

  'are paged by number and by cursor, each row once': async (storage) => {
    await createTies(storage)
    for (const sortBy of ['created_at', 'updated_at', 'session_name'] as const) {
      for (const sortOrder of ['asc', 'desc'] as const) {
        const expected = await ids(storage, { sortBy, sortOrder })
        const byPage: string[] = []
        const byCursor: string[] = []
        let cursor: string | undefined
        for (let page = 1; page <= 3; page++) {
          const numbered = await storage.sessions.list(fullCaller, filter({ sortBy, sortOrder, limit: 3, page }))
          byPage.push(...numbered.data.map(({ sessionId }) => sessionId))
          const { searchTimeMs, nextCursor, ...meta } = numbered.meta
          assert.deepEqual(meta, { page, limit: 3, totalCount: 7, totalPages: 3 })
          assert(searchTimeMs >= 0)
          assert.equal(nextCursor === undefined, page === 3)
          const next = await storage.sessions.list(fullCaller, filter({ sortBy, sortOrder, limit: 3, cursor }))
          byCursor.push(...next.data.map(({ sessionId }) => sessionId))
          assert.equal(next.meta.page, page === 1 ? 1 : 0)
          assert.equal(next.meta.totalCount, 7)
          cursor = next.meta.nextCursor
        }
        assert.equal(cursor, undefined)
        assert.deepEqual(byPage, expected)
        assert.deepEqual(byCursor, expected)
      }
    }
    assert.deepEqual((await storage.sessions.list(fullCaller, filter({ limit: 3, page: 4 }))).data, [])
  },

  'refuse a cursor of another order, or of nobody': async (storage) => {
    await createTies(storage)
    const { meta } = await storage.sessions.list(fullCaller, filter({ limit: 1 }))
    const { nextCursor: cursor } = meta
    await assertRefused(
      storage.sessions.list(fullCaller, filter({ cursor, sortBy: 'session_name' })),
      'VALIDATION_ERROR',
    )
    await assertRefused(storage.sessions.list(fullCaller, filter({ cursor, sortBy: 'updated_at' })), 'VALIDATION_ERROR')
    await assertRefused(storage.sessions.list(fullCaller, filter({ cursor: 'bm9wZQ' })), 'VALIDATION_ERROR')
    await assertRefused(storage.sessions.list(user(undefined), filter({ cursor: '!' })), 'VALIDATION_ERROR')
  },

  'are found by a part of their name, in any case, taken literally': async (storage) => {
    const names = ['100% sure', '100 percent', 'snake_case', 'snakeXcase', 'ÜBER Straße', 'it\'s \\ a "name"', 'a?b']
    for (const [at, name] of names.entries()) await storage.sessions.create(session({ sessionId: `s${at}`, name }))
    const found = (name: string) => ids(storage, { name })
    assert.deepEqual(await found('100%'), ['s0'])
    assert.deepEqual(await found('SNAKE_'), ['s2'])
    assert.deepEqual(await found('über'), ['s4'])
    assert.deepEqual(await found('STRA'), ['s4'])
    assert.deepEqual(await found("IT'S \\ A"), ['s5'])
    assert.deepEqual(await found('?'), ['s6'])
    assert.deepEqual(await found('nothing like it'), [])
    assert.deepEqual(await found("' OR 1=1 --"), [])
    assert.equal((await found('')).length, names.length)
  },

  'are filtered by type, component and user, and to users show what is theirs': async (storage) => {
    await storage.sessions.create(session({ sessionId: 's1', userId: 'ann', componentId: 'x' }))
    await storage.sessions.create(session({ sessionId: 's2', userId: 'ann', componentId: 'y', type: 'team' }))
    await storage.sessions.create(session({ sessionId: 's3', userId: 'bob', componentId: 'x' }))
    await storage.sessions.create(session({ sessionId: 's4' }))
    assert.deepEqual(await ids(storage, { type: 'agent' }), ['s1', 's3', 's4'])
    assert.deepEqual(await ids(storage, { componentId: 'x' }), ['s1', 's3'])
    assert.deepEqual(await ids(storage, { userId: 'ann' }), ['s1', 's2'])
    assert.deepEqual(await ids(storage, { userId: 'ann', componentId: 'x', type: 'agent' }), ['s1'])
    assert.deepEqual(await ids(storage, {}, user('ann')), ['s1', 's2'])
    assert.deepEqual(await ids(storage, { userId: 'bob' }, user('ann')), [])
    assert.deepEqual(await ids(storage, {}, user(undefined)), [])
  },
}
