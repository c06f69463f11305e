import assert from 'node:assert/strict'
import type { Caller } from '../../core/caller.js'
import { fullCaller } from '../../core/caller.js'
import { newUuid } from '../../core/ids.js'
import type { StoredServiceAccount } from '../../service-accounts/service-account-repository.js'
import { assertRefused, assertSame, T0, user, type Cases } from './case.js'

export function account(changes: Partial<StoredServiceAccount> = {}): StoredServiceAccount {
  const id = newUuid()
  return {
    id,
    name: 'ci',
    userId: 'alice',
    tokenHash: id.replaceAll('-', '').padStart(64, '0'),
    tokenPrefix: 'agno_pat_0000000',
    scopes: ['agents:run', 'agents:a%3Ab\0"\':run'],
    createdAt: T0,
    createdBy: 'alice',
    ...changes,
  }
}

const alice = user('alice')
const bob = user('bob')

export const serviceAccountCases: Cases = {
  'comes back as it was stored': async ({ serviceAccounts }) => {
    const full = account({ expiresAt: T0 + 9 })
    const bare = account({ name: 'bare', userId: undefined, createdBy: undefined, scopes: [] })
    for (const one of [full, bare]) {
      await serviceAccounts.create(fullCaller, one)
      assertSame(await serviceAccounts.get(fullCaller, one.id), one)
      assertSame(await serviceAccounts.findByTokenHash(one.tokenHash), one)
    }
    assert.equal(await serviceAccounts.get(fullCaller, newUuid()), undefined)
    assert.equal(await serviceAccounts.findByTokenHash('0'.repeat(64)), undefined)
  },

  'has its name for itself until it is revoked, whoever asks': async ({ serviceAccounts }) => {
    const first = account({ expiresAt: T0 - 1 })
    await serviceAccounts.create(alice, first)
    for (const caller of [alice, bob, fullCaller]) {
      await assertRefused(serviceAccounts.create(caller, account()), 'SERVICE_ACCOUNT_EXISTS')
    }
    assert.equal(await serviceAccounts.revoke(alice, first.id, T0 + 1), true)
    await serviceAccounts.create(alice, account())
    await assertRefused(serviceAccounts.create(alice, account()), 'SERVICE_ACCOUNT_EXISTS')
  },

  'is minted by one of many': async ({ serviceAccounts }) => {
    const asked = Array.from({ length: 20 }, () => serviceAccounts.create(fullCaller, account()))
    const outcomes = await Promise.allSettled(asked)
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  },

  'leaves its name to nobody else, but to admins': async ({ serviceAccounts }) => {
    const ownedBy = async (userId: string | undefined, caller: Caller): Promise<void> => {
      const one = account({ userId, name: `of-${userId ?? 'host'}` })
      await serviceAccounts.create(caller, one)
      await serviceAccounts.revoke(caller, one.id, T0)
    }
    await ownedBy('alice', alice)
    await ownedBy(undefined, fullCaller)
    const unscoped = { ...bob, scoped: false }
    const nameless = { ...user(undefined), scoped: false }
    for (const name of ['of-alice', 'of-host']) {
      for (const caller of [bob, unscoped, nameless]) {
        const other = account({ name, userId: caller.userId })
        await assertRefused(serviceAccounts.create(caller, other), 'SERVICE_ACCOUNT_NAME_TAKEN')
        assert.equal(await serviceAccounts.get(fullCaller, other.id), undefined)
      }
    }
    const mine = account({ name: 'of-alice' })
    await serviceAccounts.create(alice, mine)
    await serviceAccounts.revoke(alice, mine.id, T0)
    await serviceAccounts.create(fullCaller, account({ name: 'of-alice', userId: undefined }))
  },

  'takes the place of another in one unit, or not at all': async ({ serviceAccounts }) => {
    const old = account()
    await serviceAccounts.create(alice, old)
    await assertRefused(
      serviceAccounts.create(bob, account({ userId: 'bob', createdAt: T0 + 5 }), old.id),
      'SERVICE_ACCOUNT_EXISTS',
    )
    const unscoped = { ...bob, scoped: false }
    await assertRefused(serviceAccounts.create(unscoped, account(), old.id), 'SERVICE_ACCOUNT_NAME_TAKEN')
    assert.equal((await serviceAccounts.get(alice, old.id))?.revokedAt, undefined)
    const next = account({ createdAt: T0 + 5 })
    await serviceAccounts.create(alice, next, old.id)
    assert.equal((await serviceAccounts.get(alice, old.id))?.revokedAt, T0 + 5)
    assertSame(await serviceAccounts.get(alice, next.id), next)
  },

  'is revoked once, and stays': async ({ serviceAccounts }) => {
    const one = account()
    await serviceAccounts.create(alice, one)
    assert.equal(await serviceAccounts.revoke(alice, newUuid(), T0 + 1), false)
    for (const at of [T0 + 1, T0 + 2]) assert.equal(await serviceAccounts.revoke(alice, one.id, at), true)
    for (const stored of [
      await serviceAccounts.get(alice, one.id),
      await serviceAccounts.findByTokenHash(one.tokenHash),
    ]) {
      assertSame(stored, { ...one, revokedAt: T0 + 1 })
    }
  },

  'knows its latest use': async ({ serviceAccounts }) => {
    const one = account()
    await serviceAccounts.create(alice, one)
    for (const [at, latest] of [
      [T0 + 5, T0 + 5],
      [T0 + 3, T0 + 5],
      [T0 + 9, T0 + 9],
    ] as const) {
      await serviceAccounts.noteUse(one.id, at)
      assert.equal((await serviceAccounts.get(alice, one.id))?.lastUsedAt, latest)
    }
    await serviceAccounts.noteUse(newUuid(), T0)
  },

  'is there for its owner, and for whoever sees all': async ({ serviceAccounts }) => {
    const one = account()
    await serviceAccounts.create(alice, one)
    for (const caller of [bob, user(undefined)]) {
      assert.equal(await serviceAccounts.get(caller, one.id), undefined)
      assert.equal(await serviceAccounts.revoke(caller, one.id, T0), false)
    }
    for (const caller of [alice, fullCaller, { ...bob, scoped: false }]) {
      assertSame(await serviceAccounts.get(caller, one.id), one)
    }
  },
}
