import type { StoredApproval } from '../approvals/approval-repository.js'
import type { StatePatch } from '../agents/log/entry.js'
import type { TokenCounts } from '../agents/log/metrics.js'
import type { RunStatus } from '../agents/log/run-record.js'
import type { ComponentKind } from '../agents/log/source.js'
import type { Concurrency, ReceivedEvent, SentEvent } from '../agents/runnable.js'
import type { Caller } from '../core/caller.js'
import type { JsonObject } from '../core/json.js'
import type { Slice } from '../core/page.js'
import type { Delivery } from '../webhooks/delivery.js'

/** What is run, and by which name it was known when the run was accepted. */
export interface ComponentRef {
  kind: ComponentKind
  id: string
  name: string
  /** Of a stored component. */
  version?: number
}

/** A component of this process. */
export type ComponentId = Pick<ComponentRef, 'kind' | 'id'>

/** How the client of a run waits for it, which decides what its going away means. */
export type RunMode = 'plain' | 'stream' | 'background'

/** The row beside a run's log: small facts of its state. */
export interface RunHead {
  /** Rises with each accepted run of the database; breaks ties and pages lists. */
  seq: number
  runId: string
  sessionId: string
  userId?: string
  parentRunId?: string
  /** The run in whose log this one's entries are; undefined for a run with a log of its own. */
  rootRunId?: string
  component: ComponentRef
  mode: RunMode
  status: RunStatus
  /** 0 while no process has executed the run. */
  attempt: number
  /** The process that executes the run, or did last. */
  executorId?: string
  /** Index of the last event; -1 before the first. */
  lastIndex: number
  /** Milliseconds, as all times here. */
  createdAt: number
  updatedAt: number
  cancelRequestedAt?: number
}

/** A run as it is stored. */
export interface StoredRun {
  head: RunHead
  /** JSON text that the run was accepted with: input, options and caller. */
  request: string
  /** JSON text of the record, as of the end of the last leg. */
  body?: string
  /** Index of the last event that `body` holds. */
  bodyIndex?: number
}

/** Consecutive entries of a log, committed at once. */
export interface Segment {
  firstIndex: number
  lastIndex: number
  attempt: number
  /** Version of the format of `entries`. */
  format: number
  /** JSON text of a list with one element per index. */
  entries: string
}

/** What a log comes to up to an index, told as what has changed since the snapshot before. */
export interface StoredSnapshot {
  /** Index of the last event that it holds. */
  lastIndex: number
  /** JSON text. */
  text: string
}

/** What a new run asks to be stored, all of it or nothing. */
export interface AcceptUnit {
  run: {
    runId: string
    sessionId: string
    userId?: string
    parentRunId?: string
    component: ComponentRef
    mode: RunMode
    request: string
    createdAt: number
    /** Higher first, between sessions. */
    priority?: number
    /** Not before this time. */
    runAfter?: number
  }
  /** What the session becomes when it does not exist yet. */
  newSession: { name: string; state: JsonObject }
  concurrency: Concurrency
  /** The process that waits for the run's turn and executes it; of a deferred run, whoever begins it. */
  executorId: string
  /**
   * The run that this one is a fork of, which must be there. A fork starts at once: it takes the session where that is
   * free, and else runs beside whoever has it.
   */
  forkOf?: string
  /** Leaves the run `pending` though it could start: a process that has room begins it. */
  deferred?: boolean
  /** Written when the run can start at once. */
  firstSegment: Segment
  idempotency?: { scope: string; key: string; fingerprint: string; expiresAt: number }
  /** Pending runs over all sessions from which on a further one is refused. */
  maxPending: number
  /** Records of decisions that a fork goes on with. */
  audits?: readonly StoredApproval[]
  /** What is to be posted. */
  deliveries?: readonly Delivery[]
}

export type Accepted =
  /** The run has the session (or stands beside it), is `running` in its first attempt, and its first segment is stored. */
  | { outcome: 'running'; seq: number; isNewSession: boolean }
  /** The run waits for its turn. `interrupted` are the earlier runs that it asked to be cancelled. */
  | { outcome: 'pending'; seq: number; isNewSession: boolean; interrupted: string[] }
  /** The same request was accepted before, as this run. */
  | { outcome: 'repeated'; runId: string }

