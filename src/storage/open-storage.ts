import type { RateLimiter } from '../core/rate-limiter.js'
import type { LinkedEventBus } from './linked-event-bus.js'
import type { Storage } from './storage.js'

/** What the features keep in a database. */
export type Repositories = Pick<
  Storage,
  'runs' | 'sessions' | 'media' | 'approvals' | 'webhooks' | 'serviceAccounts' | 'retention'
>

/** An open database, whatever its schema. Handles on the same one share it. */
export interface OpenStorage extends Repositories, Pick<Storage, 'schema'> {
  /** Whether {@link ready} has resolved, and nobody has migrated the database here since. */
  readonly isReady: boolean
  /**
   * Resolves when the schema is one for this code. With `auto` it brings the schema up to date, the first time. Until
   * it has resolved, only `schema` is to be used.
   *
   * @throws UnavailableError `NOT_READY`
   */
  ready(mode: 'auto' | 'check'): Promise<void>
  /** Resolves when the database answers and its schema, as it is, is one for this code. */
  check(): Promise<void>
  /** From now on, what is answered survives a loss of power. */
  makeDurable(): void
  /** Whether another process has written since this was asked last. Not there when no other process can. */
  hasForeignWrite?(): boolean
  /** Counts for all processes. Where it is missing, each counts by itself. */
  readonly rateLimiter?: RateLimiter
  /** Carries messages between this bus and those of other processes. Where it is missing, they poll. */
  linkTo?(bus: LinkedEventBus): void
  close(): Promise<void>
}
