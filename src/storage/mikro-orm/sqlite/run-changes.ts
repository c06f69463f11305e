import type { Caller } from '../../../core/caller.js'
import type { RunHead, Segment, StoredRun } from '../../../runs/run-repository.js'
import type { Bindable, NativeDatabase, Statement } from './native.js'
import { HEAD_COLUMNS, mayTouch, SELECT_STORED, toHead, toStoredRun, type HeadRow, type StoredRow } from '../run-row.js'
import { SegmentWriter } from './segment-store.js'
import { LINE_COLUMNS, LINE_TABLES, SessionLine, type LineRow } from './session-line.js'

interface BeginRow extends LineRow {
  attempt: number
  last_index: number
}

/** What happens to a run between its acceptance and its end, each as one unit. */
export class RunChanges {
  private readonly segments: SegmentWriter
  private readonly line: SessionLine
  private readonly selectForBegin: Statement<[string], BeginRow>
  private readonly beginRun: Statement<Bindable[], never>
  private readonly takeSession: Statement<[runId: string, sessionId: string], never>
  private readonly selectHead: Statement<[string], HeadRow>
  private readonly markCancel: Statement<[at: number, runId: string], never>
  private readonly changeExecutor: Statement<[executorId: string, at: number, runId: string, attempt: number], never>
  private readonly selectStored: Statement<[string], StoredRow>

  constructor(database: NativeDatabase) {
    this.segments = new SegmentWriter(database)
    this.line = new SessionLine(database)
    this.selectForBegin = database.prepare(`SELECT ${LINE_COLUMNS}, agentos_runs.attempt, agentos_runs.last_index
      FROM ${LINE_TABLES} WHERE agentos_runs.run_id = ?`)
    this.beginRun = database.prepare(`UPDATE agentos_runs
      SET status = 'running', attempt = ?, executor_id = ?, last_index = ?, updated_at = ? WHERE run_id = ?`)
    this.takeSession = database.prepare('UPDATE agentos_sessions SET active_run_id = ? WHERE session_id = ?')
    this.selectHead = database.prepare(`SELECT ${HEAD_COLUMNS} FROM agentos_runs WHERE run_id = ?`)
    this.markCancel = database.prepare(`UPDATE agentos_runs SET cancel_requested_at = ?
      WHERE run_id = ? AND status IN ('pending', 'running', 'paused') AND cancel_requested_at IS NULL
        AND root_run_id IS NULL`)
    this.changeExecutor = database.prepare(`UPDATE agentos_runs
      SET attempt = attempt + 1, executor_id = ?, updated_at = ?
      WHERE run_id = ? AND attempt = ? AND status IN ('pending', 'running', 'paused') AND root_run_id IS NULL`)
    this.selectStored = database.prepare(`${SELECT_STORED} WHERE agentos_runs.run_id = ?`)
  }

  begin(runId: string, executorId: string, segment: Segment, at: number): boolean {
    const row = this.selectForBegin.get(runId)
    if (!row || !this.line.isTurn(row, at)) return false
    if (segment.attempt !== row.attempt + 1 || segment.firstIndex !== row.last_index + 1) return false
    this.beginRun.run(segment.attempt, executorId, segment.lastIndex, at, runId)
    if (row.in_line === 1 && row.active_run_id === null) this.takeSession.run(runId, row.session_id)
    this.segments.insert(runId, segment)
    return true
  }

  requestCancel(caller: Caller, runId: string, at: number): RunHead | undefined {
    const row = this.selectHead.get(runId)
    // One inside of another ends with that one, and only with it.
    if (!row || !mayTouch(caller, row) || row.root_run_id !== null) return undefined
    if (this.markCancel.run(at, runId).changes === 0) return toHead(row)
    return toHead({ ...row, cancel_requested_at: at })
  }

  takeOver(runId: string, attempt: number, executorId: string, at: number): StoredRun | undefined {
    if (this.changeExecutor.run(executorId, at, runId, attempt).changes === 0) return undefined
    return toStoredRun(this.selectStored.get(runId)!)
  }
}
