import type { Caller } from '../core/caller.js'

const RESOLVES = new Set(['approvals:write', 'approvals:*:write'])

/** Whoever may resolve approvals has to see them; a scoped caller else sees its own. */
export function seesAllApprovals(caller: Caller): boolean {
  return !caller.scoped || caller.admin || caller.scopes.some((scope) => RESOLVES.has(scope))
}
