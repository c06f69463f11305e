import { z } from 'zod'
import type { Caller } from '../../../core/caller.js'
import { decodeCursor, encodeCursor } from '../../../core/cursor.js'
import { MAX_COUNTED, type Slice } from '../../../core/page.js'
import type { RunFilter, StoredRun } from '../../../runs/run-repository.js'
import type { Bindable, NativeDatabase, Statement } from './native.js'
import { SELECT_STORED, toStoredRun, type StoredRow } from './run-row.js'

const Place = z.number().int().positive()

/** Lists runs, newest first in the database and oldest first in the answer. */
export class RunList {
  /** By their SQL: there are few combinations of filters. */
  private readonly prepared = new Map<string, Statement<Bindable[], unknown>>()

  constructor(private readonly database: NativeDatabase) {}

  list(caller: Caller, filter: RunFilter): Slice<StoredRun> {
    const conditions = conditionsOf(caller, filter)
    if (!conditions) return { data: [], totalCount: 0 }
    const { limit, cursor } = filter
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor, Place)
    const where = ['1', ...conditions.map(([condition]) => condition)].join(' AND ')
    const values = conditions.map(([, value]) => value)
    const rows = this.statement<StoredRow>(
      `${SELECT_STORED} WHERE ${where} AND agentos_runs.seq < ? ORDER BY agentos_runs.seq DESC LIMIT ?`,
    ).all(...values, before, limit + 1)
    const { total } = this.statement<{ total: number }>(
      `SELECT count(*) AS total FROM (SELECT 1 FROM agentos_runs WHERE ${where} LIMIT ${MAX_COUNTED})`,
    ).get(...values)!
    const data = rows.slice(0, limit).reverse()
    const [oldest] = data
    return {
      data: data.map(toStoredRun),
      totalCount: total,
      nextCursor: oldest && rows.length > limit ? encodeCursor(oldest.seq) : undefined,
    }
  }

  private statement<Row>(sql: string): Statement<Bindable[], Row> {
    let statement = this.prepared.get(sql)
    if (!statement) this.prepared.set(sql, (statement = this.database.prepare(sql)))
    return statement as Statement<Bindable[], Row>
  }
}

type Condition = [sql: string, value: Bindable]

/** Undefined when no row can fit. */
function conditionsOf(caller: Caller, filter: RunFilter): Condition[] | undefined {
  const { userId } = filter
  if (caller.scoped && (caller.userId === undefined || (userId !== undefined && userId !== caller.userId))) {
    return undefined
  }
  const conditions: Condition[] = []
  const add = (sql: string, value: Bindable | undefined): void => {
    if (value !== undefined) conditions.push([`agentos_runs.${sql}`, value])
  }
  add('session_id = ?', filter.sessionId)
  add('user_id = ?', caller.scoped ? caller.userId : userId)
  add('component_id = ?', filter.componentId)
  add('component_kind = ?', filter.componentKind)
  add('created_at >= ?', filter.createdAfter)
  add('created_at <= ?', filter.createdBefore)
  add('status IN (SELECT value FROM json_each(?))', filter.statuses && JSON.stringify(filter.statuses))
  add('parent_run_id IS NULL = ?', filter.topLevelOnly === true ? 1 : undefined)
  return conditions
}
