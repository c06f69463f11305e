import type { Decision } from '../agents/log/decision.js'
import type { LogEntry } from '../agents/log/entry.js'
import type { RunRequirement } from '../agents/log/tool-execution.js'
import { fullCaller } from '../core/caller.js'
import type { Clock } from '../core/clock.js'
import { ConflictError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { Delivery } from '../webhooks/delivery.js'
import { approvalPending } from './approval-errors.js'
import type { ApprovalNotices } from './approval-notices.js'
import type { ApprovalRepository, StoredApproval } from './approval-repository.js'
import { expire, isOverdue } from './expiry.js'
import { isGated, withApproval, withAudits } from './pause-approval.js'
import type { PausedRun } from './pause-approval.js'
import { decisionsOf } from './resolution.js'

export interface RunApprovalsParts {
  approvals: ApprovalRepository
  notices: ApprovalNotices
  clock: Clock
  logger: Logger
}

/** Approvals, as runs need them: made with a pause, asked before a run goes on. */
export class RunApprovals {
  constructor(private readonly parts: RunApprovalsParts) {}

  /** The entry of a pause as it is logged, and what is stored with it. */
  pause(
    entry: LogEntry,
    run: PausedRun,
    at: number,
  ): { entry: LogEntry; approval?: StoredApproval; deliveries: Delivery[] } {
    const paused = withApproval(entry, run, at)
    const { approval } = paused
    if (!approval) return { ...paused, deliveries: [] }
    const shown = { ...approval, runStatus: 'paused' as const }
    return { ...paused, deliveries: this.parts.notices.deliveries('approval.created', shown, at) }
  }

  /** Called when a pause is stored. */
  paused(approval: StoredApproval): void {
    this.parts.notices.tell('approval.created', { ...approval, runStatus: 'paused' })
  }

  /**
   * What approvals have decided about calls that wait, by the calls' ids. This is the one way to such a decision: none
   * that a caller brings along counts.
   *
   * @throws ForbiddenError `APPROVAL_PENDING`
   * @throws ConflictError `RUN_NOT_CONTINUABLE` when the approval is not there any more.
   */
  async settle(waiting: readonly RunRequirement[]): Promise<ReadonlyMap<string, Decision>> {
    const gated = waiting.filter(({ toolExecution }) => isGated(toolExecution))
    const settled = new Map<string, Decision>()
    for (const id of new Set(gated.map(({ toolExecution }) => toolExecution.approvalId ?? ''))) {
      const approval = await this.resolved(id)
      const calls = gated.filter(({ toolExecution }) => (toolExecution.approvalId ?? '') === id)
      for (const decision of decisionsOf(approval, calls)) {
        settled.set(decision.toolCallId, { ...decision, approval: 'required' })
      }
    }
    return settled
  }

  /** Decisions with their records, where calls are only to be recorded; and what is stored with them. */
  audit(
    decisions: readonly Decision[],
    requirements: readonly RunRequirement[],
    run: PausedRun,
    by: string | undefined,
  ) {
    const at = this.parts.clock.now()
    const audited = withAudits(decisions, requirements, run, { ...(by !== undefined && { by }), at })
    const deliveries = audited.approvals.flatMap((one) => this.parts.notices.deliveries('approval.resolved', one, at))
    return { ...audited, deliveries }
  }

  /** Called when decisions and their records are stored. */
  audited(approvals: readonly StoredApproval[]): void {
    for (const approval of approvals)
      this.parts.notices.tell('approval.resolved', { ...approval, runStatus: 'running' })
  }

  private async resolved(id: string): Promise<StoredApproval> {
    const { approvals, clock } = this.parts
    let approval = await approvals.get(fullCaller, id)
    if (approval && isOverdue(approval, clock.now())) {
      await expire(this.parts, approval, clock.now())
      approval = await approvals.get(fullCaller, id)
    }
    if (approval?.status === 'pending') throw approvalPending(id)
    if (approval && approval.status !== 'cancelled') return approval
    throw new ConflictError(
      'RUN_NOT_CONTINUABLE',
      `The run waits for approval "${id}", which ${approval ? 'was cancelled' : 'is not there any more'}. Cancel the run.`,
    )
  }
}
