import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

const milliseconds = () => p.bigint('number')

/** A machine's identity, with the hash of its token. Only `lastUsedAt` and, once, `revokedAt` change. */
export const ServiceAccountEntity = defineEntity({
  name: 'ServiceAccount',
  tableName: 'agentos_service_accounts',
  properties: {
    id: p.text().primary(),
    name: p.text(),
    /** The owner; null for the host. */
    userId: p.text().nullable(),
    tokenHash: p.text().unique('agentos_service_accounts_token'),
    tokenPrefix: p.text(),
    /** A JSON list. */
    scopes: p.text(),
    createdAt: milliseconds(),
    expiresAt: milliseconds().nullable(),
    lastUsedAt: milliseconds().nullable(),
    revokedAt: milliseconds().nullable(),
    createdBy: p.text().nullable(),
  },
  indexes: [
    // Unique, over rows that are not revoked: the migrations say so.
    { name: 'agentos_service_accounts_active', properties: ['name'] },
    { name: 'agentos_service_accounts_name', properties: ['name', 'id'] },
    { name: 'agentos_service_accounts_created', properties: ['createdAt', 'id'] },
    { name: 'agentos_service_accounts_used', properties: ['lastUsedAt', 'id'] },
    { name: 'agentos_service_accounts_expiry', properties: ['expiresAt', 'id'] },
    { name: 'agentos_service_accounts_user', properties: ['userId', 'createdAt', 'id'] },
  ],
})
export type ServiceAccountRow = InferEntity<typeof ServiceAccountEntity>
