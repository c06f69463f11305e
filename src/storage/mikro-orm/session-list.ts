import { raw } from '@mikro-orm/core'
import type { EntityManager, QBFilterQuery, QueryBuilder } from '@mikro-orm/sql'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../../core/cursor.js'
import { MAX_COUNTED, type Page } from '../../core/page.js'
import type { Session } from '../../sessions/session.js'
import type { SessionFilter } from '../../sessions/session-repository.js'
import type { EntityWork } from './entity-work.js'
import { toSession } from './session-row.js'
import { SessionEntity, type SessionRow } from './session.entity.js'
import { foldText } from './text.js'

/** The sessions that a caller sees and means. */
export interface SessionScope {
  type?: SessionRow['type']
  userId?: string
}

const SORT_PROPERTIES = { created_at: 'createdAt', updated_at: 'updatedAt', session_name: 'nameSearch' } as const
const SORT_INDEXES = {
  created_at: 'agentos_sessions_created',
  updated_at: 'agentos_sessions_updated',
  session_name: 'agentos_sessions_name',
} as const

const Place = z.discriminatedUnion('by', [
  z.object({ by: z.literal(['created_at', 'updated_at']), value: z.number(), id: z.string() }),
  z.object({ by: z.literal('session_name'), value: z.string(), id: z.string() }),
])

/**
 * A page of the sessions that a caller sees. The id breaks ties, so that no row is passed over or shown twice.
 *
 * @param scope undefined when the caller sees none.
 */
export async function listSessions(
  entities: EntityWork,
  scope: SessionScope | undefined,
  filter: SessionFilter,
): Promise<Page<Session>> {
  const startedAt = performance.now()
  const { limit, sortBy, sortOrder, cursor } = filter
  const place = cursor === undefined ? undefined : placeOf(cursor, filter)
  const { rows, counted } = await entities.read(async (em) => {
    if (!scope) return { rows: [], counted: 0 }
    const matching = () => match(em, scope, filter, entities.position)
    const sorted = matching().orderBy([{ [SORT_PROPERTIES[sortBy]]: sortOrder }, { sessionId: sortOrder }])
    // Of one user or component there are few: those are found by their own index, and sorted.
    const hint = entities.inOrderOf(SORT_INDEXES[sortBy])
    if (hint !== undefined && scope.userId === undefined && filter.componentId === undefined) sorted.indexHint(hint)
    const paged = place ? sorted.andWhere(place) : sorted.offset((filter.page - 1) * limit)
    return { rows: await paged.limit(limit + 1).getResultList(), counted: await count(em, matching()) }
  })
  const data = rows.slice(0, limit)
  const last = rows.length > limit ? data.at(-1) : undefined
  const totalCount = Math.min(counted, MAX_COUNTED)
  return {
    data: data.map(toSession),
    meta: {
      page: place ? 0 : filter.page,
      limit,
      totalCount,
      totalPages: Math.ceil(totalCount / limit),
      ...(counted > MAX_COUNTED && { totalCountIsLowerBound: true }),
      searchTimeMs: performance.now() - startedAt,
      ...(last && {
        nextCursor: encodeCursor({ by: sortBy, value: last[SORT_PROPERTIES[sortBy]], id: last.sessionId }),
      }),
    },
  }
}

function match(
  em: EntityManager,
  { type, userId }: SessionScope,
  { componentId, name }: SessionFilter,
  position: EntityWork['position'],
): QueryBuilder<SessionRow> {
  const part = foldText(name ?? '')
  const query = em.createQueryBuilder(SessionEntity, 'session').where({
    ...(type !== undefined && { type }),
    ...(userId !== undefined && { userId }),
    ...(componentId !== undefined && { componentId }),
  })
  // Not LIKE: every character of the name stands for itself. And not raw() as a key of the condition: MikroORM then
  // takes a question mark in the value for a placeholder.
  return part === '' ? query : query.andWhere(`${position}(session.name_search, ?) > 0`, [part])
}

/** How many there are; counting ends where the answer is "more than we count". */
async function count(em: EntityManager, matching: QueryBuilder<SessionRow>): Promise<number> {
  const some = matching.select(raw('1 as one')).limit(MAX_COUNTED + 1)
  const total = em.createQueryBuilder(some, 'some').select(raw('count(*) as total'))
  const [row] = await total.execute<{ total: number | string }[]>()
  // PostgreSQL counts beyond what its driver takes for a number.
  return Number(row?.total ?? 0)
}

function placeOf(cursor: string, { sortBy, sortOrder }: SessionFilter): QBFilterQuery<SessionRow> {
  const { value, id } = decodeCursor(
    cursor,
    Place.refine(({ by }) => by === sortBy, { error: 'made for another order' }),
  )
  const beyond = sortOrder === 'asc' ? '$gt' : '$lt'
  const property = SORT_PROPERTIES[sortBy]
  // The first condition is where the index starts from; the alternatives alone would make it start at its begin.
  return {
    [property]: { [`${beyond}e`]: value },
    $or: [{ [property]: { [beyond]: value } }, { sessionId: { [beyond]: id } }],
  }
}
