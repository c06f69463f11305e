import { raw } from '@mikro-orm/core'
import type { EntityManager, QBFilterQuery, QueryBuilder } from '@mikro-orm/sql'
import { z } from 'zod'
import type { ApprovalFilter } from '../../approvals/approval-repository.js'
import { seesAllApprovals } from '../../approvals/visibility.js'
import type { Caller } from '../../core/caller.js'
import { decodeCursor, encodeCursor } from '../../core/cursor.js'
import { MAX_COUNTED, type PageMeta } from '../../core/page.js'
import { ApprovalEntity, type ApprovalRow } from './approval.entity.js'
import type { EntityWork } from './entity-work.js'

export interface ApprovalPlace {
  limit: number
  page: number
  cursor?: string
}

const Place = z.object({ at: z.number(), id: z.string() })

/** Filters that leave few rows, which are found by an index of their own and sorted. */
const NARROW = ['userId', 'sourceId', 'runId', 'sessionId', 'scheduleId'] as const

/** A page of approvals, newest first. */
export async function listApprovals(
  em: EntityManager,
  entities: EntityWork,
  where: ApprovalWhere,
  { limit, page, cursor }: ApprovalPlace,
): Promise<{ rows: ApprovalRow[]; meta: PageMeta }> {
  const startedAt = performance.now()
  const place = cursor === undefined ? undefined : beyond(decodeCursor(cursor, Place))
  const sorted = match(em, where).orderBy([{ createdAt: 'desc' }, { id: 'desc' }])
  const isNarrow = NARROW.some((key) => where[key] !== undefined)
  const index = where.status === undefined ? 'agentos_approvals_created' : 'agentos_approvals_status'
  const hint = isNarrow ? undefined : entities.inOrderOf(index)
  if (hint !== undefined) sorted.indexHint(hint)
  const paged = place ? sorted.andWhere(place) : sorted.offset((page - 1) * limit)
  const found = await paged.limit(limit + 1).getResultList()
  const counted = await count(em, where, MAX_COUNTED + 1)
  const rows = found.slice(0, limit)
  const last = found.length > limit ? rows.at(-1) : undefined
  const totalCount = Math.min(counted, MAX_COUNTED)
  const meta: PageMeta = {
    page: place ? 0 : page,
    limit,
    totalCount,
    totalPages: Math.ceil(totalCount / limit),
    ...(counted > MAX_COUNTED && { totalCountIsLowerBound: true }),
    searchTimeMs: performance.now() - startedAt,
    ...(last && { nextCursor: encodeCursor({ at: last.createdAt, id: last.id }) }),
  }
  return { rows, meta }
}

/** How many there are; counting ends at `limit`. */
export async function count(em: EntityManager, where: ApprovalWhere, limit = Number.MAX_SAFE_INTEGER): Promise<number> {
  const some = match(em, where).select(raw('1 as one')).limit(limit)
  const total = em.createQueryBuilder(some, 'some').select(raw('count(*) as total'))
  const [row] = await total.execute<{ total: number | string }[]>()
  // PostgreSQL counts beyond what its driver takes for a number.
  return Number(row?.total ?? 0)
}

export type ApprovalWhere = Partial<
  Pick<
    ApprovalRow,
    | 'status'
    | 'approvalType'
    | 'pauseType'
    | 'sourceType'
    | 'sourceId'
    | 'userId'
    | 'scheduleId'
    | 'runId'
    | 'sessionId'
  >
>

/** What the caller sees and means; undefined when that can't be any. */
export function whereOf(caller: Caller, { sourceIds, ...filter }: ApprovalFilter): ApprovalWhere | undefined {
  const scope = approvalScope(caller)
  if (!scope || (filter.userId !== undefined && scope.userId !== undefined && filter.userId !== scope.userId)) {
    return undefined
  }
  const [source, other] = sourceIds
  const isOther = filter.sourceType !== undefined && source !== undefined && filter.sourceType !== source.type
  if (other || isOther) return undefined
  const given = Object.entries({ ...filter, ...scope }).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(given), ...(source && { sourceType: source.type, sourceId: source.id }) }
}

/** Whose approvals a caller may see; undefined when nobody's. */
export function approvalScope(caller: Caller): { userId?: string } | undefined {
  if (seesAllApprovals(caller)) return {}
  return caller.userId === undefined ? undefined : { userId: caller.userId }
}

function match(em: EntityManager, where: ApprovalWhere): QueryBuilder<ApprovalRow> {
  return em.createQueryBuilder(ApprovalEntity, 'approval').where(where)
}

function beyond({ at, id }: z.output<typeof Place>): QBFilterQuery<ApprovalRow> {
  return { createdAt: { $lte: at }, $or: [{ createdAt: { $lt: at } }, { id: { $lt: id } }] }
}
