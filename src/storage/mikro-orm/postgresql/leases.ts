import type { Caller } from '../../../core/caller.js'
import type { ComponentId, RunHead, StoredRun } from '../../../runs/run-repository.js'
import { COMPONENT, namesOf } from '../component-names.js'
import { HEAD_COLUMNS, mayTouch, SELECT_STORED, toHead, toStoredRun, type HeadRow, type StoredRow } from '../run-row.js'
import type { Query } from './work.js'

/** The clock of the storage, with parts of milliseconds: the one that all processes share, whatever theirs say. */
export const NOW_EXACT = '(extract(epoch FROM clock_timestamp())::float8 * 1000)'
export const NOW = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint'
const HAS_NO_LEASE = `NOT EXISTS (SELECT 1 FROM agentos_executors
  WHERE agentos_executors.id = agentos_runs.executor_id AND agentos_executors.lease_until > ${NOW})`

const SELECT_HEAD = { name: 'agentos_head', text: `SELECT ${HEAD_COLUMNS} FROM agentos_runs WHERE run_id = $1` }
const MARK_CANCEL = {
  name: 'agentos_mark_cancel',
  text: `UPDATE agentos_runs SET cancel_requested_at = $2
    WHERE run_id = $1 AND status IN ('pending', 'running', 'paused') AND cancel_requested_at IS NULL
      AND root_run_id IS NULL
    RETURNING ${HEAD_COLUMNS}`,
}
const TAKE_OVER = {
  name: 'agentos_take_over',
  text: `WITH taken AS (UPDATE agentos_runs SET attempt = attempt + 1, executor_id = $3, updated_at = $4
      WHERE run_id = $1 AND attempt = $2 AND status IN ('pending', 'running', 'paused') AND root_run_id IS NULL
      RETURNING *)
    ${SELECT_STORED.replace('FROM agentos_runs', 'FROM taken AS agentos_runs')}`,
}
const RENEW = {
  name: 'agentos_renew_lease',
  text: `WITH old AS (DELETE FROM agentos_executors WHERE id <> $1 AND lease_until < ${NOW} - 86400000)
    INSERT INTO agentos_executors (id, lease_until, started_at) VALUES ($1, ${NOW} + $2::bigint, ${NOW})
    ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until`,
}
const END_LEASE = { name: 'agentos_end_lease', text: 'DELETE FROM agentos_executors WHERE id = $1' }
// Rows that another process is taking at this very moment are left to it.
const TAKE_LAPSED = {
  name: 'agentos_take_lapsed',
  text: `WITH lapsed AS MATERIALIZED (SELECT seq FROM agentos_runs
      WHERE status IN ('pending', 'running') AND status = 'running' AND executor_id <> $1
        AND ${COMPONENT} = ANY($2::text[]) AND ${HAS_NO_LEASE}
      ORDER BY seq LIMIT $3 FOR UPDATE SKIP LOCKED),
    taken AS (UPDATE agentos_runs SET attempt = attempt + 1, executor_id = $1, updated_at = $4
      FROM lapsed WHERE agentos_runs.seq = lapsed.seq RETURNING agentos_runs.*)
    ${SELECT_STORED.replace('FROM agentos_runs', 'FROM taken AS agentos_runs')} ORDER BY agentos_runs.seq`,
}
// As in RunLeases of SQLite.
const selectDue = (which: string): string => `${SELECT_STORED}
    WHERE ${which}agentos_runs.status IN ('pending', 'running') AND agentos_runs.status = 'pending'
      AND (agentos_runs.mode = 'background' OR (agentos_runs.executor_id <> $1 AND ${HAS_NO_LEASE}))
      AND ${COMPONENT} = ANY($2::text[])
      AND agentos_runs.cancel_requested_at IS NULL
      AND (agentos_runs.run_after IS NULL OR agentos_runs.run_after <= $3)
      AND (agentos_runs.in_line = 0 OR EXISTS (SELECT 1 FROM agentos_sessions AS line
        WHERE line.session_id = agentos_runs.session_id AND (line.active_run_id = agentos_runs.run_id
          OR (line.active_run_id IS NULL AND NOT EXISTS (SELECT 1 FROM agentos_runs AS earlier
            WHERE earlier.session_id = agentos_runs.session_id AND earlier.status IN ('pending', 'running')
              AND earlier.status = 'pending' AND earlier.in_line = 1 AND earlier.cancel_requested_at IS NULL
              AND (earlier.run_after IS NULL OR earlier.run_after <= $3) AND earlier.seq < agentos_runs.seq)))))
    ORDER BY agentos_runs.priority DESC, agentos_runs.seq LIMIT $4`
const SELECT_DUE = { name: 'agentos_due_runs', text: selectDue('') }
const SELECT_DUE_OF = { name: 'agentos_due_of_runs', text: selectDue('agentos_runs.run_id = ANY($5::text[]) AND ') }

// In the order of their ids, as everywhere.
const KEEP_FOLLOWED = {
  name: 'agentos_keep_followed',
  text: `WITH followed AS MATERIALIZED (SELECT seq FROM agentos_runs WHERE run_id = ANY($1::text[])
      AND status IN ('pending', 'running') AND mode = 'stream' ORDER BY run_id FOR UPDATE)
    UPDATE agentos_runs SET followed_until = greatest(coalesce(followed_until, 0), ${NOW} + $2::bigint)
      FROM followed WHERE agentos_runs.seq = followed.seq`,
}

/** Who executes what. Each change is one statement with its conditions in it, so that of many processes one has it. */
export class RunLeases {
  constructor(private readonly query: Query) {}

  async requestCancel(caller: Caller, runId: string, at: number): Promise<RunHead | undefined> {
    const [row] = await this.query<HeadRow>(SELECT_HEAD, [runId])
    // One inside of another ends with that one, and only with it.
    if (!row || !mayTouch(caller, row) || row.root_run_id !== null) return undefined
    const [marked] = await this.query<HeadRow>(MARK_CANCEL, [runId, at])
    if (marked) return toHead(marked)
    const [now] = await this.query<HeadRow>(SELECT_HEAD, [runId])
    return now && toHead(now)
  }

  async takeOver(runId: string, attempt: number, executorId: string, at: number): Promise<StoredRun | undefined> {
    const [row] = await this.query<StoredRow>(TAKE_OVER, [runId, attempt, executorId, at])
    return row && toStoredRun(row)
  }

  async renew(executorId: string, leaseMs: number): Promise<void> {
    await this.query(RENEW, [executorId, leaseMs])
  }

  async end(executorId: string): Promise<void> {
    await this.query(END_LEASE, [executorId])
  }

  async keepFollowed(runIds: readonly string[], forMs: number): Promise<void> {
    await this.query(KEEP_FOLLOWED, [[...runIds], forMs])
  }

  async takeLapsed(
    executorId: string,
    components: readonly ComponentId[],
    limit: number,
    at: number,
  ): Promise<StoredRun[]> {
    return (await this.query<StoredRow>(TAKE_LAPSED, [executorId, namesOf(components), limit, at])).map(toStoredRun)
  }

  async due(executorId: string, components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]> {
    return (await this.query<StoredRow>(SELECT_DUE, [executorId, namesOf(components), at, limit])).map(toStoredRun)
  }

  /** Those of the runs that are due. */
  async dueOf(runIds: readonly string[], executorId: string, components: readonly ComponentId[], at: number) {
    const values = [executorId, namesOf(components), at, runIds.length, runIds]
    return (await this.query<StoredRow>(SELECT_DUE_OF, values)).map(toStoredRun)
  }
}
