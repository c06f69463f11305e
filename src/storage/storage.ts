import type { ApprovalRepository } from '../approvals/approval-repository.js'
import type { RetentionRepository } from '../database/retention-repository.js'
import type { SchemaRepository } from '../database/schema-repository.js'
import type { RateLimiter } from '../core/rate-limiter.js'
import type { EventBus } from '../runs/event-bus.js'
import type { MediaRepository } from '../runs/media-repository.js'
import type { RunRepository } from '../runs/run-repository.js'
import type { ServiceAccountRepository } from '../service-accounts/service-account-repository.js'
import type { SessionRepository } from '../sessions/session-repository.js'
import type { WebhookRepository } from '../webhooks/webhook-repository.js'

/** The names of the tables that a database shows to clients. */
export interface TableNames {
  sessions: string
}

/**
 * Where everything is kept. It gathers the ports that the features declare. Making one opens nothing; the first use
 * does, and brings the schema up to date.
 */
export interface Storage {
  /** The database's id in the API. */
  readonly id: string
  readonly tables: TableNames
  readonly runs: RunRepository
  readonly sessions: SessionRepository
  readonly media: MediaRepository
  readonly approvals: ApprovalRepository
  readonly webhooks: WebhookRepository
  readonly serviceAccounts: ServiceAccountRepository
  readonly retention: RetentionRepository
  /** Can be used whatever the schema is; everything else needs one for this code. */
  readonly schema: SchemaRepository
  /** Counts what callers use, for all processes on the database. Where there is none, each process counts by itself. */
  readonly rateLimiter?: RateLimiter
  /** Shared by all who use the same database in this process. */
  readonly events: EventBus
  /** Whether the database answers and its schema is one for this code. */
  check(): Promise<{ ready: boolean; reason?: string }>
  /** Waits for what is under way and lets go of the database. Others in this process that use it keep it. */
  close(): Promise<void>
}
