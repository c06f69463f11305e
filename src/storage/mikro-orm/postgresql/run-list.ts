import type { Caller } from '../../../core/caller.js'
import { MAX_COUNTED, type Slice } from '../../../core/page.js'
import type { RunFilter, StoredRun } from '../../../runs/run-repository.js'
import { beyondPlace, cursorAfter, placeOf, runConditions, type RunCondition } from '../run-conditions.js'
import { SELECT_STORED, toStoredRun, type StoredRow } from '../run-row.js'
import type { Bindable } from './native.js'
import type { Query } from './work.js'

interface PlaceRow {
  seq: number
  user_id: string | null
}

const SELECT_PLACE = { name: 'agentos_run_place', text: 'SELECT seq, user_id FROM agentos_runs WHERE run_id = $1' }

/** Lists runs, newest first in the database and oldest first in the answer. */
export async function listRuns(query: Query, caller: Caller, filter: RunFilter): Promise<Slice<StoredRun>> {
  const conditions = runConditions(caller, filter)
  if (!conditions) return { data: [], totalCount: 0 }
  const { limit } = filter
  const values: Bindable[] = conditions.map(({ value }) => value)
  const where = conditions.map(sqlOf)
  if (filter.topLevelOnly === true) where.push('agentos_runs.parent_run_id IS NULL')
  const all = where.length === 0 ? 'true' : where.join(' AND ')
  // Planned with the values at hand, each time: which index is best hangs on them.
  const place = placeOf(filter)
  const beyond = place ? [beyondPlace(caller, place, (await query<PlaceRow>(SELECT_PLACE, [place.id]))[0])] : []
  const pageValues = [...values, ...beyond.map(({ value }) => value)]
  const page = {
    text: `${SELECT_STORED} WHERE ${[all, ...beyond.map((one) => sqlOf(one, values.length))].join(' AND ')}
      ORDER BY agentos_runs.seq DESC LIMIT $${pageValues.length + 1}`,
  }
  const total = {
    text: `SELECT count(*)::int AS total FROM (SELECT 1 FROM agentos_runs WHERE ${all} LIMIT ${MAX_COUNTED}) AS counted`,
  }
  const [rows, [counted]] = await Promise.all([
    query<StoredRow>(page, [...pageValues, limit + 1]),
    query<{ total: number }>(total, values),
  ])
  const data = rows.slice(0, limit).reverse()
  const [oldest] = data
  return {
    data: data.map(toStoredRun),
    totalCount: counted!.total,
    nextCursor: oldest && rows.length > limit ? cursorAfter(oldest) : undefined,
  }
}

function sqlOf({ column, operator }: RunCondition, at: number): string {
  if (operator === 'in') return `agentos_runs.${column} = ANY($${at + 1}::text[])`
  return `agentos_runs.${column} ${operator} $${at + 1}`
}
