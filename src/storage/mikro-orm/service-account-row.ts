import type { StoredServiceAccount } from '../../service-accounts/service-account-repository.js'
import type { ServiceAccountRow } from './service-account.entity.js'

export function toServiceAccountRow(account: StoredServiceAccount): ServiceAccountRow {
  return {
    ...account,
    userId: account.userId ?? null,
    scopes: JSON.stringify(account.scopes),
    expiresAt: account.expiresAt ?? null,
    lastUsedAt: account.lastUsedAt ?? null,
    revokedAt: account.revokedAt ?? null,
    createdBy: account.createdBy ?? null,
  }
}

export function toStoredAccount(row: ServiceAccountRow): StoredServiceAccount {
  return {
    id: row.id,
    name: row.name,
    userId: row.userId ?? undefined,
    tokenHash: row.tokenHash,
    tokenPrefix: row.tokenPrefix,
    scopes: JSON.parse(row.scopes) as string[],
    createdAt: row.createdAt,
    expiresAt: row.expiresAt ?? undefined,
    lastUsedAt: row.lastUsedAt ?? undefined,
    revokedAt: row.revokedAt ?? undefined,
    createdBy: row.createdBy ?? undefined,
  }
}
