import type { StoredApproval } from '../../../approvals/approval-repository.js'
import type { Delivery } from '../../../webhooks/delivery.js'
import { toApprovalRow } from '../approval-row.js'
import { columnName } from '../column-name.js'
import { toDeliveryRow } from '../delivery-row.js'
import type { Bindable, NativeDatabase, Statement } from './native.js'

const NONE: readonly never[] = []

/** What is stored with a run's pause, its end, or its going on; used from inside a unit. Prepared on first use. */
export class ApprovalStatements {
  private cancelPending: Statement<[at: number, at: number, runId: string], never> | undefined
  private markApplied: Statement<[at: number, runId: string], never> | undefined
  private readonly inserts = new Map<string, Statement<Bindable[], never>>()

  constructor(private readonly database: NativeDatabase) {}

  insertAll(approvals: readonly StoredApproval[] = NONE, deliveries: readonly Delivery[] = NONE): void {
    for (const approval of approvals) this.insert('agentos_approvals', toApprovalRow(approval))
    for (const delivery of deliveries) this.insert('agentos_webhook_deliveries', toDeliveryRow(delivery))
  }

  /** What the run waited for is not waited for any more. */
  cancel(runId: string, at: number): void {
    this.cancelPending ??= this.database.prepare(`UPDATE agentos_approvals
      SET status = 'cancelled', resolved_at = ?, updated_at = ? WHERE run_id = ? AND status = 'pending'`)
    this.cancelPending.run(at, at, runId)
  }

  /** The run has gone on with what was decided. */
  apply(runId: string, at: number): void {
    this.markApplied ??= this.database.prepare(`UPDATE agentos_approvals
      SET applied_at = ?, continues_run = 0 WHERE run_id = ? AND applied_at IS NULL`)
    this.markApplied.run(at, runId)
  }

  private insert(table: string, row: object): void {
    let statement = this.inserts.get(table)
    if (!statement) {
      const columns = Object.keys(row).map(columnName)
      const places = columns.map(() => '?').join(', ')
      statement = this.database.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`)
      this.inserts.set(table, statement)
    }
    statement.run(...(Object.values(row) as Bindable[]))
  }
}