/** A segment on its way, with what must be stored together with it. */
export interface AppendUnit {
  runId: string
  segment: Segment
  at: number
  /** Rows of the runs inside of this one that the segment begins, or moves on. */
  nested?: readonly NestedRow[]
  /** Changes of the session's state, in order. */
  statePatches?: readonly StatePatch[]
  /** The record as of this segment, JSON text. Given with every end. */
  body?: string
  /** What the log comes to with this segment, JSON text; those that earlier segments brought stay. */
  snapshot?: string
  /** With an end as `completed`: this ended or paused run is superseded, and becomes `regenerated`. */
  replaces?: string
  /** This segment ends the leg. */
  end?: {
    status: 'paused' | 'completed' | 'cancelled' | 'error'
    usage: TokenCounts
    /** Of a pause: when the run goes on by itself at the latest, in milliseconds. */
    wakeAt?: number
    /** What the run waits for from now on. */
    approval?: StoredApproval
    /** The run has had approvals: one that is pending ends with it. */
    closesApprovals?: boolean
    /** What is to be posted. */
    deliveries?: readonly Delivery[]
  }
}

/** The row of a run inside of another: nothing is executed by it, it tells how far that run is. */
export interface NestedRow {
  runId: string
  parentRunId: string
  component: ComponentRef
  /** JSON text of what it was accepted with; it is stored with the first row. */
  request: string
  createdAt: number
  status: RunStatus
  /** Index of its last event in the log. */
  lastIndex: number
  /** JSON text of its record, at the ends of its legs. */
  body?: string
}

export type Appended =
  /** `next` is the run to which the session was handed over; it is `pending` until {@link RunRepository.begin}. */
  | { outcome: 'committed'; next?: string }
  /** Another attempt executes the run, or the run is at its end. Nothing was stored. */
  | { outcome: 'lease_lost' }
  /** Since somebody asked to cancel the run, only the segment that ends it as `cancelled` is taken. Nothing was stored. */
  | { outcome: 'cancel_requested' }

/** What a run starts from. */
export interface SessionWindow {
  state: JsonObject
  /** The last finished runs of the session, oldest first: ids and JSON texts of their records. */
  runs: { runId: string; body: string }[]
}

/** A new leg of a run that has paused or failed. */
export interface ReopenUnit {
  runId: string
  /** The attempt that ended the leg before. */
  attempt: number
  executorId: string
  /** How whoever continues the run waits for it. */
  mode: RunMode
  /** JSON text of the request, where the new leg has changed it. */
  request?: string
  /** Begins the new leg; its attempt is the next one. */
  segment: Segment
  at: number
  /** The run goes on with what its approvals have decided. */
  appliesApprovals?: boolean
  /** Records of decisions, already closed. */
  audits?: readonly StoredApproval[]
  /** What is to be posted. */
  deliveries?: readonly Delivery[]
}

export interface RunFilter {
  componentKind?: ComponentRef['kind']
  componentId?: string
  sessionId?: string
  userId?: string
  statuses?: readonly RunStatus[]
  /** Milliseconds, inclusive. */
  createdAfter?: number
  createdBefore?: number
  /** Without runs that another run has started. Default false. */
  topLevelOnly?: boolean
  limit: number
  /** From `nextCursor` of an earlier slice. */
  cursor?: string
}

/**
 * What the run log needs stored. Units that arrive in the same tick may be committed together, but each succeeds or
 * fails alone. A run that the caller may not see does not exist for it.
 */
export interface RunRepository {
  /**
   * Stores a new run: its row, its session where that is new, its idempotency key, its place in the session's line,
   * and its first segment when it can start at once.
   *
   * @throws ConflictError `RUN_EXISTS`, `SESSION_BUSY` (concurrency `reject`), `SESSION_COMPONENT_MISMATCH`,
   *   `IDEMPOTENCY_KEY_REUSED`
   * @throws NotFoundError `SESSION_NOT_FOUND` when the session is there and not the caller's; `RUN_NOT_FOUND` when
   *   `forkOf` is not there.
   * @throws TooManyRequestsError `QUEUE_FULL`
   */
  accept(caller: Caller, unit: AcceptUnit): Promise<Accepted>

  /**
   * Starts a pending run whose turn it is: `running`, next attempt, first segment. False when it is not pending any
   * more, or not its turn.
   */
  begin(runId: string, executorId: string, segment: Segment, at: number): Promise<boolean>

  /**
   * Appends a segment of the current attempt, which `segment.attempt` names. A segment that is stored already, by the
   * same attempt with the same entries, counts as committed now. With `end`, it stores the record and what comes with it (an approval, deliveries), adds to the
   * session's token counts, and hands the session over to its next pending run that is due.
   */
  append(unit: AppendUnit): Promise<Appended>

