import type { JsonObject } from '../../../core/json.js'
import type { AppendUnit, Appended } from '../../../runs/run-repository.js'
import { TOKEN_KEYS } from '../session-row.js'
import { applyStatePatches } from '../state-patch.js'
import { ApprovalStatements } from './approval-statements.js'
import { AppendStatements, type WrittenRun } from './append-statements.js'
import type { NativeDatabase } from './native.js'
import { SegmentWriter } from './segment-store.js'
import { SessionLine } from './session-line.js'

/** Appends a segment to a run's log, as one unit, with what must be stored together with it. */
export class AppendSegment {
  private readonly statements: AppendStatements
  private readonly segments: SegmentWriter
  private readonly line: SessionLine
  private readonly approvals: ApprovalStatements

  constructor(database: NativeDatabase) {
    this.statements = new AppendStatements(database)
    this.segments = new SegmentWriter(database)
    this.line = new SessionLine(database)
    this.approvals = new ApprovalStatements(database)
  }

  execute(unit: AppendUnit): Appended {
    const { runId, segment, end, body, snapshot, statePatches = [] } = unit
    // The conditions stand in the statement that writes the row: either they hold and it is written, or it is not.
    const run = end ? this.statements.end(unit, end.status) : this.statements.advance(unit)
    if (!run) return this.refuse(unit)
    this.segments.insert(runId, segment)
    if (snapshot !== undefined) this.segments.storeSnapshot(runId, segment.lastIndex, snapshot)
    if (body !== undefined) this.statements.storeBody(run.seq, body, segment.lastIndex)
    if (statePatches.length > 0) this.patchState(run.session_id, unit)
    if (!end) return { outcome: 'committed' }
    if (end.closesApprovals) this.approvals.cancel(runId, unit.at)
    this.approvals.insertAll(end.approval && [end.approval], end.deliveries)
    if (unit.replaces !== undefined && end.status === 'completed') this.supersede(unit.replaces, unit.at)
    return { outcome: 'committed', next: this.endLeg(run, unit, end) }
  }

  /** A run that waited waits no more: there is nothing to approve for it. */
  private supersede(runId: string, at: number): void {
    if (this.statements.supersede(runId, at)) this.approvals.cancel(runId, at)
  }

  private patchState(sessionId: string, { statePatches = [], at }: AppendUnit): void {
    const text = this.statements.state(sessionId)
    if (text === undefined) return
    const state = JSON.parse(text) as JsonObject
    applyStatePatches(state, statePatches)
    this.statements.storeState(sessionId, JSON.stringify(state), at)
  }

  /** Adds up what the leg has used, and hands the session over when the run had it. */
  private endLeg(
    { session_id: sessionId }: WrittenRun,
    { runId, at }: AppendUnit,
    { usage }: NonNullable<AppendUnit['end']>,
  ): string | undefined {
    const active = this.statements.activeRun(sessionId)
    const had = active === runId
    const next = had ? this.line.next(sessionId, at) : undefined
    this.statements.closeLeg(
      TOKEN_KEYS.map((key) => usage[key] ?? 0),
      had ? (next ?? null) : (active ?? null),
      at,
      sessionId,
    )
    return next
  }

  /** Why nothing was written. */
  private refuse({ runId, segment, end }: AppendUnit): Appended {
    const standing = this.statements.standing(runId)
    if (!standing) return { outcome: 'lease_lost' }
    if (this.segments.has(runId, segment)) {
      // Whoever asks again has not heard to whom the session went.
      const next = end && standing.active_status === 'pending' ? standing.active_run_id : null
      return { outcome: 'committed', next: next ?? undefined }
    }
    const isCurrent = standing.attempt === segment.attempt
    const isOpen =
      standing.status === 'running' || (end !== undefined && ['pending', 'paused'].includes(standing.status))
    if (!isCurrent || !isOpen) return { outcome: 'lease_lost' }
    if (standing.cancel_requested_at !== null && end?.status !== 'cancelled') return { outcome: 'cancel_requested' }
    throw new Error(
      `The segment of run ${runId} from index ${segment.firstIndex} on does not follow index ${standing.last_index}.`,
    )
  }
}
