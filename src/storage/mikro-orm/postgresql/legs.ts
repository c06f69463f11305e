import type { ReopenUnit, Segment } from '../../../runs/run-repository.js'
import { hasSegment } from './segments.js'
import type { RunRow, View } from './view.js'
import type { Unit, Wants } from './work.js'
import type { Writes } from './writes.js'

/** Starts a pending run whose turn it is. */
export class BeginRun implements Unit<boolean> {
  readonly wants: Wants

  constructor(
    private readonly runId: string,
    private readonly executorId: string,
    private readonly segment: Segment,
    private readonly at: number,
  ) {
    this.wants = { sessionOf: runId, runIds: [runId], lineAt: at }
  }

  async decide(view: View, writes: Writes, isRepeat: boolean): Promise<boolean> {
    const { runId, executorId, segment, at } = this
    const run = view.run(runId)
    if (isRepeat && run?.executor_id === executorId && (await hasSegment(view.query, runId, segment))) return true
    const session = run && view.session(run.session_id)
    if (!session || !this.isTurn(view, run, session.active_run_id)) return false
    const { lastIndex, attempt, firstIndex } = segment
    if (attempt !== run.attempt + 1 || firstIndex !== run.last_index + 1) return false
    writes.updateRun(run, {
      status: 'running',
      attempt,
      executor_id: executorId,
      last_index: lastIndex,
      updated_at: at,
    })
    if (run.in_line === 1 && session.active_run_id === null) takeSession(writes, run)
    writes.insertSegment(runId, segment)
    return true
  }

  private isTurn(view: View, run: RunRow, active: string | null): boolean {
    if (run.status !== 'pending' || run.cancel_requested_at !== null) return false
    if (run.in_line === 0) return run.run_after === null || run.run_after <= this.at
    if (active !== null) return active === run.run_id
    return view.next(this) === run.run_id
  }
}

const CLEAR_WAKE = { name: 'agentos_clear_wake', text: 'UPDATE agentos_runs SET wake_at = NULL WHERE seq = $1' }

/** Opens a new leg of a paused or failed run. */
export class ReopenRun implements Unit<boolean> {
  readonly wants: Wants

  constructor(private readonly unit: ReopenUnit) {
    this.wants = { sessionOf: unit.runId, runIds: [unit.runId] }
  }

  async decide(view: View, writes: Writes, isRepeat: boolean): Promise<boolean> {
    const { runId, attempt, executorId, mode, segment, at, request } = this.unit
    const run = view.run(runId)
    if (!run) return false
    if (isRepeat && run.executor_id === executorId && (await hasSegment(view.query, runId, segment))) return true
    const isOpen = run.status === 'paused' || run.status === 'error'
    if (!isOpen || run.cancel_requested_at !== null || run.root_run_id !== null) return false
    if (run.attempt !== attempt || run.last_index !== segment.firstIndex - 1) return false
    writes.updateRun(run, {
      status: 'running',
      attempt: segment.attempt,
      executor_id: executorId,
      mode,
      last_index: segment.lastIndex,
      updated_at: at,
    })
    if (view.session(run.session_id)?.active_run_id === null) takeSession(writes, run)
    writes.execute(CLEAR_WAKE, [run.seq])
    writes.insertSegment(runId, segment)
    if (request !== undefined) writes.updateTexts(run.seq, { request })
    if (this.unit.appliesApprovals) writes.applyApprovals(runId, at)
    writes.insertAll(this.unit.audits, this.unit.deliveries)
    return true
  }
}

/** The session's time stays as it is: nothing of what it shows has changed. */
function takeSession(writes: Writes, { session_id, run_id }: RunRow): void {
  writes.updateSession({ session_id, active_run_id: run_id, updated_at: 0 })
}
