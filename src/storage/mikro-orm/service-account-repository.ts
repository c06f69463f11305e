import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Caller } from '../../core/caller.js'
import type { Page } from '../../core/page.js'
import { nameTaken, serviceAccountExists } from '../../service-accounts/service-account-errors.js'
import type {
  ServiceAccountFilter,
  ServiceAccountRepository,
  StoredServiceAccount,
} from '../../service-accounts/service-account-repository.js'
import type { EntityWork } from './entity-work.js'
import { listServiceAccounts, type ServiceAccountScope } from './service-account-list.js'
import { toServiceAccountRow, toStoredAccount } from './service-account-row.js'
import { ServiceAccountEntity } from './service-account.entity.js'

const plain = { disableIdentityMap: true } as const

/** Service accounts through the entity manager, for every dialect. */
export class MikroOrmServiceAccountRepository implements ServiceAccountRepository {
  constructor(private readonly entities: EntityWork) {}

  async create(caller: Caller, account: StoredServiceAccount, replaced?: string): Promise<void> {
    const { name, createdAt } = account
    await this.entities.transaction(async (em) => {
      if (replaced !== undefined) {
        const old = { ...scopeOf(caller), id: replaced, revokedAt: null }
        await em.nativeUpdate(ServiceAccountEntity, old, { revokedAt: createdAt })
      }
      try {
        await em.insert(ServiceAccountEntity, toServiceAccountRow(account))
      } catch (error) {
        if (!(error instanceof UniqueConstraintViolationException)) throw error
        throw serviceAccountExists(name, error)
      }
      if (caller.admin) return
      // Looked at after the row is in: from then on the index keeps others off the name, so nobody can slip in between.
      const others = { id: { $ne: account.id }, name }
      const isOfOther =
        caller.userId === undefined ? {} : { $or: [{ userId: null }, { userId: { $ne: caller.userId } }] }
      const taken = await em.findOne(ServiceAccountEntity, { ...others, ...isOfOther }, { ...plain, fields: ['id'] })
      if (taken) throw nameTaken(name)
    })
  }

  async get(caller: Caller, id: string): Promise<StoredServiceAccount | undefined> {
    const scope = scopeOf(caller)
    if (!scope) return undefined
    const row = await this.entities.read((em) => em.findOne(ServiceAccountEntity, { ...scope, id }, plain))
    return row ? toStoredAccount(row) : undefined
  }

  list(caller: Caller, filter: ServiceAccountFilter): Promise<Page<StoredServiceAccount>> {
    return listServiceAccounts(this.entities, scopeOf(caller), filter)
  }

  async revoke(caller: Caller, id: string, at: number): Promise<boolean> {
    const scope = scopeOf(caller)
    if (!scope) return false
    return this.entities.transaction(async (em) => {
      const mine = { ...scope, id }
      const changed = await em.nativeUpdate(ServiceAccountEntity, { ...mine, revokedAt: null }, { revokedAt: at })
      return changed > 0 || (await em.findOne(ServiceAccountEntity, mine, { ...plain, fields: ['id'] })) !== null
    })
  }

  async findByTokenHash(tokenHash: string): Promise<StoredServiceAccount | undefined> {
    const row = await this.entities.read((em) => em.findOne(ServiceAccountEntity, { tokenHash }, plain))
    return row ? toStoredAccount(row) : undefined
  }

  async noteUse(id: string, at: number): Promise<void> {
    const isEarlier = { $or: [{ lastUsedAt: null }, { lastUsedAt: { $lt: at } }] }
    await this.entities.transaction((em) =>
      em.nativeUpdate(ServiceAccountEntity, { id, ...isEarlier }, { lastUsedAt: at }),
    )
  }
}

/** Whose accounts a caller may see; undefined when nobody's. */
function scopeOf({ scoped, userId }: Caller): ServiceAccountScope | undefined {
  if (!scoped) return {}
  return userId === undefined ? undefined : { userId }
}
