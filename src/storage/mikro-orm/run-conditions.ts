import { z } from 'zod'
import type { Caller } from '../../core/caller.js'
import { decodeCursor, encodeCursor } from '../../core/cursor.js'
import type { RunFilter } from '../../runs/run-repository.js'
import { mayTouch } from './run-row.js'

/** A run that was listed. It holds no `seq`: who can read that knows how many runs there are in all. */
const Place = z.object({ at: z.number().int(), id: z.string() })
export type RunPlace = z.output<typeof Place>

/** What a column of a listed run must be. Of `in`, the value is a list of texts. */
export type RunCondition =
  | { column: string; operator: '=' | '>=' | '<=' | '<'; value: string | number }
  | { column: string; operator: 'in'; value: readonly string[] }

/** What the caller sees and means, but for `topLevelOnly`; undefined when no row can fit. */
export function runConditions(caller: Caller, filter: RunFilter): RunCondition[] | undefined {
  const { userId, statuses } = filter
  if (caller.scoped && (caller.userId === undefined || (userId !== undefined && userId !== caller.userId))) {
    return undefined
  }
  const conditions: RunCondition[] = []
  const add = (column: string, operator: '=' | '>=' | '<=', value: string | number | undefined): void => {
    if (value !== undefined) conditions.push({ column, operator, value })
  }
  add('session_id', '=', filter.sessionId)
  add('user_id', '=', caller.scoped ? caller.userId : userId)
  add('component_id', '=', filter.componentId)
  add('component_kind', '=', filter.componentKind)
  add('created_at', '>=', filter.createdAfter)
  add('created_at', '<=', filter.createdBefore)
  if (statuses) conditions.push({ column: 'status', operator: 'in', value: statuses })
  return conditions
}

/** The run after which the page of a cursor goes on. */
export function placeOf({ cursor }: RunFilter): RunPlace | undefined {
  return cursor === undefined ? undefined : decodeCursor(cursor, Place)
}

/** The cursor of the page that goes on after a run. */
export function cursorAfter({ run_id: id, created_at: at }: { run_id: string; created_at: number }): string {
  return encodeCursor({ at, id } satisfies RunPlace)
}

/** Leaves the runs that stand before a place, or at it. `found`: the run's row, where there still is one. */
export function beyondPlace(
  caller: Caller,
  { at }: RunPlace,
  found: { seq: number; user_id: string | null } | undefined,
): RunCondition {
  // Of another's run nothing may be learnt from which of the caller's own come before it.
  if (found && mayTouch(caller, found)) return { column: 'seq', operator: '<', value: found.seq }
  return { column: 'created_at', operator: '<=', value: at }
}
