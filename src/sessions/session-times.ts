import { toIso } from '../core/clock.js'
import { invalidRange } from './session-errors.js'

/** When a summary was written. Older clients can't read `Z` here. */
export function toSummaryTime(milliseconds: number): string {
  return toIso(milliseconds).replace(/Z$/, '+00:00')
}

/** The version of a session that its `updatedAt` stands for. A text that is no time is one that no session ever has. */
export function toVersion(updatedAt: string): number {
  const milliseconds = Date.parse(updatedAt)
  return Number.isNaN(milliseconds) ? -1 : milliseconds
}

/**
 * The times between which runs were created, in milliseconds.
 *
 * @throws ValidationError `INVALID_RANGE`
 */
export function toTimeRange({ createdAfter, createdBefore }: { createdAfter?: string; createdBefore?: string }) {
  const after = createdAfter === undefined ? undefined : Date.parse(createdAfter)
  const before = createdBefore === undefined ? undefined : Date.parse(createdBefore)
  if (after !== undefined && before !== undefined && after > before) throw invalidRange(createdAfter!, createdBefore!)
  return { createdAfter: after, createdBefore: before === undefined ? undefined : toEndOfSecond(before) }
}

/** A bound in whole seconds includes that second: runs show the time of their creation in whole seconds. */
function toEndOfSecond(milliseconds: number): number {
  return milliseconds % 1000 === 0 ? milliseconds + 999 : milliseconds
}
