import assert from 'node:assert/strict'
import type { Caller } from '../../core/caller.js'
import { fullCaller } from '../../core/caller.js'
import type { ServiceAccountFilter } from '../../service-accounts/service-account-repository.js'
import type { Storage } from '../../storage/storage.js'
import { assertRefused, T0, user, type Cases } from './case.js'
import { account } from './service-account-cases.js'

const newest: ServiceAccountFilter = {
  includeRevoked: true,
  sortBy: 'created_at',
  sortOrder: 'desc',
  limit: 100,
  page: 1,
}

/** Six accounts, of which some have no time of expiry or use; `c` is revoked. */
async function six(storage: Storage): Promise<void> {
  const { serviceAccounts } = storage
  for (const [at, name] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) {
    const one = account({
      name,
      id: `0000-${name}`,
      userId: at % 2 === 0 ? 'alice' : 'bob',
      createdAt: T0 + (at === 1 ? 0 : at),
      ...(at < 3 && { expiresAt: T0 + 10 - at }),
    })
    await serviceAccounts.create(fullCaller, one)
    if (at > 2) await serviceAccounts.noteUse(one.id, T0 + 10 + Math.min(at, 4))
    if (name === 'c') await serviceAccounts.revoke(fullCaller, one.id, T0)
  }
}

async function names(
  { serviceAccounts }: Storage,
  filter: Partial<ServiceAccountFilter> = {},
  caller: Caller = fullCaller,
): Promise<string> {
  const { data, meta } = await serviceAccounts.list(caller, { ...newest, ...filter })
  assert.equal(data.length <= meta.limit, true)
  return data.map(({ name }) => name).join('')
}

/** In order, and what has no value last. */
const ORDERS = {
  'created_at asc': 'abcdef',
  'created_at desc': 'fedcba',
  'name asc': 'abcdef',
  'name desc': 'fedcba',
  'expires_at asc': 'cbadef',
  'expires_at desc': 'abcfed',
  'last_used_at asc': 'defabc',
  'last_used_at desc': 'fedcba',
}

export const serviceAccountListCases: Cases = {
  'goes in every order, with what has no value last, also by page and by cursor': async (storage) => {
    await six(storage)
    for (const [order, expected] of Object.entries(ORDERS)) {
      const [sortBy, sortOrder] = order.split(' ') as [ServiceAccountFilter['sortBy'], 'asc' | 'desc']
      const filter = { sortBy, sortOrder }
      assert.equal(await names(storage, filter), expected, order)
      assert.equal(await names(storage, { ...filter, limit: 4, page: 2 }), expected.slice(4), order)
      for (const limit of [1, 2, 3, 4, 5]) {
        let seen = ''
        let cursor: string | undefined
        do {
          const { data, meta } = await storage.serviceAccounts.list(fullCaller, { ...newest, ...filter, limit, cursor })
          seen += data.map(({ name }) => name).join('')
          cursor = meta.nextCursor
          assert.equal(meta.totalCount, 6)
        } while (cursor !== undefined)
        assert.equal(seen, expected, `${order} by ${limit}`)
      }
    }
  },

  'leaves revoked ones out where that is asked': async (storage) => {
    await six(storage)
    assert.equal(await names(storage, { includeRevoked: false }), 'fedba')
    const { meta } = await storage.serviceAccounts.list(fullCaller, { ...newest, includeRevoked: false, limit: 2 })
    assert.deepEqual([meta.totalCount, meta.totalPages, meta.page], [5, 3, 1])
  },

  'shows a caller its own only, where it sees no others': async (storage) => {
    await six(storage)
    assert.equal(await names(storage, {}, user('alice')), 'eca')
    assert.equal(await names(storage, { sortBy: 'last_used_at' }, user('bob')), 'fdb')
    assert.equal(await names(storage, {}, user('carol')), '')
    assert.equal(await names(storage, {}, user(undefined)), '')
  },

  'refuses a cursor of another order, or of nothing': async (storage) => {
    await six(storage)
    const { meta } = await storage.serviceAccounts.list(fullCaller, { ...newest, limit: 1 })
    const odd = [
      { ...newest, sortBy: 'name' as const, cursor: meta.nextCursor },
      { ...newest, cursor: 'x' },
    ]
    for (const filter of odd) await assertRefused(storage.serviceAccounts.list(fullCaller, filter), 'VALIDATION_ERROR')
  },
}
