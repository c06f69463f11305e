import type { Caller } from '../core/caller.js'
import type { Page } from '../core/page.js'
import type { ListServiceAccounts } from './service-account.js'
import type { z } from 'zod'

/** A service account as it is stored. Times are in milliseconds. */
export interface StoredServiceAccount {
  id: string
  name: string
  /** Its owner. */
  userId?: string
  /** SHA-256 of the token, in hexadecimal digits. The token itself is nowhere. */
  tokenHash: string
  tokenPrefix: string
  scopes: string[]
  createdAt: number
  expiresAt?: number
  lastUsedAt?: number
  revokedAt?: number
  createdBy?: string
}

export type ServiceAccountFilter = z.output<typeof ListServiceAccounts>

/** What service accounts need stored. An account that the caller may not see does not exist for it. */
export interface ServiceAccountRepository {
  /**
   * Stores a new account. One unit: of any number of accounts with one name, one is there and not revoked.
   *
   * @param replaced the account that is revoked by the same unit.
   * @throws ConflictError `SERVICE_ACCOUNT_EXISTS` when an account of this name is there that is not revoked, whoever's
   *   it is; `SERVICE_ACCOUNT_NAME_TAKEN` when the caller is no admin and somebody else has had the name: what that
   *   principal has stored is not the caller's.
   */
  create(caller: Caller, account: StoredServiceAccount, replaced?: string): Promise<void>
  get(caller: Caller, id: string): Promise<StoredServiceAccount | undefined>
  /** In the wanted order, what has no value last; the id breaks ties. */
  list(caller: Caller, filter: ServiceAccountFilter): Promise<Page<StoredServiceAccount>>
  /** Marks the account as revoked, once. False when it is not there. */
  revoke(caller: Caller, id: string, at: number): Promise<boolean>
  /** The account of a token, revoked and expired ones too: who asks has no caller yet. */
  findByTokenHash(tokenHash: string): Promise<StoredServiceAccount | undefined>
  /** Notes a use, unless a later one is noted. */
  noteUse(id: string, at: number): Promise<void>
}
