import type { Decision } from '../agents/log/decision.js'
import type { Caller } from '../core/caller.js'
import { fullCaller } from '../core/caller.js'
import { checkInput } from '../core/check-input.js'
import type { Clock } from '../core/clock.js'
import { AgentOSError, UnavailableError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { Page } from '../core/page.js'
import { visibleUserId } from '../core/principal.js'
import type { Catalog } from '../runs/catalog.js'
import { alreadyResolved, approvalNotFound, pendingDelete, selfApproval } from './approval-errors.js'
import type { ApprovalNotices } from './approval-notices.js'
import type { ApprovalFilter, ApprovalRepository, Resolution, StoredApproval } from './approval-repository.js'
import { toApproval, toStatus } from './approval-view.js'
import { CountApprovals, ListApprovals, ResolveApproval } from './approval.js'
import type { Approval, ApprovalStatus } from './approval.js'
import { expire, expireOverdue, isOverdue } from './expiry.js'
import { checkedDecisions } from './resolution.js'
import { seesAllApprovals } from './visibility.js'

export interface ApprovalGateParts {
  approvals: ApprovalRepository
  /** What can be run, as it is now. */
  catalog: Catalog
  /** Has a run go on in the background, as the caller that started it. */
  continueRun(runId: string): Promise<unknown>
  notices: ApprovalNotices
  clock: Clock
  logger: Logger
  /** Lets callers resolve approvals of runs that they have started themselves. */
  allowsSelfApproval: boolean
}

const AT_ONCE = 100

/**
 * Approvals: who may decide about calls of tools with `approval: 'required'`, and what was decided.
 *
 * Each is resolved once. Its run goes on with that decision and no other, when somebody continues it.
 */
export class ApprovalGate {
  constructor(private readonly parts: ApprovalGateParts) {}

  /** Newest first, a page at a time. */
  async list(caller: Caller, filter: ListApprovals = {}): Promise<Page<Approval>> {
    const { limit, page, cursor, ...rest } = checkInput(ListApprovals, filter)
    await this.expireSome()
    const found = await this.parts.approvals.list(caller, toFilter(caller, rest), { limit, page, cursor })
    return { ...found, data: found.data.map(toApproval) }
  }

  /** How many are pending. */
  async count(caller: Caller, filter: CountApprovals = {}): Promise<{ count: number }> {
    await this.expireSome()
    const fields = toFilter(caller, checkInput(CountApprovals, filter))
    return { count: await this.parts.approvals.count(caller, { ...fields, status: 'pending' }) }
  }

  /** @throws NotFoundError `APPROVAL_NOT_FOUND` */
  async get(caller: Caller, id: string): Promise<Approval> {
    return toApproval(await this.find(caller, id))
  }

  /**
   * The little that somebody polls for.
   *
   * @throws NotFoundError `APPROVAL_NOT_FOUND`
   */
  async status(caller: Caller, id: string): Promise<ApprovalStatus> {
    return toStatus(await this.find(caller, id))
  }

  /**
   * Decides. Of any number at once, one wins; the others are told who. The run goes on when somebody continues it, or
   * by itself with `continueRun`, as the caller that started it.
   *
   * @throws NotFoundError `APPROVAL_NOT_FOUND`
   * @throws ForbiddenError `SELF_APPROVAL`
   * @throws ConflictError `APPROVAL_ALREADY_RESOLVED`; `RUN_NOT_CONTINUABLE` when the tool is not there any more, or
   *   does not take the arguments: reject, or edit them.
   * @throws ValidationError `RESOLUTION_INCOMPLETE`, `INVALID_TOOL_ARGS`, `UNKNOWN_TOOL_CALL`
   *
   * @example
   * ```ts
   * await agentOS.approvals.resolve(approval.id, { status: 'approved', resolvedBy: 'bob', continueRun: true })
   * ```
   */
  async resolve(caller: Caller, id: string, input: ResolveApproval): Promise<Approval> {
    const { approvals, notices, clock } = this.parts
    const { status, resolvedBy, resolutionData, continueRun = false } = checkInput(ResolveApproval, input)
    const stored = await this.find(caller, id)
    this.refuseSelf(caller, stored)
    if (stored.status !== 'pending') throw alreadyResolved(stored)
    const decisions = checkedDecisions(stored, status, resolutionData ?? {})
    await this.checkCalls(stored, decisions)
    const at = clock.now()
    const by = caller.userId ?? resolvedBy
    const resolved: StoredApproval = {
      ...stored,
      status,
      ...(resolutionData && { resolution: resolutionData }),
      ...(by !== undefined && { resolvedBy: by }),
      resolvedAt: at,
      updatedAt: at,
    }
    const change: Resolution = {
      status,
      data: resolutionData,
      resolvedBy: by,
      at,
      continuesRun: continueRun,
      deliveries: notices.deliveries('approval.resolved', resolved, at),
    }
    // The condition stands in the statement that writes: whoever changes the row has won.
    if (!(await approvals.resolve(caller, id, change))) throw alreadyResolved(await this.find(caller, id))
    notices.tell('approval.resolved', resolved)
    if (!continueRun) return toApproval(resolved)
    await this.continueRun(stored)
    return toApproval(await this.find(fullCaller, id))
  }

  /**
   * Removes a closed record. One that a run still waits for stays.
   *
   * @throws NotFoundError `APPROVAL_NOT_FOUND`, also for whoever sees its own only.
   * @throws ConflictError `APPROVAL_PENDING_DELETE`
   */
  async delete(caller: Caller, id: string): Promise<void> {
    const stored = await this.find(caller, id)
    // What was decided about somebody is not theirs to remove.
    if (caller.scoped) throw approvalNotFound(id)
    if (stored.status === 'pending' || isAwaited(stored)) throw pendingDelete(id)
    if (!(await this.parts.approvals.delete(caller, id))) throw approvalNotFound(id)
  }

  /** Called by the loop in the background; not part of what callers get. */
  readonly sweep = async (): Promise<void> => {
    const { approvals, clock } = this.parts
    await expireOverdue(this.parts, clock.now())
    for (const { id, runId } of await approvals.toContinue(AT_ONCE)) await this.continueRun({ id, runId })
  }

  /** An approval whose time is up is looked at as what it has become. */
  private async find(caller: Caller, id: string): Promise<StoredApproval> {
    const { approvals, clock } = this.parts
    let stored = await approvals.get(caller, id)
    if (stored && isOverdue(stored, clock.now())) {
      await expire(this.parts, stored, clock.now())
      stored = await approvals.get(caller, id)
    }
    if (!stored) throw approvalNotFound(id)
    return stored
  }

  private async expireSome(): Promise<void> {
    await expireOverdue(this.parts, this.parts.clock.now())
  }

  private refuseSelf(caller: Caller, { id, userId, startedBy }: StoredApproval): void {
    if (this.parts.allowsSelfApproval || caller.admin || caller.userId === undefined) return
    if (caller.userId === userId || caller.userId === startedBy) throw selfApproval(id)
  }

  /** Whether the calls can be made by the component as it is now. One that another process has is looked at there. */
  private async checkCalls(stored: StoredApproval, decisions: readonly Decision[]): Promise<void> {
    const { source } = stored
    const component = this.parts.catalog.all(source.type).find(({ id }) => id === source.id)
    const asked = new Map(stored.requirements.map((one) => [one.toolExecution.toolCallId, one]))
    await component?.checkDecisions?.(
      decisions.map((decision) => {
        const { toolExecution: tool, memberAgentId, memberRunId } = asked.get(decision.toolCallId)!
        return { decision, tool, ...(memberRunId !== undefined && { member: { memberAgentId, memberRunId } }) }
      }),
    )
  }

  /** Has the run go on. Where it can't, the decision stands all the same, and is there for whoever continues it. */
  private async continueRun({ id, runId }: { id: string; runId: string }): Promise<void> {
    const { approvals, logger } = this.parts
    try {
      await this.parts.continueRun(runId)
    } catch (error) {
      if (!(error instanceof AgentOSError) || error instanceof UnavailableError) {
        logger.error(
          { err: error, approvalId: id, runId },
          'A run could not go on after its approval; it is tried again',
        )
        return
      }
      logger.warn({ err: error, approvalId: id, runId }, 'A run does not go on by itself after its approval')
      await approvals.leaveRun(id)
    }
  }
}

/** Resolved, and its run has not gone on with it yet. */
function isAwaited({ approvalType, status, appliedAt, runStatus }: StoredApproval): boolean {
  return approvalType === 'required' && status !== 'cancelled' && appliedAt === undefined && runStatus === 'paused'
}

function toFilter(
  caller: Caller,
  { agentId, teamId, workflowId, userId, ...rest }: Omit<Parsed, 'limit' | 'page' | 'cursor'>,
): ApprovalFilter {
  const whose = seesAllApprovals(caller) ? { ...caller, scoped: false } : caller
  const given = { agent: agentId, team: teamId, workflow: workflowId }
  return {
    ...rest,
    userId: visibleUserId(whose, userId),
    sourceIds: (['agent', 'team', 'workflow'] as const).flatMap((type) => {
      const id = given[type]
      return id === undefined ? [] : [{ type, id }]
    }),
  }
}

type Parsed = ReturnType<typeof ListApprovals.parse>
