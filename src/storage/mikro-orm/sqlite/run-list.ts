import type { Caller } from '../../../core/caller.js'
import { MAX_COUNTED, type Slice } from '../../../core/page.js'
import type { RunFilter, StoredRun } from '../../../runs/run-repository.js'
import type { Bindable, NativeDatabase, Statement } from './native.js'
import { beyondPlace, cursorAfter, placeOf, runConditions, type RunCondition } from '../run-conditions.js'
import { SELECT_STORED, toStoredRun, type StoredRow } from '../run-row.js'

/** Lists runs, newest first in the database and oldest first in the answer. */
export class RunList {
  /** By their SQL: there are few combinations of filters. */
  private readonly prepared = new Map<string, Statement<Bindable[], unknown>>()
  private readonly selectPlace: Statement<[runId: string], { seq: number; user_id: string | null }>

  constructor(private readonly database: NativeDatabase) {
    this.selectPlace = database.prepare('SELECT seq, user_id FROM agentos_runs WHERE run_id = ?')
  }

  list(caller: Caller, filter: RunFilter): Slice<StoredRun> {
    const conditions = runConditions(caller, filter)
    if (!conditions) return { data: [], totalCount: 0 }
    const { limit, topLevelOnly } = filter
    const place = placeOf(filter)
    const beyond = place ? [beyondPlace(caller, place, this.selectPlace.get(place.id))] : []
    const topLevel = topLevelOnly === true ? ['agentos_runs.parent_run_id IS NULL'] : []
    const where = ['1', ...conditions.map(sqlOf), ...topLevel].join(' AND ')
    const values = conditions.map(valueOf)
    const page = [where, ...beyond.map(sqlOf)].join(' AND ')
    const rows = this.statement<StoredRow>(`${SELECT_STORED} WHERE ${page} ORDER BY agentos_runs.seq DESC LIMIT ?`).all(
      ...values,
      ...beyond.map(valueOf),
      limit + 1,
    )
    const { total } = this.statement<{ total: number }>(
      `SELECT count(*) AS total FROM (SELECT 1 FROM agentos_runs WHERE ${where} LIMIT ${MAX_COUNTED})`,
    ).get(...values)!
    const data = rows.slice(0, limit).reverse()
    const [oldest] = data
    return {
      data: data.map(toStoredRun),
      totalCount: total,
      nextCursor: oldest && rows.length > limit ? cursorAfter(oldest) : undefined,
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
