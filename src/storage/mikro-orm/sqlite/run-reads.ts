import type { Caller } from '../../../core/caller.js'
import type { JsonObject } from '../../../core/json.js'
import type { SessionWindow, StoredRun } from '../../../runs/run-repository.js'
import type { NativeDatabase, Statement } from './native.js'
import { mayTouch, SELECT_STORED, toStoredRun, type StoredRow } from '../run-row.js'
import { NOW } from './run-leases.js'

/** Reads of single runs and of what a run starts from. */
export class RunReads {
  private readonly selectStored: Statement<[string], StoredRow>
  private readonly selectState: Statement<[string], { state: string }>
  private readonly selectWindow: Statement<[string, number, number], { run_id: string; body: string }>
  private readonly selectActive: Statement<[string], { run_id: string }>
  private readonly selectHeld: Statement<[executorId: string, before: number, limit: number], StoredRow>
  private readonly selectFollowed: Statement<[runId: string], { left: number }>
  private readonly selectOverdue: Statement<[before: number, limit: number], { run_id: string }>

  constructor(database: NativeDatabase) {
    this.selectStored = database.prepare(`${SELECT_STORED} WHERE agentos_runs.run_id = ?`)
    this.selectState = database.prepare('SELECT state FROM agentos_sessions WHERE session_id = ?')
    // Walks the session's index from the new end, so it costs the same in the thousandth run as in the tenth.
    this.selectWindow = database.prepare(`SELECT agentos_runs.run_id, texts.body
      FROM agentos_runs JOIN agentos_run_texts AS texts ON texts.seq = agentos_runs.seq
      WHERE agentos_runs.session_id = ? AND agentos_runs.seq < ? AND agentos_runs.status IN ('completed', 'cancelled')
        AND agentos_runs.hidden = 0 AND agentos_runs.parent_run_id IS NULL AND texts.body IS NOT NULL
      ORDER BY agentos_runs.seq DESC LIMIT ?`)
    this.selectActive = database.prepare(`SELECT run_id FROM agentos_runs
      WHERE session_id = ? AND status IN ('pending', 'running') AND root_run_id IS NULL ORDER BY seq`)
    this.selectHeld = database.prepare(`${SELECT_STORED}
      WHERE agentos_runs.status IN ('pending', 'running') AND agentos_runs.executor_id = ? AND agentos_runs.updated_at < ?
      LIMIT ?`)
    this.selectFollowed = database.prepare(`SELECT max(0, ifnull(followed_until, 0) - ${NOW}) AS left
      FROM agentos_runs WHERE run_id = ?`)
    this.selectOverdue = database.prepare(`SELECT run_id FROM agentos_runs
      WHERE cancel_requested_at IS NOT NULL AND status IN ('pending', 'running', 'paused') AND cancel_requested_at < ?
      ORDER BY cancel_requested_at LIMIT ?`)
  }

  get(caller: Caller, runId: string): StoredRun | undefined {
    const row = this.selectStored.get(runId)
    return row && mayTouch(caller, row) ? toStoredRun(row) : undefined
  }

  window(sessionId: string, beforeSeq: number, limit: number): SessionWindow | undefined {
    const session = this.selectState.get(sessionId)
    if (!session) return undefined
    const rows = limit > 0 ? this.selectWindow.all(sessionId, beforeSeq, limit) : []
    return {
      state: JSON.parse(session.state) as JsonObject,
      runs: rows.reverse().map(({ run_id: runId, body }) => ({ runId, body })),
    }
  }

  active(sessionId: string): string[] {
    return this.selectActive.all(sessionId).map(({ run_id: runId }) => runId)
  }

  heldBy(executorId: string, before: number, limit: number): StoredRun[] {
    return this.selectHeld.all(executorId, before, limit).map(toStoredRun)
  }

  followedFor(runId: string): number {
    return this.selectFollowed.get(runId)?.left ?? 0
  }

  cancelOverdue(before: number, limit: number): string[] {
    return this.selectOverdue.all(before, limit).map(({ run_id: runId }) => runId)
  }
}
