import type { TokenCounts } from '../../../agents/log/metrics.js'
import type { JsonObject } from '../../../core/json.js'
import type { AppendUnit, Appended } from '../../../runs/run-repository.js'
import { TOKEN_COLUMNS, TOKEN_KEYS } from '../session-row.js'
import { applyStatePatches } from '../state-patch.js'
import { hasSegment } from './segments.js'
import type { RunRow, View } from './view.js'
import type { Unit, Wants } from './work.js'
import type { Writes } from './writes.js'

const SELECT_PENDING = {
  name: 'agentos_is_pending',
  text: `SELECT run_id FROM agentos_runs WHERE run_id = $1 AND status = 'pending'`,
}

// An event that has come meanwhile has the run looked at before that.
const SET_WAKE = {
  name: 'agentos_set_wake',
  text: 'UPDATE agentos_runs SET wake_at = least(coalesce(wake_at, $2), $2) WHERE seq = $1',
}

const OPEN = new Set(['running', 'pending', 'paused'])
const REPLACEABLE = new Set(['completed', 'error', 'paused'])

/** Appends a segment to a run's log, as one unit, with what must be stored together with it. */
export class AppendSegment implements Unit<Appended> {
  readonly wants: Wants

  constructor(private readonly unit: AppendUnit) {
    const { runId, replaces, end, at, statePatches = [] } = unit
    this.wants = {
      sessionOf: runId,
      runIds: replaces === undefined ? [runId] : [runId, replaces],
      ...(end && { lineAt: at, ends: true }),
      state: statePatches.length > 0,
    }
  }

  async decide(view: View, writes: Writes): Promise<Appended> {
    const { runId, segment, end, body, at, replaces, snapshot, nested = [] } = this.unit
    const run = view.run(runId)
    if (!run || !this.mayAppend(run)) return this.refuse(view, run)
    writes.insertSegment(runId, segment)
    writes.updateRun(run, { status: end?.status ?? run.status, last_index: segment.lastIndex, updated_at: at })
    for (const row of nested) writes.upsertNested(run, row, at)
    if (snapshot !== undefined) writes.insertSnapshot(runId, segment.lastIndex, snapshot)
    if (body !== undefined) writes.updateTexts(run.seq, { body, body_index: segment.lastIndex })
    const next = this.updateSession(view, writes, run)
    if (!end) return { outcome: 'committed' }
    if (end.wakeAt !== undefined) writes.execute(SET_WAKE, [run.seq, end.wakeAt])
    if (end.closesApprovals) writes.cancelApprovals(runId, at)
    writes.insertAll(end.approval && [end.approval], end.deliveries)
    if (replaces !== undefined && end.status === 'completed') this.supersede(writes, view.run(replaces))
    return { outcome: 'committed', next }
  }

  private mayAppend({ attempt, last_index, status, cancel_requested_at }: RunRow): boolean {
    const { segment, end } = this.unit
    if (attempt !== segment.attempt || last_index !== segment.firstIndex - 1) return false
    if (!end) return status === 'running' && cancel_requested_at === null
    // Whoever took a pending or paused run over may end it, too: that is how it is cancelled.
    return OPEN.has(status) && (end.status === 'cancelled' || cancel_requested_at === null)
  }

  /** Patches the state, adds up what the leg has used, and hands the session over when the run had it. */
  private updateSession(view: View, writes: Writes, { session_id }: RunRow): string | undefined {
    const { runId, end, at, statePatches = [] } = this.unit
    const session = view.session(session_id)
    if (!session || (!end && statePatches.length === 0)) return undefined
    const had = end !== undefined && session.active_run_id === runId
    const next = had ? view.next(this) : undefined
    writes.updateSession({
      session_id,
      active_run_id: had ? (next ?? null) : session.active_run_id,
      updated_at: at,
      ...(statePatches.length > 0 && { state: this.patched(view.state(session_id) ?? '{}') }),
      ...(end && used(end.usage)),
    })
    return next
  }

  private patched(text: string): string {
    const state = JSON.parse(text) as JsonObject
    applyStatePatches(state, this.unit.statePatches ?? [])
    return JSON.stringify(state)
  }

  /** A run that waited waits no more: there is nothing to approve for it. */
  private supersede(writes: Writes, replaced: RunRow | undefined): void {
    if (!replaced || !REPLACEABLE.has(replaced.status)) return
    writes.updateRun(replaced, { status: 'regenerated', updated_at: this.unit.at })
    writes.cancelApprovals(replaced.run_id, this.unit.at)
  }

  /** Why nothing was written. */
  private async refuse(view: View, run: RunRow | undefined): Promise<Appended> {
    const { runId, segment, end } = this.unit
    if (!run) return { outcome: 'lease_lost' }
    if (await hasSegment(view.query, runId, segment)) {
      // Whoever asks again has not heard to whom the session went.
      const active = end && view.session(run.session_id)?.active_run_id
      const [next] = active == null ? [] : await view.query<{ run_id: string }>(SELECT_PENDING, [active])
      return { outcome: 'committed', next: next?.run_id }
    }
    const { status, attempt, cancel_requested_at } = run
    const isOpen = end ? OPEN.has(status) : status === 'running'
    if (attempt !== segment.attempt || !isOpen) return { outcome: 'lease_lost' }
    if (cancel_requested_at !== null && end?.status !== 'cancelled') return { outcome: 'cancel_requested' }
    throw new Error(
      `The segment of run ${runId} from index ${segment.firstIndex} on does not follow index ${run.last_index}.`,
    )
  }
}

function used(usage: TokenCounts): Record<string, number> {
  return Object.fromEntries(TOKEN_KEYS.map((key, index) => [TOKEN_COLUMNS[index]!, usage[key] ?? 0]))
}
