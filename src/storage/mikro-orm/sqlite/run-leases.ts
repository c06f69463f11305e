import type { ComponentId, ReopenUnit, StoredRun } from '../../../runs/run-repository.js'
import { ApprovalStatements } from './approval-statements.js'
import { COMPONENT, namesOf } from '../component-names.js'
import type { Bindable, NativeDatabase, Statement } from './native.js'
import { SELECT_STORED, toStoredRun, type StoredRow } from '../run-row.js'
import { SegmentWriter } from './segment-store.js'

/** The clock of the storage: the one that all processes on this file share. */
export const NOW = "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
const HAS_NO_LEASE = `NOT EXISTS (SELECT 1 FROM agentos_executors
  WHERE agentos_executors.id = agentos_runs.executor_id AND agentos_executors.lease_until > ${NOW})`

interface ReopenedRow {
  seq: number
  session_id: string
}

/** Who executes what: leases, runs that have lost their process, and runs that go on after a pause. */
export class RunLeases {
  private readonly segments: SegmentWriter
  private readonly approvals: ApprovalStatements
  private readonly upsertLease: Statement<[id: string, leaseMs: number], never>
  private readonly deleteLease: Statement<[id: string], never>
  private readonly deleteOld: Statement<[], never>
  private readonly selectLapsed: Statement<[executorId: string, components: string, limit: number], StoredRow>
  private readonly takeRun: Statement<Bindable[], never>
  private readonly selectDue: Statement<
    [executorId: string, components: string, at: number, at: number, limit: number],
    StoredRow
  >
  private readonly reopenRun: Statement<Bindable[], ReopenedRow>
  private readonly updateRequest: Statement<[request: string, seq: number], never>
  private readonly markFollowed: Statement<[forMs: number, runIds: string], never>
  private readonly takeFreeSession: Statement<[runId: string, sessionId: string], never>

  constructor(database: NativeDatabase) {
    this.segments = new SegmentWriter(database)
    this.approvals = new ApprovalStatements(database)
    this.upsertLease = database.prepare(`INSERT INTO agentos_executors (id, lease_until, started_at)
      VALUES (?, ${NOW} + ?, ${NOW}) ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until`)
    this.deleteLease = database.prepare('DELETE FROM agentos_executors WHERE id = ?')
    this.deleteOld = database.prepare(`DELETE FROM agentos_executors WHERE lease_until < ${NOW} - 86400000`)
    // By the index of what is under way: for the order alone, SQLite would read all runs that there ever were.
    this.selectLapsed = database.prepare(`${SELECT_STORED}
      WHERE agentos_runs.status IN ('pending', 'running') AND agentos_runs.status = 'running'
        AND agentos_runs.executor_id <> ? AND ${COMPONENT} IN (SELECT value FROM json_each(?))
        AND ${HAS_NO_LEASE}
      ORDER BY +agentos_runs.seq LIMIT ?`)
    this.takeRun = database.prepare(`UPDATE agentos_runs SET attempt = attempt + 1, executor_id = ?, updated_at = ?
      WHERE seq = ?`)
    // A run's turn: beside the line, or at its head while nobody has the session, or when it was handed over to it.
    this.selectDue = database.prepare(`${SELECT_STORED}
      WHERE agentos_runs.status IN ('pending', 'running') AND agentos_runs.status = 'pending'
        AND (agentos_runs.mode = 'background' OR (agentos_runs.executor_id <> ? AND ${HAS_NO_LEASE}))
        AND ${COMPONENT} IN (SELECT value FROM json_each(?))
        AND agentos_runs.cancel_requested_at IS NULL
        AND (agentos_runs.run_after IS NULL OR agentos_runs.run_after <= ?)
        AND (agentos_runs.in_line = 0 OR EXISTS (SELECT 1 FROM agentos_sessions AS line
          WHERE line.session_id = agentos_runs.session_id AND (line.active_run_id = agentos_runs.run_id
            OR (line.active_run_id IS NULL AND NOT EXISTS (SELECT 1 FROM agentos_runs AS earlier
              WHERE earlier.session_id = agentos_runs.session_id AND earlier.status IN ('pending', 'running')
                AND earlier.status = 'pending' AND earlier.in_line = 1 AND earlier.cancel_requested_at IS NULL
                AND (earlier.run_after IS NULL OR earlier.run_after <= ?) AND earlier.seq < agentos_runs.seq)))))
      ORDER BY agentos_runs.priority DESC, agentos_runs.seq LIMIT ?`)
    this.reopenRun = database.prepare(`UPDATE agentos_runs
      SET status = 'running', attempt = ?, executor_id = ?, mode = ?, last_index = ?, updated_at = ?, wake_at = NULL
      WHERE run_id = ? AND attempt = ? AND last_index = ? AND status IN ('paused', 'error')
        AND cancel_requested_at IS NULL AND root_run_id IS NULL
      RETURNING seq, session_id`)
    this.updateRequest = database.prepare('UPDATE agentos_run_texts SET request = ? WHERE seq = ?')
    this.markFollowed = database.prepare(`UPDATE agentos_runs
      SET followed_until = max(ifnull(followed_until, 0), ${NOW} + ?)
      WHERE run_id IN (SELECT value FROM json_each(?)) AND status IN ('pending', 'running') AND mode = 'stream'`)
    this.takeFreeSession = database.prepare(`UPDATE agentos_sessions SET active_run_id = ?
      WHERE session_id = ? AND active_run_id IS NULL`)
  }

  renew(executorId: string, leaseMs: number): void {
    this.upsertLease.run(executorId, leaseMs)
    this.deleteOld.run()
  }

  end(executorId: string): void {
    this.deleteLease.run(executorId)
  }

  takeLapsed(executorId: string, components: readonly ComponentId[], limit: number, at: number): StoredRun[] {
    return this.selectLapsed.all(executorId, JSON.stringify(namesOf(components)), limit).map((row) => {
      const run = toStoredRun(row)
      this.takeRun.run(executorId, at, run.head.seq)
      return { ...run, head: { ...run.head, attempt: run.head.attempt + 1, executorId } }
    })
  }

  due(executorId: string, components: readonly ComponentId[], limit: number, at: number): StoredRun[] {
    return this.selectDue.all(executorId, JSON.stringify(namesOf(components)), at, at, limit).map(toStoredRun)
  }

  keepFollowed(runIds: readonly string[], forMs: number): void {
    this.markFollowed.run(forMs, JSON.stringify(runIds))
  }

  reopen(unit: ReopenUnit): boolean {
    const { runId, attempt, executorId, mode, segment, at } = unit
    const row = this.reopenRun.get(
      segment.attempt,
      executorId,
      mode,
      segment.lastIndex,
      at,
      runId,
      attempt,
      segment.firstIndex - 1,
    )
    if (!row) return false
    this.takeFreeSession.run(runId, row.session_id)
    this.segments.insert(runId, segment)
    if (unit.request !== undefined) this.updateRequest.run(unit.request, row.seq)
    if (unit.appliesApprovals) this.approvals.apply(runId, at)
    this.approvals.insertAll(unit.audits, unit.deliveries)
    return true
  }
}
