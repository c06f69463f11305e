import type { Caller } from '../../../core/caller.js'
import type { JsonObject } from '../../../core/json.js'
import type { SessionWindow, StoredRun } from '../../../runs/run-repository.js'
import { mayTouch, SELECT_STORED, toStoredRun, type StoredRow } from '../run-row.js'
import { NOW } from './leases.js'
import type { Query } from './work.js'

const SELECT_RUN = { name: 'agentos_run', text: `${SELECT_STORED} WHERE agentos_runs.run_id = $1` }
const SELECT_STATE = { name: 'agentos_state', text: 'SELECT state FROM agentos_sessions WHERE session_id = $1' }
// Walks the session's index from the new end, so it costs the same in the thousandth run as in the tenth.
const SELECT_WINDOW = {
  name: 'agentos_window',
  text: `SELECT agentos_runs.run_id, texts.body
    FROM agentos_runs JOIN agentos_run_texts AS texts ON texts.seq = agentos_runs.seq
    WHERE agentos_runs.session_id = $1 AND agentos_runs.seq < $2 AND agentos_runs.status IN ('completed', 'cancelled')
      AND agentos_runs.hidden = 0 AND agentos_runs.parent_run_id IS NULL AND texts.body IS NOT NULL
    ORDER BY agentos_runs.seq DESC LIMIT $3`,
}
const SELECT_ACTIVE = {
  name: 'agentos_active_runs',
  text: `SELECT run_id FROM agentos_runs WHERE session_id = $1 AND status IN ('pending', 'running')
    AND root_run_id IS NULL ORDER BY seq`,
}
const SELECT_HELD = {
  name: 'agentos_held_runs',
  text: `${SELECT_STORED} WHERE agentos_runs.status IN ('pending', 'running') AND agentos_runs.executor_id = $1
    AND agentos_runs.updated_at < $2 LIMIT $3`,
}
const SELECT_OVERDUE = {
  name: 'agentos_overdue_cancels',
  text: `SELECT run_id FROM agentos_runs WHERE cancel_requested_at IS NOT NULL
    AND status IN ('pending', 'running', 'paused') AND cancel_requested_at < $1 ORDER BY cancel_requested_at LIMIT $2`,
}
const SELECT_FOLLOWED = {
  name: 'agentos_followed_for',
  text: `SELECT greatest(0, coalesce(followed_until, 0) - ${NOW}) AS left FROM agentos_runs WHERE run_id = $1`,
}

/** Reads of single runs and of what a run starts from. */
export class RunReads {
  constructor(private readonly query: Query) {}

  async get(caller: Caller, runId: string): Promise<StoredRun | undefined> {
    const [row] = await this.query<StoredRow>(SELECT_RUN, [runId])
    return row && mayTouch(caller, row) ? toStoredRun(row) : undefined
  }

  async window(sessionId: string, beforeSeq: number, limit: number): Promise<SessionWindow | undefined> {
    const [[session], rows] = await Promise.all([
      this.query<{ state: string }>(SELECT_STATE, [sessionId]),
      limit > 0 ? this.query<{ run_id: string; body: string }>(SELECT_WINDOW, [sessionId, beforeSeq, limit]) : [],
    ])
    if (!session) return undefined
    return {
      state: JSON.parse(session.state) as JsonObject,
      runs: rows.toReversed().map(({ run_id: runId, body }) => ({ runId, body })),
    }
  }

  async active(sessionId: string): Promise<string[]> {
    return (await this.query<{ run_id: string }>(SELECT_ACTIVE, [sessionId])).map(({ run_id }) => run_id)
  }

  async heldBy(executorId: string, before: number, limit: number): Promise<StoredRun[]> {
    return (await this.query<StoredRow>(SELECT_HELD, [executorId, before, limit])).map(toStoredRun)
  }

  async cancelOverdue(before: number, limit: number): Promise<string[]> {
    return (await this.query<{ run_id: string }>(SELECT_OVERDUE, [before, limit])).map(({ run_id }) => run_id)
  }

  async followedFor(runId: string): Promise<number> {
    const [row] = await this.query<{ left: number }>(SELECT_FOLLOWED, [runId])
    return row?.left ?? 0
  }
}
