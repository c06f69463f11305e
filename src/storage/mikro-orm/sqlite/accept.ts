import type { Caller } from '../../../core/caller.js'
import type { AcceptUnit, Accepted } from '../../../runs/run-repository.js'
import {
  placeOf,
  refuseForeign,
  runExists,
  runNotFound,
  sessionBusy,
  type Place,
  type SessionLineRow,
} from '../accept-rules.js'
import { ApprovalStatements } from './approval-statements.js'
import { AcceptStatements } from './accept-statements.js'
import { IdempotencyKeys } from './idempotency-keys.js'
import type { NativeDatabase } from './native.js'
import { PendingLimit } from './pending-limit.js'
import { SegmentWriter } from './segment-store.js'
import { SessionLine } from './session-line.js'

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

  private placeOf(unit: AcceptUnit, session: SessionLineRow | undefined): Place {
    const { sessionId, runId, createdAt } = unit.run
    const place = placeOf(unit, session, {
      hasNext: () => this.line.next(sessionId, createdAt) !== undefined,
      hasActive: () => this.statements.hasActive(sessionId),
    })
    if (place) return place
    throw this.statements.runIsThere(runId) ? runExists(runId) : sessionBusy(sessionId)
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
