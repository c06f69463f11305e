import type { NativeDatabase, Statement } from './native.js'

/** What decides whether it is a run's turn. */
export interface LineRow {
  run_id: string
  session_id: string
  status: string
  in_line: number
  run_after: number | null
  cancel_requested_at: number | null
  active_run_id: string | null
}

/** Columns and tables of {@link LineRow}. */
export const LINE_COLUMNS = `agentos_runs.run_id, agentos_runs.session_id, agentos_runs.status, agentos_runs.in_line,
  agentos_runs.run_after, agentos_runs.cancel_requested_at, agentos_sessions.active_run_id`
export const LINE_TABLES = 'agentos_runs JOIN agentos_sessions ON agentos_sessions.session_id = agentos_runs.session_id'

/**
 * The line of a session: `active_run_id` has it, pending runs that are due wait in the order of acceptance. Runs that
 * somebody has asked to cancel are passed over, for they will never begin.
 */
export class SessionLine {
  private readonly first: Statement<[sessionId: string, now: number], { run_id: string }>

  constructor(database: NativeDatabase) {
    // The condition on both states is that of the index.
    this.first = database.prepare(`SELECT run_id FROM agentos_runs
      WHERE session_id = ? AND status IN ('pending', 'running') AND status = 'pending' AND in_line = 1
        AND cancel_requested_at IS NULL AND (run_after IS NULL OR run_after <= ?)
      ORDER BY seq LIMIT 1`)
  }

  /** Who is next. */
  next(sessionId: string, now: number): string | undefined {
    return this.first.get(sessionId, now)?.run_id
  }

  /** Whether a run may begin: it was handed the session, or the session is free and it is next. */
  isTurn(row: LineRow, now: number): boolean {
    if (row.status !== 'pending' || row.cancel_requested_at !== null) return false
    if (row.in_line === 0) return row.run_after === null || row.run_after <= now
    if (row.active_run_id !== null) return row.active_run_id === row.run_id
    return this.next(row.session_id, now) === row.run_id
  }
}
