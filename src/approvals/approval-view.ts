import { toIso } from '../core/clock.js'
import type { StoredApproval } from './approval-repository.js'
import type { Approval, ApprovalStatus } from './approval.js'

const SOURCE_KEY = { agent: 'agentId', team: 'teamId', workflow: 'workflowId' } as const

/** An approval as everybody sees it. */
export function toApproval(stored: StoredApproval): Approval {
  const { source, toolNames, terms, resolution, resolvedAt, createdAt, updatedAt } = stored
  return {
    id: stored.id,
    runId: stored.runId,
    sessionId: stored.sessionId,
    status: stored.status,
    sourceType: source.type,
    sourceName: source.name,
    [SOURCE_KEY[source.type]]: source.id,
    approvalType: stored.approvalType,
    pauseType: stored.pauseType,
    toolName: stored.toolName,
    ...(stored.toolArgs && { toolArgs: stored.toolArgs }),
    requirements: stored.requirements,
    context: { toolNames, sourceName: source.name },
    ...(stored.userId !== undefined && { userId: stored.userId }),
    ...(stored.scheduleId !== undefined && { scheduleId: stored.scheduleId }),
    ...(stored.scheduleRunId !== undefined && { scheduleRunId: stored.scheduleRunId }),
    ...(terms && { expiresAt: toIso(terms.expiresAt) }),
    ...(resolution && { resolutionData: resolution }),
    ...(stored.resolvedBy !== undefined && { resolvedBy: stored.resolvedBy }),
    ...(resolvedAt !== undefined && { resolvedAt: toIso(resolvedAt) }),
    ...(stored.runStatus && { runStatus: stored.runStatus }),
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
  }
}

export function toStatus({ id, status, runId, resolvedAt, resolvedBy }: StoredApproval): ApprovalStatus {
  return {
    approvalId: id,
    status,
    runId,
    ...(resolvedAt !== undefined && { resolvedAt: toIso(resolvedAt) }),
    ...(resolvedBy !== undefined && { resolvedBy }),
  }
}
