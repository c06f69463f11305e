import type { QBFilterQuery, QueryBuilder } from '@mikro-orm/sql'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../../core/cursor.js'
import type { Page } from '../../core/page.js'
import type { ServiceAccountFilter, StoredServiceAccount } from '../../service-accounts/service-account-repository.js'
import type { EntityWork } from './entity-work.js'
import { countRows, pageMeta } from './page-meta.js'
import { toStoredAccount } from './service-account-row.js'
import { ServiceAccountEntity, type ServiceAccountRow } from './service-account.entity.js'

/** The accounts that a caller sees. */
export interface ServiceAccountScope {
  userId?: string
}

const SORTS = {
  created_at: { property: 'createdAt', index: 'agentos_service_accounts_created', isNullable: false },
  name: { property: 'name', index: 'agentos_service_accounts_name', isNullable: false },
  last_used_at: { property: 'lastUsedAt', index: 'agentos_service_accounts_used', isNullable: true },
  expires_at: { property: 'expiresAt', index: 'agentos_service_accounts_expiry', isNullable: true },
} as const

const id = z.string()
const Place = z.discriminatedUnion('by', [
  z.object({ by: z.literal('created_at'), value: z.number(), id }),
  z.object({ by: z.literal('name'), value: z.string(), id }),
  z.object({ by: z.literal(['last_used_at', 'expires_at']), value: z.number().nullable(), id }),
])
type Place = z.output<typeof Place>

/**
 * A page of the accounts that a caller sees; the id breaks ties.
 *
 * @param scope undefined when the caller sees none.
 */
export async function listServiceAccounts(
  entities: EntityWork,
  scope: ServiceAccountScope | undefined,
  filter: ServiceAccountFilter,
): Promise<Page<StoredServiceAccount>> {
  const startedAt = performance.now()
  const { limit, sortBy, cursor } = filter
  const place = cursor === undefined ? undefined : placeOf(cursor, filter)
  const { rows, counted } = await entities.read(async (em) => {
    if (!scope) return { rows: [], counted: 0 }
    const matching = (): QueryBuilder<ServiceAccountRow> =>
      em
        .createQueryBuilder(ServiceAccountEntity, 'account')
        .where({ ...scope, ...(!filter.includeRevoked && { revokedAt: null }) })
    return { rows: await pageOf(matching, entities, scope, filter, place), counted: await countRows(em, matching()) }
  })
  const data = rows.slice(0, limit)
  const last = rows.length > limit ? data.at(-1) : undefined
  const next = last && encodeCursor({ by: sortBy, value: last[SORTS[sortBy].property] ?? null, id: last.id })
  return { data: data.map(toStoredAccount), meta: pageMeta(filter, counted, startedAt, next) }
}

/** One row more than the page holds, where there is one. */
async function pageOf(
  matching: () => QueryBuilder<ServiceAccountRow>,
  entities: EntityWork,
  scope: ServiceAccountScope,
  { limit, page, sortBy, sortOrder }: ServiceAccountFilter,
  place: Place | undefined,
): Promise<ServiceAccountRow[]> {
  const { property, index, isNullable } = SORTS[sortBy]
  // Of one owner there are few: those are found by their own index, and sorted.
  const hint = scope.userId === undefined ? entities.inOrderOf(index) : undefined
  const sorted = (): QueryBuilder<ServiceAccountRow> => {
    const order = isNullable ? (`${sortOrder} nulls last` as const) : sortOrder
    const query = matching().orderBy([{ [property]: order }, { id: sortOrder }])
    if (hint !== undefined) query.indexHint(hint)
    return query
  }
  if (!place) {
    return sorted()
      .offset((page - 1) * limit)
      .limit(limit + 1)
      .getResultList()
  }
  // Rows without a value are a stretch of their own behind the others: each is read from the place of the cursor on.
  const beyond = sortOrder === 'asc' ? '$gt' : '$lt'
  const { value } = place
  const others = { id: { [beyond]: place.id } }
  const rows: ServiceAccountRow[] = []
  const read = async (condition: QBFilterQuery<ServiceAccountRow>): Promise<void> => {
    const more = sorted()
      .andWhere(condition)
      .limit(limit + 1 - rows.length)
    rows.push(...(await more.getResultList()))
  }
  if (value === null) {
    await read({ [property]: null, ...others })
    return rows
  }
  await read({ [property]: { [`${beyond}e`]: value }, $or: [{ [property]: { [beyond]: value } }, others] })
  if (isNullable && rows.length <= limit) await read({ [property]: null })
  return rows
}

function placeOf(cursor: string, { sortBy }: ServiceAccountFilter): Place {
  return decodeCursor(
    cursor,
    Place.refine(({ by }) => by === sortBy, { error: 'made for another order' }),
  )
}
