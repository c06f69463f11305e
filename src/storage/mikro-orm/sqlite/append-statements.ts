import type { AppendUnit } from '../../../runs/run-repository.js'
import { TOKEN_COLUMNS } from '../session-row.js'
import type { Bindable, NativeDatabase, Statement } from './native.js'

export interface WrittenRun {
  seq: number
  session_id: string
}

/** How a run stands to which nothing could be appended. */
export interface Standing {
  status: string
  attempt: number
  last_index: number
  cancel_requested_at: number | null
  active_run_id: string | null
  active_status: string | null
}

type Position = [lastIndex: number, at: number, runId: string, attempt: number, lastIndexBefore: number]

/** The statements that append to a log, prepared once. */
export class AppendStatements {
  private readonly advanceRun: Statement<Position, WrittenRun>
  private readonly endRun: Statement<[status: string, ...Position, isCancel: number], WrittenRun>
  private readonly setWake: Statement<[at: number, at: number, seq: number], never>
  private readonly supersedeRun: Statement<[at: number, runId: string], never>
  private readonly selectStanding: Statement<[string], Standing>
  private readonly updateBody: Statement<[body: string, index: number, seq: number], never>
  private readonly selectState: Statement<[string], { state: string }>
  private readonly updateState: Statement<[state: string, at: number, id: string], never>
  private readonly selectActive: Statement<[string], { active_run_id: string | null }>
  private readonly updateSession: Statement<Bindable[], never>

  constructor(database: NativeDatabase) {
    this.advanceRun = database.prepare(`UPDATE agentos_runs SET last_index = ?, updated_at = ?
      WHERE run_id = ? AND attempt = ? AND last_index = ? AND status = 'running' AND cancel_requested_at IS NULL
      RETURNING seq, session_id`)
    // Whoever took a pending or paused run over may end it, too: that is how it is cancelled.
    this.endRun = database.prepare(`UPDATE agentos_runs SET status = ?, last_index = ?, updated_at = ?
      WHERE run_id = ? AND attempt = ? AND last_index = ? AND status IN ('running', 'pending', 'paused')
        AND (? OR cancel_requested_at IS NULL)
      RETURNING seq, session_id`)
    // An event that has come meanwhile has the run looked at before that.
    this.setWake = database.prepare('UPDATE agentos_runs SET wake_at = min(ifnull(wake_at, ?), ?) WHERE seq = ?')
    this.supersedeRun = database.prepare(`UPDATE agentos_runs SET status = 'regenerated', updated_at = ?
      WHERE run_id = ? AND status IN ('completed', 'error', 'paused')`)
    this.selectStanding = database.prepare(`SELECT runs.status, runs.attempt, runs.last_index,
        runs.cancel_requested_at, sessions.active_run_id, active.status AS active_status
      FROM agentos_runs AS runs
      LEFT JOIN agentos_sessions AS sessions ON sessions.session_id = runs.session_id
      LEFT JOIN agentos_runs AS active ON active.run_id = sessions.active_run_id
      WHERE runs.run_id = ?`)
    this.updateBody = database.prepare('UPDATE agentos_run_texts SET body = ?, body_index = ? WHERE seq = ?')
    this.selectState = database.prepare('SELECT state FROM agentos_sessions WHERE session_id = ?')
    // Rises always: whoever changes the state as of an earlier look must be told that it has changed.
    this.updateState = database.prepare(`UPDATE agentos_sessions SET state = ?, updated_at = max(updated_at + 1, ?)
      WHERE session_id = ?`)
    this.selectActive = database.prepare('SELECT active_run_id FROM agentos_sessions WHERE session_id = ?')
    this.updateSession = database.prepare(`UPDATE agentos_sessions
      SET ${TOKEN_COLUMNS.map((column) => `${column} = ${column} + ?`).join(', ')},
        active_run_id = ?, updated_at = max(updated_at, ?)
      WHERE session_id = ?`)
  }

  /** Undefined, with nothing written, when the attempt may not append here. */
  advance({ runId, segment, at }: AppendUnit): WrittenRun | undefined {
    return this.advanceRun.get(segment.lastIndex, at, runId, segment.attempt, segment.firstIndex - 1)
  }

  /** As {@link advance}; the leg ends. */
  end({ runId, segment, at }: AppendUnit, status: string): WrittenRun | undefined {
    const { lastIndex, attempt, firstIndex } = segment
    return this.endRun.get(status, lastIndex, at, runId, attempt, firstIndex - 1, status === 'cancelled' ? 1 : 0)
  }

  wake(seq: number, at: number): void {
    this.setWake.run(at, at, seq)
  }

  /** Marks a run in whose place another has come; false, with nothing written, for one that goes on by now. */
  supersede(runId: string, at: number): boolean {
    return this.supersedeRun.run(at, runId).changes > 0
  }

  standing(runId: string): Standing | undefined {
    return this.selectStanding.get(runId)
  }

  storeBody(seq: number, body: string, index: number): void {
    this.updateBody.run(body, index, seq)
  }

  state(sessionId: string): string | undefined {
    return this.selectState.get(sessionId)?.state
  }

  storeState(sessionId: string, state: string, at: number): void {
    this.updateState.run(state, at, sessionId)
  }

  activeRun(sessionId: string): string | undefined {
    return this.selectActive.get(sessionId)?.active_run_id ?? undefined
  }

  closeLeg(usage: readonly number[], activeRunId: string | null, at: number, sessionId: string): void {
    this.updateSession.run(...usage, activeRunId, at, sessionId)
  }
}
