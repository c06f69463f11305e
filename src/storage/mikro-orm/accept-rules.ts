import type { Caller } from '../../core/caller.js'
import { ConflictError, NotFoundError, TooManyRequestsError } from '../../core/errors.js'
import type { AcceptUnit } from '../../runs/run-repository.js'

/** What a session's row says to a run that wants in. */
export interface SessionLineRow {
  type: string
  user_id: string | null
  component_id: string | null
  name: string
  active_run_id: string | null
}

/** Where a new run comes to stand. */
export interface Place {
  status: 'running' | 'pending'
  /** It has the session: `active_run_id` is set to it. */
  takesSession: boolean
  /** Earlier runs of the session are asked to end. */
  interrupts: boolean
}

/** What is looked at only where the place of a run hangs on it. */
export interface LineLook {
  /** Whether a pending run of the session is due. */
  hasNext(): boolean
  /** Whether a run of the session is pending or running. */
  hasActive(): boolean
}

/** Where a new run comes to stand, in every dialect; undefined when it takes no place behind others. */
export function placeOf(
  { run, concurrency, forkOf }: AcceptUnit,
  session: SessionLineRow | undefined,
  line: LineLook,
): Place | undefined {
  const { runAfter, createdAt } = run
  const waits = { status: 'pending', takesSession: false, interrupts: false } as const
  if (runAfter !== undefined && runAfter > createdAt) return waits
  if (forkOf !== undefined) {
    return { status: 'running', takesSession: session?.active_run_id === null, interrupts: false }
  }
  if (concurrency === 'allow') return { status: 'running', takesSession: false, interrupts: false }
  const interrupts = concurrency === 'interrupt' || concurrency === 'rollback'
  const isFree = !session || (session.active_run_id === null && !line.hasNext())
  if (isFree) {
    // Runs beside the line are to end first. The session is held for this run meanwhile: its turn has come.
    const holds = interrupts && session !== undefined && line.hasActive()
    return { status: holds ? 'pending' : 'running', takesSession: true, interrupts: holds }
  }
  return concurrency === 'reject' ? undefined : { ...waits, interrupts }
}

export function refuseForeign(caller: Caller, { run, forkOf }: AcceptUnit, session: SessionLineRow): void {
  const { sessionId, component, userId } = run
  const isHidden = caller.scoped && (session.user_id === null || session.user_id !== caller.userId)
  // Whoever acts for a user gets what that user would: else a session id that a user has told its backend would show it
  // what another has said there.
  const actsForUser = userId !== undefined && userId !== caller.userId && forkOf === undefined
  if (isHidden || (actsForUser && session.user_id !== null && session.user_id !== userId)) {
    throw new NotFoundError('SESSION_NOT_FOUND', `There is no session "${sessionId}".`)
  }
  const isOther = session.component_id !== null && session.component_id !== component.id
  if (!isOther && session.type === component.kind) return
  throw new ConflictError(
    'SESSION_COMPONENT_MISMATCH',
    `Session "${sessionId}" belongs to ${session.type}${session.component_id === null ? 's' : ` "${session.component_id}"`}, ` +
      `not to ${component.kind} "${component.id}". Use another session.`,
  )
}

export function runNotFound(runId: string): NotFoundError {
  return new NotFoundError('RUN_NOT_FOUND', `There is no run "${runId}".`)
}

export function runExists(runId: string): ConflictError {
  return new ConflictError('RUN_EXISTS', `There is a run "${runId}" already.`)
}

export function sessionBusy(sessionId: string): ConflictError {
  return new ConflictError('SESSION_BUSY', `Session "${sessionId}" is busy with another run.`)
}

export function keyReused(key: string): ConflictError {
  return new ConflictError(
    'IDEMPOTENCY_KEY_REUSED',
    `The Idempotency-Key "${key}" came with another request before. Send a new key with a new request.`,
  )
}

export function queueFull(max: number): TooManyRequestsError {
  return new TooManyRequestsError('QUEUE_FULL', `${max} runs are waiting already. Try again later.`, 1)
}
