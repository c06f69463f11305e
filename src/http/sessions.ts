import { z } from 'zod'
import { PageMeta } from '../core/page.js'
import { attributedUserId } from '../core/principal.js'
import { CreateSession, DeleteSessions, RenameSession, UpdateSession } from '../sessions/session-input.js'
import { SessionDetail, SessionListItem } from '../sessions/session.js'
import { databaseErrors } from './database-query.js'
import { etag, ifMatch } from './etag.js'
import { pageWindow } from './pagination.js'
import { parseDecoded } from './parse-wire.js'
import { reply } from './reply.js'
import { route } from './services.js'
import { newSessionExample, sessionExample, sessionListExample } from './session-examples.js'
import {
  createSessionQuery,
  deleteSessionsQuery,
  listSessionsQuery,
  readSessionQuery,
  sessionErrors,
  sessionParams,
  sessionQuery,
  sessionsIn,
} from './session-query.js'
import { sessionRunRoutes } from './session-runs.js'

const tags = ['Sessions']

const listSessions = route({
  method: 'get',
  path: '/sessions',
  operationId: 'list_sessions',
  summary: 'List sessions',
  description: 'Newest first, unless asked for in another order. Their runs and messages are not loaded.',
  tags,
  scope: 'sessions:read',
  query: listSessionsQuery,
  response: { 200: z.object({ data: z.array(SessionListItem), meta: PageMeta }).meta({ id: 'SessionPage' }) },
  errors: { ...sessionErrors, 404: databaseErrors[404], 422: ['INVALID_SORT'] },
  examples: { response: sessionListExample },
  handler: ({ os, query }) => {
    if (query.cursor === undefined) pageWindow(query)
    return sessionsIn(os, query).list(query)
  },
})

const createSession = route({
  method: 'post',
  path: '/sessions',
  operationId: 'create_session',
  summary: 'Create an empty session',
  description: 'Not needed before a run: a session that is not there is created with its first run.',
  tags,
  scope: 'sessions:write',
  query: createSessionQuery,
  body: CreateSession.omit({ type: true }),
  response: { 201: SessionDetail },
  errors: {
    ...sessionErrors,
    404: databaseErrors[404],
    409: ['SESSION_EXISTS'],
    422: ['COMPONENT_TYPE_MISMATCH'],
  },
  examples: {
    request: { session_name: 'Orders', agent_id: 'support', user_id: 'alice', session_state: { order_id: 7 } },
    response: newSessionExample,
  },
  handler: async ({ os, caller, query: { type, userId, ...database }, body }) => {
    attributedUserId(caller, userId)
    return versioned(201, await sessionsIn(os, database).create({ ...body, type, userId: body.userId ?? userId }))
  },
})

const getSession = route({
  method: 'get',
  path: '/sessions/{session_id}',
  operationId: 'get_session',
  summary: 'Get a session',
  description: 'With the newest messages of its history, oldest first.',
  tags,
  scope: 'sessions:read',
  params: sessionParams,
  query: readSessionQuery,
  response: { 200: SessionDetail },
  errors: sessionErrors,
  examples: { response: sessionExample },
  handler: async ({ os, params, query }) => versioned(200, await sessionsIn(os, query).get(params.sessionId, query)),
})

const renameSession = route({
  method: 'post',
  path: '/sessions/{session_id}/rename',
  operationId: 'rename_session',
  summary: 'Rename a session',
  tags,
  scope: 'sessions:write',
  params: sessionParams,
  query: sessionQuery,
  body: RenameSession,
  response: { 200: SessionDetail },
  errors: sessionErrors,
  examples: { request: { session_name: 'Order 7' }, response: { ...sessionExample, session_name: 'Order 7' } },
  handler: async ({ os, params, query, body }) =>
    versioned(200, await sessionsIn(os, query).rename(params.sessionId, body.sessionName, query)),
})

const updateSession = route({
  method: 'patch',
  path: '/sessions/{session_id}',
  operationId: 'update_session',
  summary: 'Change a session',
  description:
    'A value replaces the old one whole, `null` clears, what is absent stays. With `If-Match`, the `ETag` of what was ' +
    'read, nothing is written when the session has changed since.',
  tags,
  scope: 'sessions:write',
  params: sessionParams,
  query: sessionQuery,
  body: UpdateSession,
  response: { 200: SessionDetail },
  errors: { ...sessionErrors, 409: ['SESSION_CHANGED'] },
  examples: {
    request: { session_state: { order_id: 8 }, metadata: null },
    response: { ...sessionExample, session_state: { order_id: 8 }, metadata: undefined },
  },
  handler: async ({ os, params, query, body, headers }) =>
    versioned(
      200,
      await sessionsIn(os, query).update(params.sessionId, body, { ...query, ifUpdatedAt: ifMatch(headers) }),
    ),
})

const deleteSession = route({
  method: 'delete',
  path: '/sessions/{session_id}',
  operationId: 'delete_session',
  summary: 'Delete a session',
  description: 'With its runs and their events. What runs in it is cancelled first.',
  tags,
  scope: 'sessions:delete',
  params: sessionParams,
  query: sessionQuery,
  response: { 204: null },
  errors: sessionErrors,
  handler: ({ os, params, query }) => sessionsIn(os, query).delete(params.sessionId, query),
})

const deleteSessions = route({
  method: 'delete',
  path: '/sessions',
  operationId: 'delete_sessions',
  summary: 'Delete several sessions',
  description:
    'All in one transaction. Sessions that are not there are passed over; `X-Deleted-Count` says how many there were.',
  tags,
  scope: 'sessions:delete',
  query: deleteSessionsQuery,
  body: DeleteSessions.partial({ sessionIds: true }),
  response: { 204: null },
  errors: { ...sessionErrors, 404: databaseErrors[404], 422: ['LENGTH_MISMATCH'] },
  examples: { request: { session_ids: ['thread-42', 'thread-43'], session_types: ['agent', 'agent'] } },
  handler: async ({ os, query, body }) => {
    const input = parseDecoded(DeleteSessions, { sessionIds: query.sessionIds, ...body })
    const count = await sessionsIn(os, query).deleteMany(input, query)
    return reply(204, undefined, { headers: { 'X-Deleted-Count': String(count) } })
  },
})

/** An answer whose `ETag` fits `If-Match` of an update. */
function versioned<const Status extends number>(status: Status, session: SessionDetail) {
  return reply(status, session, { headers: { ETag: etag(session.updatedAt) } })
}

export const sessionRoutes = [
  listSessions,
  createSession,
  deleteSessions,
  getSession,
  updateSession,
  deleteSession,
  renameSession,
  ...sessionRunRoutes,
]
