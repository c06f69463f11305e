import { z } from 'zod'
import type { Bound } from '../core/caller.js'
import { RUN_PARTS, SESSION_SORT_KEYS, SORT_ORDERS } from '../sessions/session-input.js'
import type { SessionStore } from '../sessions/session-store.js'
import { SESSION_TYPES } from '../sessions/session.js'
import { runStatuses, sortKey } from './coded-query.js'
import { checkDatabase, databaseErrors, databaseQuery } from './database-query.js'
import { pageQuery, sliceQuery } from './pagination.js'
import { commaList, queryEnum, queryInt, queryTime, repeated } from './query.js'
import type { Services } from './services.js'

export const sessionParams = z.object({ sessionId: z.string().meta({ examples: ['thread-42'] }) })

const userIdQuery = z.string().max(255).optional().meta({
  description: 'Whose. Callers that see their own rows only may leave it out, and may not name another.',
})

const selectShape = { ...databaseQuery, type: queryEnum(SESSION_TYPES).optional(), userId: userIdQuery }

/** Parameters of every operation on one session. */
export const sessionQuery = z.object(selectShape)

export const readSessionQuery = sessionQuery.extend({ historyLimit: queryInt(0, 1000).optional() })

export const createSessionQuery = sessionQuery.extend({ type: queryEnum(SESSION_TYPES).default('agent') })

export const deleteSessionsQuery = sessionQuery.extend({
  sessionIds: repeated(z.string())
    .optional()
    .meta({ description: 'In the place of the body, for proxies that drop it.' }),
})

export const listSessionsQuery = z.strictObject({
  ...selectShape,
  ...pageQuery(),
  componentId: z.string().max(255).optional(),
  sessionName: z.string().max(255).optional().meta({ description: 'A part of the name, in any case.' }),
  sortBy: sortKey(SESSION_SORT_KEYS).default('created_at'),
  sortOrder: queryEnum(SORT_ORDERS).default('desc'),
})

export const sessionRunsQuery = z.strictObject({
  ...selectShape,
  ...sliceQuery(),
  createdAfter: queryTime().optional(),
  createdBefore: queryTime().optional(),
  status: runStatuses().optional(),
  include: commaList(RUN_PARTS).optional(),
})

/** Errors of every operation on one session, for a route's table of errors. */
export const sessionErrors = {
  400: databaseErrors[400],
  403: ['USER_MISMATCH', 'RESERVED_PRINCIPAL'],
  404: ['SESSION_NOT_FOUND', ...databaseErrors[404]],
  503: ['DATABASE_UNAVAILABLE', 'NOT_READY', 'SHUTTING_DOWN'],
}

/** The sessions of the database that a request names. */
export function sessionsIn(os: Services, query: { dbId?: string; table?: string }): Bound<SessionStore> {
  checkDatabase(os.server.database, query, os.server.database.tables.sessions)
  return os.sessions
}
