import type { ApprovalGate } from '../approvals/approval-gate.js'
import type { AccessPolicy } from '../core/access.js'
import type { Bound } from '../core/caller.js'
import type { Logger } from '../core/logger.js'
import type { Databases } from '../database/databases.js'
import type { Catalog } from '../runs/catalog.js'
import type { Runs } from '../runs/run-manager.js'
import type { SessionStore } from '../sessions/session-store.js'
import type { ServiceAccounts } from '../service-accounts/service-accounts.js'
import type { TokenDescription } from './openapi.js'
import { routesFor } from './route.js'

/** A database, as far as clients see it. */
export interface ServedDatabase {
  readonly id: string
  readonly tables: { readonly sessions: string }
  check(): Promise<{ ready: boolean; reason?: string }>
}

/** The AgentOS that answers: what it is called, and what it is made of. */
export interface ServerDescription {
  readonly id: string
  readonly name?: string
  readonly description?: string
  readonly version: string
  /** ISO 8601. */
  readonly startedAt: string
  readonly catalog: Catalog
  /** Its own, where runs and sessions are. */
  readonly database: ServedDatabase
  /** Those that it looks after besides. */
  readonly furtherDatabases: readonly ServedDatabase[]
  /** Gets what goes wrong after an answer has begun. */
  readonly logger: Logger
  readonly authMode: 'none' | 'security_key' | 'jwt'
  /** Where tokens are looked for. Default: as a bearer. */
  readonly tokens?: TokenDescription
  /** What callers may do. */
  readonly access: AccessPolicy
  /** Whether callers can be told from each other: false while the keys of their tokens can't be read. */
  checkAuth?(): Promise<{ ready: boolean; reason?: string }>
  /** Spells answers as clients of the origin expect them. */
  readonly compatibility?: 'agno'
}

/** What can be asked of all databases. */
export type ManagedDatabases = Pick<Databases, 'status' | 'migrate' | 'migrateAll'>

/** What handlers work with, bound to the caller of the request. */
export interface Services {
  readonly runs: Runs
  readonly sessions: Bound<SessionStore>
  readonly approvals: Bound<ApprovalGate>
  readonly serviceAccounts: Bound<ServiceAccounts>
  /** Nobody's in particular: scopes say who may. */
  readonly databases: ManagedDatabases
  readonly server: ServerDescription
}

/** The `route()` of all route files. */
export const route = routesFor<Services>()
