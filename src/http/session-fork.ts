import { z } from 'zod'
import { ForkedSession } from '../sessions/session.js'
import { reply } from './reply.js'
import { namedIn, servedKinds } from './component-kind.js'
import type { ServedKind } from './component-kind.js'
import { runScope } from './run-path.js'
import { route } from './services.js'
import { sessionParams } from './session-query.js'

function forkRoute(served: ServedKind) {
  const { kind, plural, inPath, notFound } = served
  return route({
    method: 'post',
    path: `/${plural}/${inPath}/sessions/{session_id}/fork`,
    operationId: `fork_${kind}_session`,
    summary: 'Copy a session with its ended runs',
    description:
      'Under new ids; what names a run of the session names its copy then. Pending, running and paused runs are not copied.',
    tags: ['Sessions'],
    scope: [runScope(served), 'sessions:write'],
    params: served.params.extend(sessionParams.shape),
    query: z.object({ userId: z.string().max(255).optional() }),
    response: { 201: ForkedSession },
    errors: {
      403: ['USER_MISMATCH', 'RESERVED_PRINCIPAL'],
      404: [notFound, 'SESSION_NOT_FOUND'],
      409: ['SESSION_EMPTY'],
      503: ['DATABASE_UNAVAILABLE', 'NOT_READY', 'SHUTTING_DOWN'],
    },
    examples: {
      response: {
        session_id: 'ses_019dc1f2-7a00-7000-8000-0123456789ab',
        forked_from_session_id: 'thread-42',
      },
    },
    handler: async ({ os, params, query: { userId } }) => {
      const component = namedIn(served, params)
      os.server.catalog.find(component)
      return reply(201, await os.sessions.fork(params.sessionId, { [served.param]: component.id, userId }))
    },
  })
}

export const sessionForkRoutes = [forkRoute(servedKinds.agent), forkRoute(servedKinds.team)]
