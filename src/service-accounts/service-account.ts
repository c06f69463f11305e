import { z } from 'zod'
import { CallerChosenId, Timestamp } from '../core/schema.js'

/** What a token may do when its minter says nothing else. */
export const DEFAULT_SCOPES = ['agents:run', 'teams:run', 'workflows:run', 'sessions:read', 'config:read'] as const

/** Days that a token lives when its minter says nothing else. */
export const DEFAULT_LIFE_DAYS = 90

/** A scope of a token, taken apart for display. */
export const ScopeInfo = z
  .object({
    id: z.null(),
    /** As it was granted. */
    raw: z.string(),
    /** What it is about: `agents`. */
    namespace: z.string(),
    /** The component that it names, or `*`. */
    subNamespace: z.string().nullable(),
    /** What it lets its holder do: `run`. */
    permission: z.string(),
    value: z.literal('allow'),
  })
  .meta({ id: 'ScopeInfo' })
export type ScopeInfo = z.infer<typeof ScopeInfo>

const Scope = CallerChosenId(500)
const ScopeItem = z.union([Scope, z.object({ scope: Scope, effect: z.literal('allow').optional() })])

/** A machine's identity. What its token does, it does as `principal`. */
export const ServiceAccount = z
  .object({
    id: z.string(),
    name: z.string(),
    /** `sa:` and the name: the `userId` of all that the token does. */
    principal: z.string(),
    /** Whose account it is: the caller that has minted it; `null` for the host itself. */
    userId: z.string().nullable(),
    /** The first 16 characters of the token, to tell tokens apart. */
    tokenPrefix: z.string(),
    scopes: z.array(ScopeInfo),
    createdAt: Timestamp,
    /** `null`: never. */
    expiresAt: Timestamp.nullable(),
    /** Written at most once a minute by each process. */
    lastUsedAt: Timestamp.nullable(),
    revokedAt: Timestamp.nullable(),
    createdBy: z.string().nullable(),
  })
  .meta({ id: 'ServiceAccount' })
export type ServiceAccount = z.infer<typeof ServiceAccount>

/** A new account with its token, which is told this once. */
export const MintedServiceAccount = ServiceAccount.extend({ token: z.string() }).meta({ id: 'ServiceAccountCreated' })
export type MintedServiceAccount = z.infer<typeof MintedServiceAccount>

const life = {
  /** Days from now. */
  expiresInDays: z.number().int().min(1).max(3650),
  /** Wins over `expiresInDays`. */
  neverExpires: z.boolean(),
}

/** What `serviceAccounts.mint()` takes. */
export const MintServiceAccount = z.object({
  /** Stands in the `userId` of all that the token does, so it is plain. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, {
    error: 'must be 1 to 63 of a-z, 0-9, "_" and "-", and begin with a letter or a digit',
  }),
  /** Strings, or objects `{ scope }`. An empty list makes a token that can do nothing. */
  scopes: z
    .array(ScopeItem)
    .max(200)
    .default([...DEFAULT_SCOPES]),
  expiresInDays: life.expiresInDays.default(DEFAULT_LIFE_DAYS),
  neverExpires: life.neverExpires.default(false),
  /** Must be true to grant an action `write` or `delete`, anything on service accounts, or the admin scope. */
  allowPrivilegedScopes: z.boolean().default(false),
})
export type MintServiceAccount = z.input<typeof MintServiceAccount>

/** What `serviceAccounts.rotate()` takes. Without any of it, the new token lives as long as the old one was to. */
export const RotateServiceAccount = z.object({
  expiresInDays: life.expiresInDays.optional(),
  neverExpires: life.neverExpires.optional(),
})
export type RotateServiceAccount = z.input<typeof RotateServiceAccount>

export const SERVICE_ACCOUNT_SORT_KEYS = ['created_at', 'name', 'last_used_at', 'expires_at'] as const
const SORT_ORDERS = ['asc', 'desc'] as const

/** What `serviceAccounts.list()` takes. What has no value to sort by comes last, in both orders. */
export const ListServiceAccounts = z.object({
  includeRevoked: z.boolean().default(true),
  sortBy: z.enum(SERVICE_ACCOUNT_SORT_KEYS).default('created_at'),
  sortOrder: z.enum(SORT_ORDERS).default('desc'),
  limit: z.number().int().min(1).max(1000).default(20),
  page: z.number().int().min(1).max(10_000).default(1),
  cursor: z.string().optional(),
})
export type ListServiceAccounts = z.input<typeof ListServiceAccounts>
