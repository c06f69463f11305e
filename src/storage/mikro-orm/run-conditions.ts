import { z } from 'zod'
import type { Caller } from '../../core/caller.js'
import { decodeCursor } from '../../core/cursor.js'
import type { RunFilter } from '../../runs/run-repository.js'

const Place = z.number().int().positive()

/** What a column of a listed run must be. Of `in`, the value is a list of texts. */
export type RunCondition =
  | { column: string; operator: '=' | '>=' | '<='; value: string | number }
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

/** The `seq` that the cursor stands for. */
export function beforeSeq({ cursor }: RunFilter): number {
  return cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor, Place)
}
