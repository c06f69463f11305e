import type { Caller } from '../../../core/caller.js'
import { ConflictError, NotFoundError } from '../../../core/errors.js'
import type { AcceptUnit, Accepted } from '../../../runs/run-repository.js'
import { ApprovalStatements } from './approval-statements.js'
import { AcceptStatements, type SessionLineRow } from './accept-statements.js'
import { IdempotencyKeys } from './idempotency-keys.js'
import type { NativeDatabase } from './native.js'
import { PendingLimit } from './pending-limit.js'
import { SegmentWriter } from './segment-store.js'
import { SessionLine } from './session-line.js'

/** Where a new run comes to stand. */
interface Place {
  status: 'running' | 'pending'
  /** It has the session: `active_run_id` is set to it. */
  takesSession: boolean
  /** Earlier runs of the session are asked to end. */
  interrupts: boolean
}

/** Takes in a new run, as one unit. Everything that can refuse it comes before the first write. */
export class AcceptRun {
  private readonly statements: AcceptStatements
  private readonly keys: IdempotencyKeys
  private readonly line: SessionLine
  private readonly pending: PendingLimit
  private readonly segments: SegmentWriter
  private readonly approvals: ApprovalStatements

  constructor(database: NativeDatabase) {
    this.statements = new AcceptStatements(database)
    this.keys = new IdempotencyKeys(database)
    this.line = new SessionLine(database)
    this.pending = new PendingLimit(database)
    this.segments = new SegmentWriter(database)
    this.approvals = new ApprovalStatements(database)
  }

  execute(caller: Caller, unit: AcceptUnit): Accepted {
    const { run, idempotency, firstSegment } = unit
    if (unit.forkOf !== undefined && !this.statements.runIsThere(unit.forkOf)) throw runNotFound(unit.forkOf)
    const repeated = idempotency && this.keys.find(idempotency, run.createdAt)
    if (repeated !== undefined) return { outcome: 'repeated', runId: repeated }

    const session = this.statements.session(run.sessionId)
    if (session) refuseForeign(caller, unit, session)
    const place = this.placeOf(unit, session)
    if (place.status === 'pending' || unit.deferred) this.refuseWhenFull(unit)

    const starts = place.status === 'running' && !unit.deferred
    const seq = this.statements.insertRun(unit, starts)
    if (seq === undefined) throw runExists(run.runId)
    if (session) this.statements.updateSession(unit, session, place.takesSession)
    else this.statements.insertSession(unit, place.takesSession)
    if (idempotency) this.keys.store(idempotency, run.runId, run.createdAt)
    if (starts) {
      this.segments.insert(run.runId, firstSegment)
      this.approvals.insertAll(unit.audits, unit.deliveries)
      return { outcome: 'running', seq, isNewSession: !session }
    }
    const interrupted = place.interrupts ? this.statements.interrupt(unit, seq) : []
    return { outcome: 'pending', seq, isNewSession: !session, interrupted }
  }

  private placeOf({ run, concurrency, forkOf }: AcceptUnit, session: SessionLineRow | undefined): Place {
    const { sessionId, runId, runAfter, createdAt } = run
    const waits = { status: 'pending', takesSession: false, interrupts: false } as const
    if (runAfter !== undefined && runAfter > createdAt) return waits
    if (forkOf !== undefined) {
      return { status: 'running', takesSession: session?.active_run_id === null, interrupts: false }
    }
    if (concurrency === 'allow') return { status: 'running', takesSession: false, interrupts: false }
    const interrupts = concurrency === 'interrupt' || concurrency === 'rollback'
    const isFree = !session || (session.active_run_id === null && this.line.next(sessionId, createdAt) === undefined)
    if (isFree) {
      // Runs beside the line are to end first. The session is held for this run meanwhile: its turn has come.
      const holds = interrupts && session !== undefined && this.statements.hasActive(sessionId)
      return { status: holds ? 'pending' : 'running', takesSession: true, interrupts: holds }
    }
    if (concurrency !== 'reject') return { ...waits, interrupts }
    if (this.statements.runIsThere(runId)) throw runExists(runId)
    throw new ConflictError('SESSION_BUSY', `Session "${sessionId}" is busy with another run.`)
  }

  private refuseWhenFull({ run, maxPending }: AcceptUnit): void {
    try {
      this.pending.check(maxPending)
    } catch (error) {
      if (this.statements.runIsThere(run.runId)) throw runExists(run.runId)
      throw error
    }
  }
}

function refuseForeign(caller: Caller, { run }: AcceptUnit, session: SessionLineRow): void {
  const { sessionId, component } = run
  if (caller.scoped && (session.user_id === null || session.user_id !== caller.userId)) {
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

function runNotFound(runId: string): NotFoundError {
  return new NotFoundError('RUN_NOT_FOUND', `There is no run "${runId}".`)
}

function runExists(runId: string): ConflictError {
  return new ConflictError('RUN_EXISTS', `There is a run "${runId}" already.`)
}
