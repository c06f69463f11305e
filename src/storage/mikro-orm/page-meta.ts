import { raw } from '@mikro-orm/core'
import type { EntityManager, QueryBuilder } from '@mikro-orm/sql'
import { MAX_COUNTED, type PageMeta } from '../../core/page.js'

/** How many rows a query finds; counting ends where the answer is "more than we count". */
export async function countRows<Row extends object>(em: EntityManager, matching: QueryBuilder<Row>): Promise<number> {
  const some = matching.select(raw('1 as one')).limit(MAX_COUNTED + 1)
  const total = em.createQueryBuilder(some, 'some').select(raw('count(*) as total'))
  const [row] = await total.execute<{ total: number | string }[]>()
  return Number(row?.total ?? 0)
}

/** What a page says about its list. */
export function pageMeta(
  { page, limit, cursor }: { page: number; limit: number; cursor?: string },
  counted: number,
  startedAt: number,
  nextCursor: string | undefined,
): PageMeta {
  const totalCount = Math.min(counted, MAX_COUNTED)
  return {
    page: cursor === undefined ? page : 0,
    limit,
    totalCount,
    totalPages: Math.ceil(totalCount / limit),
    ...(counted > MAX_COUNTED && { totalCountIsLowerBound: true }),
    searchTimeMs: performance.now() - startedAt,
    ...(nextCursor !== undefined && { nextCursor }),
  }
}
