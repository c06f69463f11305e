import type { Caller } from '../../../core/caller.js'
import { encodeCursor } from '../../../core/cursor.js'
import { MAX_COUNTED, type Slice } from '../../../core/page.js'
import type { RunFilter, StoredRun } from '../../../runs/run-repository.js'
import type { Bindable, NativeDatabase, Statement } from './native.js'
import { beforeSeq, runConditions, type RunCondition } from '../run-conditions.js'
import { SELECT_STORED, toStoredRun, type StoredRow } from '../run-row.js'

/** Lists runs, newest first in the database and oldest first in the answer. */
export class RunList {
  /** By their SQL: there are few combinations of filters. */
  private readonly prepared = new Map<string, Statement<Bindable[], unknown>>()

  constructor(private readonly database: NativeDatabase) {}

  list(caller: Caller, filter: RunFilter): Slice<StoredRun> {
    const conditions = runConditions(caller, filter)
    if (!conditions) return { data: [], totalCount: 0 }
    const { limit, topLevelOnly } = filter
    const before = beforeSeq(filter)
    const topLevel = topLevelOnly === true ? ['agentos_runs.parent_run_id IS NULL'] : []
    const where = ['1', ...conditions.map(sqlOf), ...topLevel].join(' AND ')
    const values = conditions.map(valueOf)
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

function sqlOf({ column, operator }: RunCondition): string {
  const name = `agentos_runs.${column}`
  return operator === 'in' ? `${name} IN (SELECT value FROM json_each(?))` : `${name} ${operator} ?`
}

function valueOf(condition: RunCondition): Bindable {
  return condition.operator === 'in' ? JSON.stringify(condition.value) : condition.value
}
