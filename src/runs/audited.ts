import type { StoredApproval } from '../approvals/approval-repository.js'
import type { PausedRun } from '../approvals/pause-approval.js'
import type { Facts } from '../agents/log/entry.js'
import type { RunFold } from '../agents/log/fold.js'
import type { Delivery } from '../webhooks/delivery.js'
import type { LegWitnesses } from './leg-end.js'

/** Records of decisions, stored with the leg that goes on with them. */
export interface AuditRecords {
  audits?: readonly StoredApproval[]
  deliveries?: readonly Delivery[]
}

/** What a leg begins with, its decisions naming their records, and these; nothing further where no tool asks for one. */
export function audited(
  { approvals }: LegWitnesses,
  facts: Facts,
  { requirements }: RunFold,
  run: PausedRun,
  by: string | undefined,
): AuditRecords & { facts: Facts } {
  if (!approvals || !facts.decisions) return { facts }
  const { decisions, approvals: audits, deliveries } = approvals.audit(facts.decisions, requirements, run, by)
  if (audits.length === 0) return { facts }
  return { facts: { ...facts, decisions }, audits, ...(deliveries.length > 0 && { deliveries }) }
}

/** Called once the records are stored. */
export function tellOfAudits({ approvals }: LegWitnesses, { audits = [] }: AuditRecords): void {
  approvals?.audited(audits)
}
