import type { StoredApproval } from '../../../approvals/approval-repository.js'
import type { NestedRow, Segment } from '../../../runs/run-repository.js'
import type { Delivery } from '../../../webhooks/delivery.js'
import { toApprovalRow } from '../approval-row.js'
import { columnName } from '../column-name.js'
import { toDeliveryRow } from '../delivery-row.js'
import { TOKEN_COLUMNS } from '../session-row.js'
import { escapeText } from '../text.js'
import type { Bindable, Statement } from './native.js'
import type { RunRow } from './view.js'
import type { WakeUp, WakeUps } from './wake-ups.js'
import type { Query } from './work.js'

type Row = Record<string, string | number | null>

/** Thrown when another process has made a row in the meantime: the group looks again. */
export class RaceLostError extends Error {
  override readonly name = 'RaceLostError'
}

/** A statement over any number of rows, a list of values for each column. */
class RowsStatement implements Statement {
  private readonly columns: readonly string[]
  readonly text: string

  constructor(
    readonly name: string,
    types: Record<string, string>,
    text: (rows: string, columns: string) => string,
  ) {
    this.columns = Object.keys(types)
    const columns = this.columns.join(', ')
    const lists = Object.values(types).map((type, at) => `$${at + 1}::${type}[]`)
    this.text = text(`unnest(${lists.join(', ')}) AS row(${columns})`, columns)
  }

  values(rows: readonly Row[]): Bindable[] {
    return this.columns.map((column) => rows.map((row) => row[column] ?? null))
  }
}

const [text, int, bigint] = ['text', 'int', 'bigint']

const INSERT_SESSIONS = new RowsStatement(
  'agentos_insert_sessions',
  {
    session_id: text,
    type: text,
    name: text,
    name_search: text,
    user_id: text,
    component_id: text,
    component_name: text,
    state: text,
    created_at: bigint,
    updated_at: bigint,
    active_run_id: text,
  },
  (rows, columns) => `INSERT INTO agentos_sessions (${columns}) SELECT ${columns} FROM ${rows}
    ON CONFLICT DO NOTHING RETURNING 1`,
)

const RUN_COLUMNS = {
  run_id: text,
  session_id: text,
  user_id: text,
  parent_run_id: text,
  component_kind: text,
  component_id: text,
  component_name: text,
  component_version: int,
  mode: text,
  status: text,
  attempt: int,
  executor_id: text,
  last_index: int,
  created_at: bigint,
  updated_at: bigint,
  in_line: int,
  priority: int,
  run_after: bigint,
}
const INSERT_RUNS = new RowsStatement('agentos_insert_runs', { ...RUN_COLUMNS, request: text }, (rows) => {
  const columns = Object.keys(RUN_COLUMNS).join(', ')
  return `WITH given AS MATERIALIZED (SELECT * FROM ${rows}),
    inserted AS (INSERT INTO agentos_runs (${columns}) SELECT ${columns} FROM given
      ON CONFLICT (run_id) DO NOTHING RETURNING seq, run_id),
    texts AS (INSERT INTO agentos_run_texts (seq, request)
      SELECT inserted.seq, given.request FROM inserted JOIN given USING (run_id))
    SELECT seq, run_id FROM inserted`
})

const UPDATE_RUNS = new RowsStatement(
  'agentos_update_runs',
  {
    seq: bigint,
    status: text,
    mode: text,
    attempt: int,
    executor_id: text,
    last_index: int,
    updated_at: bigint,
  },
  (rows) => `UPDATE agentos_runs SET status = row.status, mode = row.mode, attempt = row.attempt,
      executor_id = row.executor_id, last_index = row.last_index, updated_at = row.updated_at
    FROM ${rows} WHERE agentos_runs.seq = row.seq`,
)

const INSERT_SEGMENTS = new RowsStatement(
  'agentos_insert_segments',
  { run_id: text, first_index: int, last_index: int, attempt: int, format: int, entries: text },
  (rows, columns) => `INSERT INTO agentos_segments (${columns}) SELECT ${columns} FROM ${rows}`,
)

const INSERT_SNAPSHOTS = new RowsStatement(
  'agentos_insert_snapshots',
  { run_id: text, last_index: int, state: text },
  (rows, columns) => `INSERT INTO agentos_snapshots (${columns}) SELECT ${columns} FROM ${rows}`,
)

const UPDATE_TEXTS = new RowsStatement(
  'agentos_update_run_texts',
  { seq: bigint, request: text, body: text, body_index: int },
  (rows) => `UPDATE agentos_run_texts SET request = coalesce(row.request, agentos_run_texts.request),
      body = coalesce(row.body, agentos_run_texts.body), body_index = coalesce(row.body_index, agentos_run_texts.body_index)
    FROM ${rows} WHERE agentos_run_texts.seq = row.seq`,
)

