import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

const milliseconds = () => p.bigint('number')

/**
 * A decision about calls of a paused run. Made and cancelled by units of the hot path; its JSON is text, so that it
 * comes back as it was written.
 */
export const ApprovalEntity = defineEntity({
  name: 'Approval',
  tableName: 'agentos_approvals',
  properties: {
    id: p.text().primary(),
    runId: p.text(),
    sessionId: p.text(),
    userId: p.text().nullable(),
    startedBy: p.text().nullable(),
    status: p.text(),
    sourceType: p.text(),
    sourceId: p.text(),
    /** Escaped: see `escapeText`. */
    sourceName: p.text(),
    approvalType: p.text(),
    pauseType: p.text(),
    /** Escaped. */
    toolName: p.text(),
    toolArgs: p.text().nullable(),
    toolNames: p.text(),
    requirements: p.text(),
    scheduleId: p.text().nullable(),
    scheduleRunId: p.text().nullable(),
    expiresAt: milliseconds().nullable(),
    /** `reject` or `wait`. */
    onExpiry: p.text().nullable(),
    /** When the host was told that its time is up. */
    expiredAt: milliseconds().nullable(),
    resolution: p.text().nullable(),
    resolvedBy: p.text().nullable(),
    resolvedAt: milliseconds().nullable(),
    /** 1: its run is still to go on by itself. */
    continuesRun: p.integer().default(0),
    appliedAt: milliseconds().nullable(),
    createdAt: milliseconds(),
    updatedAt: milliseconds(),
  },
  indexes: [
    { name: 'agentos_approvals_created', properties: ['createdAt', 'id'] },
    { name: 'agentos_approvals_status', properties: ['status', 'createdAt', 'id'] },
    { name: 'agentos_approvals_user', properties: ['userId', 'createdAt', 'id'] },
    { name: 'agentos_approvals_source', properties: ['sourceId', 'createdAt', 'id'] },
    { name: 'agentos_approvals_run', properties: ['runId'] },
    { name: 'agentos_approvals_session', properties: ['sessionId'] },
    { name: 'agentos_approvals_schedule', properties: ['scheduleId'] },
    { name: 'agentos_approvals_expiry', properties: ['expiresAt'] },
    { name: 'agentos_approvals_continuing', properties: ['id'] },
  ],
})
export type ApprovalRow = InferEntity<typeof ApprovalEntity>
