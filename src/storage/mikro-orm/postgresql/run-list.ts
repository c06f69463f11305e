import type { Caller } from '../../../core/caller.js'
import { encodeCursor } from '../../../core/cursor.js'
import { MAX_COUNTED, type Slice } from '../../../core/page.js'
import type { RunFilter, StoredRun } from '../../../runs/run-repository.js'
import { beforeSeq, runConditions } from '../run-conditions.js'
import { SELECT_STORED, toStoredRun, type StoredRow } from '../run-row.js'
import type { Bindable } from './native.js'
import type { Query } from './work.js'

/** Lists runs, newest first in the database and oldest first in the answer. */
export async function listRuns(query: Query, caller: Caller, filter: RunFilter): Promise<Slice<StoredRun>> {
  const conditions = runConditions(caller, filter)
  if (!conditions) return { data: [], totalCount: 0 }
  const { limit } = filter
  const values: Bindable[] = conditions.map(({ value }) => value)
  const where = conditions.map(({ column, operator }, at) => {
    if (operator === 'in') return `agentos_runs.${column} = ANY($${at + 1}::text[])`
    return `agentos_runs.${column} ${operator} $${at + 1}`
  })
  if (filter.topLevelOnly === true) where.push('agentos_runs.parent_run_id IS NULL')
  const all = where.length === 0 ? 'true' : where.join(' AND ')
  // Planned with the values at hand, each time: which index is best hangs on them.
  const page = {
    text: `${SELECT_STORED} WHERE ${all} AND agentos_runs.seq < $${values.length + 1}
      ORDER BY agentos_runs.seq DESC LIMIT $${values.length + 2}`,
  }
  const total = {
    text: `SELECT count(*)::int AS total FROM (SELECT 1 FROM agentos_runs WHERE ${all} LIMIT ${MAX_COUNTED}) AS counted`,
  }
  const [rows, [counted]] = await Promise.all([
    query<StoredRow>(page, [...values, beforeSeq(filter), limit + 1]),
    query<{ total: number }>(total, values),
  ])
  const data = rows.slice(0, limit).reverse()
  const [oldest] = data
  return {
    data: data.map(toStoredRun),
    totalCount: counted!.total,
    nextCursor: oldest && rows.length > limit ? encodeCursor(oldest.seq) : undefined,
  }
}