const USED = Object.fromEntries(
  TOKEN_COLUMNS.map((column) => [column, column === 'cost' ? 'double precision' : bigint]),
)
// What is not named stays. A changed state always moves the time: whoever has seen the state before must be told.
const UPDATE_SESSIONS = new RowsStatement(
  'agentos_update_sessions',
  {
    session_id: text,
    component_id: text,
    component_name: text,
    name: text,
    name_search: text,
    state: text,
    active_run_id: text,
    updated_at: bigint,
    ...USED,
  },
  (rows) => `UPDATE agentos_sessions AS stored SET
      component_id = coalesce(stored.component_id, row.component_id),
      component_name = CASE WHEN stored.component_id IS NULL THEN coalesce(row.component_name, stored.component_name)
        ELSE stored.component_name END,
      name = coalesce(row.name, stored.name), name_search = coalesce(row.name_search, stored.name_search),
      state = coalesce(row.state, stored.state), active_run_id = row.active_run_id,
      updated_at = greatest(row.updated_at, stored.updated_at + CASE WHEN row.state IS NULL THEN 0 ELSE 1 END),
      ${TOKEN_COLUMNS.map((column) => `${column} = stored.${column} + row.${column}`).join(', ')}
    FROM ${rows} WHERE stored.session_id = row.session_id`,
)

const STORE_KEYS = new RowsStatement(
  'agentos_store_keys',
  { scope: text, key: text, fingerprint: text, run_id: text, expires_at: bigint, now: bigint },
  (rows) => `INSERT INTO agentos_idempotency_keys AS known (scope, key, fingerprint, run_id, expires_at)
    SELECT scope, key, fingerprint, run_id, expires_at FROM ${rows}
    ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, run_id = excluded.run_id,
      expires_at = excluded.expires_at WHERE known.expires_at <= ($6::bigint[])[1]
    RETURNING 1`,
)

const UPSERT_NESTED = {
  name: 'agentos_upsert_nested_run',
  text: `WITH stored AS (INSERT INTO agentos_runs (run_id, session_id, user_id, parent_run_id, root_run_id,
        component_kind, component_id, component_name, component_version, mode, status, attempt, executor_id, last_index,
        created_at, updated_at, in_line)
      SELECT $2, root.session_id, root.user_id, $3, root.run_id, $4, $5, $6, $7::int, root.mode, $8, root.attempt, NULL,
        $9::int, $10::bigint, $11::bigint, 0
      FROM agentos_runs AS root WHERE root.seq = $1
      ON CONFLICT (run_id) DO UPDATE SET status = excluded.status, attempt = excluded.attempt,
        last_index = excluded.last_index, updated_at = excluded.updated_at
        WHERE agentos_runs.root_run_id = excluded.root_run_id
      RETURNING seq)
    INSERT INTO agentos_run_texts (seq, request, body, body_index)
      SELECT seq, $12, $13::text, CASE WHEN $13::text IS NULL THEN NULL ELSE $9::int END FROM stored
    ON CONFLICT (seq) DO UPDATE SET body = coalesce(excluded.body, agentos_run_texts.body),
      body_index = coalesce(excluded.body_index, agentos_run_texts.body_index)`,
}

const CANCEL_APPROVALS = {
  name: 'agentos_cancel_approvals',
  text: `UPDATE agentos_approvals SET status = 'cancelled', resolved_at = $2, updated_at = $2
    WHERE run_id = $1 AND status = 'pending'`,
}
const APPLY_APPROVALS = {
  name: 'agentos_apply_approvals',
  text: `UPDATE agentos_approvals SET applied_at = $2, continues_run = 0 WHERE run_id = $1 AND applied_at IS NULL`,
}

/** What the units of a group write: gathered while they decide, and sent together. */
export class Writes {
  private readonly newSessions: Row[] = []
  private readonly newRuns: Row[] = []
  private readonly seqListeners: ((seqs: ReadonlyMap<string, number>) => void)[] = []
  private readonly runs: Row[] = []
  private readonly segments: Row[] = []
  private readonly snapshots: Row[] = []
  private readonly texts: Row[] = []
  private readonly sessions: Row[] = []
  private readonly keys: Row[] = []
  private readonly others: [Statement, Bindable[]][] = []
  private readonly wakeUps: WakeUp[] = []

  insertSession(row: Row): void {
    this.newSessions.push(row)
  }

  /** `onSeq` hears the number of the run once it is inserted. */
  insertRun(row: Row & { run_id: string }, onSeq: (seq: number) => void): void {
    this.newRuns.push(row)
    this.seqListeners.push((seqs) => onSeq(seqs.get(row.run_id)!))
  }

  updateRun({ seq, status, mode, attempt, executor_id, last_index }: RunRow, changes: Row): void {
    this.runs.push({ seq, status, mode, attempt, executor_id, last_index, ...changes })
  }

  updateTexts(seq: number, changes: { request?: string; body?: string; body_index?: number }): void {
    this.texts.push({ seq, ...changes })
  }

  updateSession(changes: Row & { session_id: string; active_run_id: string | null; updated_at: number }): void {
    const used = Object.fromEntries(TOKEN_COLUMNS.map((column) => [column, changes[column] ?? 0]))
    this.sessions.push({ ...changes, ...used })
  }

