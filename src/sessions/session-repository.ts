import type { Caller } from '../core/caller.js'
import type { Page } from '../core/page.js'
import type { Session, SessionSummary, SessionType } from './session.js'

export interface SessionFilter {
  type?: SessionType
  componentId?: string
  userId?: string
  /** A part of the name, in any case; every character stands for itself. */
  name?: string
  sortBy: 'created_at' | 'updated_at' | 'session_name'
  sortOrder: 'asc' | 'desc'
  limit: number
  /** From 1; not together with `cursor`. */
  page: number
  cursor?: string
}

/** Columns that a change names; `null` clears. What is absent stays. */
export interface SessionChanges {
  name?: string | null
  state?: Record<string, unknown> | null
  metadata?: Record<string, unknown> | null
  summary?: SessionSummary | null
}

/** Narrows which session is meant; one that does not fit is not found. */
export interface SessionSelector {
  type?: SessionType
  userId?: string
}

/** What sessions need stored. A session that the caller may not see does not exist for it. */
export interface SessionRepository {
  /** @throws ConflictError `SESSION_EXISTS`, whoever's it is. */
  create(session: Session): Promise<void>
  get(caller: Caller, sessionId: string, selector?: SessionSelector): Promise<Session | undefined>
  list(caller: Caller, filter: SessionFilter): Promise<Page<Session>>
  /**
   * Writes the named columns and `updatedAt`, in one statement.
   *
   * @param options.ifUpdatedAt the `updatedAt` that the sender has seen.
   * @param options.heldState keys of the state that stay as they are stored, whatever the changes say.
   * @returns the session as it is now; undefined when it is not there.
   * @throws ConflictError `SESSION_CHANGED` when it is there, but not as the sender has seen it.
   */
  update(
    caller: Caller,
    sessionId: string,
    changes: SessionChanges,
    options: SessionSelector & { at: number; ifUpdatedAt?: number; heldState?: readonly string[] },
  ): Promise<Session | undefined>
  /**
   * Copies a session under a new id, with its ended runs and their logs under new ids (see `SessionCopy`), in one
   * transaction. Pending, running and paused runs stay behind.
   *
   * @returns how many runs were copied, nothing being written when there are none; undefined when the session is not
   *   there.
   */
  fork(
    caller: Caller,
    sessionId: string,
    newSessionId: string,
    options: SessionSelector & { at: number },
  ): Promise<number | undefined>
  /** Deletes sessions with their runs, logs and idempotency keys, all or none, and tells how many were the caller's. */
  delete(caller: Caller, sessionIds: readonly string[], selector?: SessionSelector): Promise<number>
}
