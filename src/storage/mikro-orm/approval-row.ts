import type { JsonObject } from '../../core/json.js'
import type { StoredApproval } from '../../approvals/approval-repository.js'
import type { ResolutionData } from '../../approvals/approval.js'
import type { RunStatus } from '../../agents/log/run-record.js'
import type { ApprovalRow } from './approval.entity.js'
import { jsonColumn } from './session-row.js'
import { escapeText, unescapeText } from './text.js'

type NewRow = Omit<ApprovalRow, 'expiredAt' | 'continuesRun'>

export function toApprovalRow(stored: StoredApproval): NewRow {
  const { source, terms } = stored
  return {
    id: stored.id,
    runId: stored.runId,
    sessionId: stored.sessionId,
    userId: stored.userId ?? null,
    startedBy: stored.startedBy ?? null,
    status: stored.status,
    sourceType: source.type,
    sourceId: source.id,
    sourceName: escapeText(source.name),
    approvalType: stored.approvalType,
    pauseType: stored.pauseType,
    toolName: escapeText(stored.toolName),
    toolArgs: jsonColumn(stored.toolArgs),
    toolNames: JSON.stringify(stored.toolNames),
    requirements: JSON.stringify(stored.requirements),
    scheduleId: stored.scheduleId ?? null,
    scheduleRunId: stored.scheduleRunId ?? null,
    expiresAt: terms?.expiresAt ?? null,
    onExpiry: terms?.onExpiry ?? null,
    resolution: jsonColumn(stored.resolution),
    resolvedBy: stored.resolvedBy ?? null,
    resolvedAt: stored.resolvedAt ?? null,
    appliedAt: stored.appliedAt ?? null,
    createdAt: stored.createdAt,
    updatedAt: stored.updatedAt,
  }
}

export function toStoredApproval(row: ApprovalRow, runStatus: string | undefined): StoredApproval {
  const { expiresAt, onExpiry } = row
  return {
    id: row.id,
    runId: row.runId,
    sessionId: row.sessionId,
    userId: row.userId ?? undefined,
    startedBy: row.startedBy ?? undefined,
    status: row.status as StoredApproval['status'],
    source: {
      type: row.sourceType as StoredApproval['source']['type'],
      id: row.sourceId,
      name: unescapeText(row.sourceName),
    },
    approvalType: row.approvalType as StoredApproval['approvalType'],
    pauseType: row.pauseType as StoredApproval['pauseType'],
    toolName: unescapeText(row.toolName),
    toolArgs: row.toolArgs == null ? undefined : (JSON.parse(row.toolArgs) as JsonObject),
    toolNames: JSON.parse(row.toolNames) as string[],
    requirements: JSON.parse(row.requirements) as StoredApproval['requirements'],
    scheduleId: row.scheduleId ?? undefined,
    scheduleRunId: row.scheduleRunId ?? undefined,
    terms: expiresAt == null ? undefined : { expiresAt, onExpiry: onExpiry === 'wait' ? 'wait' : 'reject' },
    resolution: row.resolution == null ? undefined : (JSON.parse(row.resolution) as ResolutionData),
    resolvedBy: row.resolvedBy ?? undefined,
    resolvedAt: row.resolvedAt ?? undefined,
    runStatus: runStatus as RunStatus | undefined,
    appliedAt: row.appliedAt ?? undefined,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}