  insertSegment(runId: string, { firstIndex, lastIndex, attempt, format, entries }: Segment): void {
    const row = { run_id: runId, first_index: firstIndex, last_index: lastIndex, attempt, format, entries }
    this.segments.push(row)
  }

  insertSnapshot(runId: string, lastIndex: number, state: string): void {
    this.snapshots.push({ run_id: runId, last_index: lastIndex, state })
  }

  /** Whose it is follows from the run that it is inside of. No process executes it, so none can lose it. */
  upsertNested(root: RunRow, row: NestedRow, at: number): void {
    const { runId, parentRunId, component, request, createdAt, status, lastIndex, body } = row
    this.others.push([
      UPSERT_NESTED,
      [
        root.seq,
        runId,
        parentRunId,
        component.kind,
        component.id,
        escapeText(component.name),
        component.version ?? null,
        status,
        lastIndex,
        createdAt,
        at,
        request,
        body ?? null,
      ],
    ])
  }

  storeKey(row: Row): void {
    this.keys.push(row)
  }

  insertAll(approvals: readonly StoredApproval[] = [], deliveries: readonly Delivery[] = []): void {
    for (const approval of approvals) this.insertOne('agentos_approvals', toApprovalRow(approval))
    for (const delivery of deliveries) this.insertOne('agentos_webhook_deliveries', toDeliveryRow(delivery))
  }

  /** What the run waited for is not waited for any more. */
  cancelApprovals(runId: string, at: number): void {
    this.others.push([CANCEL_APPROVALS, [runId, at]])
  }

  /** The run has gone on with what was decided. */
  applyApprovals(runId: string, at: number): void {
    this.others.push([APPLY_APPROVALS, [runId, at]])
  }

  /** Has a process begin the run. */
  wake(wakeUp: WakeUp): void {
    this.wakeUps.push(wakeUp)
  }

  execute(statement: Statement, values: Bindable[]): void {
    this.others.push([statement, values])
  }

  /** Takes over what a unit has decided. */
  add(unit: Writes): void {
    for (const key of [
      'newSessions',
      'newRuns',
      'runs',
      'segments',
      'snapshots',
      'texts',
      'sessions',
      'keys',
    ] as const) {
      this[key].push(...unit[key])
    }
    this.seqListeners.push(...unit.seqListeners)
    this.others.push(...unit.others)
    this.wakeUps.push(...unit.wakeUps)
  }

  get isEmpty(): boolean {
    const { newRuns, runs, segments, texts, sessions, keys, others } = this
    return [newRuns, runs, segments, texts, sessions, keys, others].every((rows) => rows.length === 0)
  }

  /**
   * Sends everything, at once and without waiting in between.
   *
   * @throws RaceLostError when a row that should be new is there by now.
   */
  async flush(query: Query, wakeUps: WakeUps): Promise<void> {
    // Sorted, as locks are taken. Runs are inserted in the order of acceptance: it numbers them.
    const made = [
      this.insertNew(query, INSERT_SESSIONS, sorted(this.newSessions, 'session_id')),
      this.insertRuns(query),
      this.insertNew(query, STORE_KEYS, sorted(sorted(this.keys, 'key'), 'scope')),
    ]
    const changed = (
      [
        [UPDATE_RUNS, this.runs],
        [INSERT_SEGMENTS, this.segments],
        [INSERT_SNAPSHOTS, this.snapshots],
        [UPDATE_TEXTS, this.texts],
        [UPDATE_SESSIONS, this.sessions],
      ] as const
    ).map(([statement, rows]) => (rows.length === 0 ? undefined : query(statement, statement.values(rows))))
    const others = this.others.map(([statement, values]) => query(statement, values))
    // All of them: one that is still to be sent must not come after the connection was given back.
    const sent = await Promise.allSettled([...made, ...changed, ...others, wakeUps.send(query, this.wakeUps)])
    const failed = sent.find((one) => one.status === 'rejected')
    if (failed) throw failed.reason
  }

  private async insertNew(query: Query, statement: RowsStatement, rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return
    const inserted = await query(statement, statement.values(rows))
    if (inserted.length < rows.length) throw new RaceLostError(`${statement.name} found a row of another process.`)
  }

  private async insertRuns(query: Query): Promise<void> {
    if (this.newRuns.length === 0) return
    const inserted = await query<{ seq: number; run_id: string }>(INSERT_RUNS, INSERT_RUNS.values(this.newRuns))
    if (inserted.length < this.newRuns.length) throw new RaceLostError('Another process has accepted the same run.')
    const seqs = new Map(inserted.map(({ seq, run_id }) => [run_id, seq]))
    for (const tell of this.seqListeners) tell(seqs)
  }

  private insertOne(table: string, row: object): void {
    const columns = Object.keys(row).map(columnName)
    const places = columns.map((_column, at) => `$${at + 1}`)
    const statement = {
      name: `agentos_insert_${table}`,
      text: `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places.join(', ')})`,
    }
    this.others.push([statement, Object.values(row) as Bindable[]])
  }
}

function sorted(rows: readonly Row[], column: string): Row[] {
  return rows.toSorted((left, right) => (String(left[column]) < String(right[column]) ? -1 : 1))
}
