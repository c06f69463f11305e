import { raw, type FilterQuery } from '@mikro-orm/core'
import type { EntityManager, QBFilterQuery } from '@mikro-orm/sql'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../../core/cursor.js'
import { MAX_COUNTED, type Page } from '../../core/page.js'
import type { Session } from '../../sessions/session.js'
import type { SessionFilter } from '../../sessions/session-repository.js'
import type { EntityWork } from './entity-work.js'
import { toSession } from './session-row.js'
import { SessionEntity, type SessionRow } from './session.entity.js'
import { foldText } from './text.js'

type Where = FilterQuery<SessionRow>

/** The sessions that a caller sees and means. */
export interface SessionScope {
  type?: SessionRow['type']
  userId?: string
}

const SORT_PROPERTIES = { created_at: 'createdAt', updated_at: 'updatedAt', session_name: 'nameSearch' } as const

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
  const { limit, sortBy, cursor } = filter
  const place = cursor === undefined ? undefined : placeOf(cursor, filter)
  const { rows, counted } = await entities.read(async (em) => {
    if (!scope) return { rows: [], counted: 0 }
    const where = (): Where[] => [scope, ...narrowing(filter, entities.position)]
    return {
      rows: await find(em, place ? [...where(), place] : where(), filter),
      counted: await count(em, where()),
    }
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

/** The rows of the page, and one more when there is one. */
function find(em: EntityManager, where: Where[], { sortBy, sortOrder, limit, page, cursor }: SessionFilter) {
  return em.find(
    SessionEntity,
    { $and: where },
    {
      disableIdentityMap: true,
      orderBy: [{ [SORT_PROPERTIES[sortBy]]: sortOrder }, { sessionId: sortOrder }],
      limit: limit + 1,
      ...(cursor === undefined && { offset: (page - 1) * limit }),
    },
  )
}

/** How many there are; counting ends where the answer is "more than we count". */
async function count(em: EntityManager, where: Where[]): Promise<number> {
  const some = em
    .createQueryBuilder(SessionEntity)
    .select(raw('1 as one'))
    .where({ $and: where } as QBFilterQuery<SessionRow>)
    .limit(MAX_COUNTED + 1)
  const total = em.createQueryBuilder(some, 'some').select(raw('count(*) as total'))
  const [row] = await total.execute<{ total: number }[]>()
  return row?.total ?? 0
}

function narrowing(filter: SessionFilter, position: EntityWork['position']): Where[] {
  const { componentId } = filter
  const name = foldText(filter.name ?? '')
  return [
    ...(componentId === undefined ? [] : [{ componentId }]),
    // Not LIKE: every character of the name stands for itself.
    ...(name === '' ? [] : [{ [raw((alias) => `${position}(${alias}.name_search, ?)`, [name])]: { $gt: 0 } }]),
  ]
}

function placeOf(cursor: string, { sortBy, sortOrder }: SessionFilter): Where {
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
