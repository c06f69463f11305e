import type { ApprovalTerms } from '../agents/log/entry.js'
import type { RunStatus } from '../agents/log/run-record.js'
import type { RunRequirement, ToolExecution } from '../agents/log/tool-execution.js'
import type { Caller } from '../core/caller.js'
import type { Page } from '../core/page.js'
import type { Delivery } from '../webhooks/delivery.js'
import type { Approval, ApprovalState, ResolutionData } from './approval.js'

/** An approval as it is stored. Times are in milliseconds. */
export interface StoredApproval {
  id: string
  runId: string
  sessionId: string
  /** Whose run it is. */
  userId?: string
  /** The identity that started the run, where it did so for somebody else. */
  startedBy?: string
  status: ApprovalState
  source: { type: Approval['sourceType']; id: string; name: string }
  approvalType: Approval['approvalType']
  pauseType: Approval['pauseType']
  toolName: string
  toolArgs?: ToolExecution['toolArgs']
  toolNames: string[]
  requirements: RunRequirement[]
  scheduleId?: string
  scheduleRunId?: string
  terms?: ApprovalTerms
  resolution?: ResolutionData
  resolvedBy?: string
  resolvedAt?: number
  /** Of the run, at the moment of reading. */
  runStatus?: RunStatus
  /** When the run went on. */
  appliedAt?: number
  createdAt: number
  updatedAt: number
}

export interface ApprovalFilter {
  status?: ApprovalState
  approvalType?: Approval['approvalType']
  pauseType?: Approval['pauseType']
  sourceType?: Approval['sourceType']
  /** Each names the source; two that differ fit none. */
  sourceIds: readonly { type: Approval['sourceType']; id: string }[]
  userId?: string
  scheduleId?: string
  runId?: string
  sessionId?: string
}

/** How an approval is closed. */
export interface Resolution {
  status: 'approved' | 'rejected'
  data?: ResolutionData
  resolvedBy?: string
  at: number
  /** The run is to go on by itself. */
  continuesRun: boolean
  deliveries: readonly Delivery[]
}

/**
 * What approvals need stored. They are made by the unit that pauses a run, and cancelled by the one that cancels it. An
 * approval that the caller may not see does not exist for it: a scoped one sees its own, unless it may resolve any.
 */
export interface ApprovalRepository {
  get(caller: Caller, id: string): Promise<StoredApproval | undefined>
  /** Newest first; the id breaks ties. */
  list(
    caller: Caller,
    filter: ApprovalFilter,
    place: { limit: number; page: number; cursor?: string },
  ): Promise<Page<StoredApproval>>
  count(caller: Caller, filter: ApprovalFilter): Promise<number>
  /** Closes a pending approval that has not expired. False when it is none any more: somebody was faster. */
  resolve(caller: Caller, id: string, resolution: Resolution): Promise<boolean>
  /** Removes an approval that is not pending. */
  delete(caller: Caller, id: string): Promise<boolean>
  /** Pending ones whose time is up, and of which nobody was told. */
  overdue(at: number, limit: number): Promise<StoredApproval[]>
  /** Notes that the time of a pending one is up, once: false when that was done before, or it is not pending. */
  expire(id: string, status: 'expired' | 'pending', at: number, deliveries: readonly Delivery[]): Promise<boolean>
  /** Resolved ones whose runs are still to go on by themselves. */
  toContinue(limit: number): Promise<{ id: string; runId: string }[]>
  /** Takes back that the run is to go on by itself. */
  leaveRun(id: string): Promise<void>
}