  /**
   * Marks a run that has not ended as to be cancelled, and tells its state; a mark that is there already stays.
   * Undefined when the caller sees no such run.
   */
  requestCancel(caller: Caller, runId: string, at: number): Promise<RunHead | undefined>

  /**
   * Makes this process the run's executor with the next attempt, when `attempt` is still the current one and the run
   * has not ended. What the old attempt appends from then on is refused. Undefined when somebody was faster.
   */
  takeOver(runId: string, attempt: number, executorId: string, at: number): Promise<StoredRun | undefined>

  /**
   * Opens a new leg of a paused or failed run: `running`, next attempt, first segment. It takes the session where that
   * is free, and else runs beside whoever has it. False when somebody was faster, or the run is to be cancelled.
   */
  reopen(unit: ReopenUnit): Promise<boolean>

  /** Says that a process lives, for so many milliseconds from now, by the clock of the storage. */
  renewLease(executorId: string, leaseMs: number): Promise<void>

  /** Takes back that a process lives. */
  endLease(executorId: string): Promise<void>

  /**
   * Takes over runs of these components that are running and whose process has no lease any more: next attempt, this
   * process. Never those of the process itself.
   */
  takeLapsed(executorId: string, components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]>

  /**
   * Pending runs of these components that any process may begin now, higher priority first, then in order of
   * acceptance: in the background, or accepted by a process that has no lease any more.
   */
  due(executorId: string, components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]>

  /**
   * Says that somebody reads the streams of these runs, for so many milliseconds from now, by the clock of the storage.
   * Of ids that are none of a pending or running run in mode `stream`, it does nothing; a later time that was said
   * before stays.
   */
  keepFollowed(runIds: readonly string[], forMs: number): Promise<void>

  /** Milliseconds for which a run is still followed, by the clock of the storage; 0 when nobody says so (any more). */
  followedFor(runId: string): Promise<number>

  /**
   * As `due`, to be quick. Where the storage tells processes apart, each run is given to one of them only, and some may
   * be left out: of those, `due` tells.
   */
  nextDue(executorId: string, components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]>

  /** Pending and running runs that a process has in its name, and that nothing has happened to since a time. */
  heldBy(executorId: string, before: number, limit: number): Promise<StoredRun[]>

  /** Ids of runs that were to be cancelled before a time, and have not ended since. */
  cancelOverdue(before: number, limit: number): Promise<string[]>

  /** One run. */
  get(caller: Caller, runId: string): Promise<StoredRun | undefined>

  /** Runs, newest first in the database and oldest first in the answer: the newest `limit` ones before the cursor. */
  list(caller: Caller, filter: RunFilter): Promise<Slice<StoredRun>>

  /** Segments that hold an index from `fromIndex` on, in order, at most `limit` of them. */
  segments(runId: string, fromIndex: number, limit: number): Promise<Segment[]>

  /**
   * The snapshots of a run's log that appends have brought, in order, but for those that hold an index after `upTo`
   * (which may be infinite). None when there is no such run.
   */
  snapshots(runId: string, upTo: number): Promise<StoredSnapshot[]>

  /**
   * State of a session and its last runs that a model may see (completed or cancelled, not hidden, not nested), but for
   * the run itself and those accepted after it.
   */
  window(sessionId: string, beforeSeq: number, limit: number): Promise<SessionWindow | undefined>

  /**
   * Stores an event for a run that has not ended, and has it looked at soon: as `toWake` tells. `repeated` when there is
   * one with this id; undefined when the caller sees no such run.
   */
  sendEvent(
    caller: Caller,
    runId: string,
    event: SentEvent,
    at: number,
  ): Promise<'accepted' | 'repeated' | 'ended' | undefined>

  /** Events that were sent to a run, oldest first; `after`: those after this place only. */
  receivedEvents(runId: string, after: number): Promise<ReceivedEvent[]>

  /** Paused runs of these components that are to go on by themselves by now, or that an event was sent to. */
  toWake(components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]>

  /**
   * Sets when a paused run is to be looked at next; undefined for never. Nothing changes when it has another attempt by
   * now, or events after the place `seenUpTo`.
   */
  postponeWake(runId: string, attempt: number, wakeAt: number | undefined, seenUpTo?: number): Promise<void>

  /** Ids of pending and running runs of a session, in order of acceptance. */
  active(sessionId: string): Promise<string[]>
}
