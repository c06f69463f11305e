import type { Caller } from '../core/caller.js'
import type { RunHead } from './run-repository.js'

/** Whether the caller's token is for another session than the run's: then it moves the run by nothing. */
export function isBeyondPin({ sessionId: pinned }: Caller, { sessionId }: Pick<RunHead, 'sessionId'>): boolean {
  return pinned !== undefined && pinned !== sessionId
}
