import type { Logger } from '../core/logger.js'
import type { ApprovalNotices } from './approval-notices.js'
import type { ApprovalRepository, StoredApproval } from './approval-repository.js'

export interface ExpiryParts {
  approvals: ApprovalRepository
  notices: ApprovalNotices
  logger: Logger
}

const AT_ONCE = 100

/** Whether nobody has resolved it in time, so that it counts as rejected. */
export function isOverdue({ status, terms }: StoredApproval, at: number): boolean {
  return status === 'pending' && terms?.onExpiry === 'reject' && terms.expiresAt <= at
}

/** Ends the wait for an approval whose time is up, once, and tells the host. False when somebody was faster. */
export async function expire(
  { approvals, notices }: ExpiryParts,
  stored: StoredApproval,
  at: number,
): Promise<boolean> {
  const isRejected = stored.terms?.onExpiry === 'reject'
  const expired: StoredApproval = isRejected
    ? { ...stored, status: 'expired', resolvedAt: at, updatedAt: at }
    : { ...stored, updatedAt: at }
  const deliveries = notices.deliveries('approval.expired', expired, at)
  if (!(await approvals.expire(stored.id, isRejected ? 'expired' : 'pending', at, deliveries))) return false
  notices.tell('approval.expired', expired)
  return true
}

/** Ends the wait for all approvals whose time is up. */
export async function expireOverdue(parts: ExpiryParts, at: number): Promise<void> {
  for (;;) {
    const overdue = await parts.approvals.overdue(at, AT_ONCE)
    for (const stored of overdue) await expire(parts, stored, at)
    if (overdue.length < AT_ONCE) return
  }
}
