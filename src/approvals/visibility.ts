import type { Caller } from '../core/caller.js'

const RESOLVES = new Set(['approvals:write', 'approvals:*:write'])

/** Whoever may resolve approvals has to see them; a scoped caller else sees its own, and one that nobody knows sees none. */
export function seesAllApprovals(caller: Caller): boolean {
  if (!caller.scoped || caller.admin) return true
  // A public path gives its callers the scopes of its route, which make nobody an approver.
  return caller.userId !== undefined && caller.scopes.some((scope) => RESOLVES.has(scope))
}
