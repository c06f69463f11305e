import { z } from 'zod'
import { NotFoundError } from '../core/errors.js'
import { Timestamp } from '../core/schema.js'
import { namedIn } from './component-kind.js'
import type { ServedKind } from './component-kind.js'
import type { ScopeRequirement } from './route.js'
import type { Services } from './services.js'

export function runParams({ params }: ServedKind): z.ZodObject<{ runId: z.ZodString }> {
  return params.extend({ runId: z.string() })
}

/** A run that works in the background. */
export const RunAccepted = z
  .object({ runId: z.string(), sessionId: z.string(), status: z.literal('pending'), createdAt: Timestamp })
  .meta({ id: 'RunAccepted' })

/** Every operation on runs asks for the right to run the component. */
export function runScope({ plural, param }: ServedKind): ScopeRequirement<never> {
  // The path of each kind has its own parameter, which no type here can name.
  return { scope: `${plural}:run`, component: param as never }
}

/**
 * Checks that the path names a run of its component; any other is not there.
 *
 * @returns the id of the run.
 * @throws NotFoundError `AGENT_NOT_FOUND`, `TEAM_NOT_FOUND`, `WORKFLOW_NOT_FOUND`, `RUN_NOT_FOUND`
 */
export async function checkRun(
  os: Services,
  served: ServedKind,
  params: Readonly<Record<string, unknown>>,
  { sessionId, userId }: { sessionId?: string; userId?: string } = {},
): Promise<string> {
  const runId = params.runId as string
  const named = os.server.catalog.find(namedIn(served, params))
  const { component, parentRunId, ...head } = await os.runs.head(runId)
  const isMeant = component.kind === named.kind && component.id === named.id && parentRunId === undefined
  const isOthers = userId !== undefined && userId !== head.userId
  if (!isMeant || isOthers || (sessionId !== undefined && sessionId !== head.sessionId)) {
    throw new NotFoundError('RUN_NOT_FOUND', `There is no run "${runId}".`)
  }
  return runId
}

/** Tells a client which run it got, before the body does. Ids of callers may hold what a header can't: it is encoded. */
export function runHeaders({ runId, sessionId }: { runId: string; sessionId: string }): Record<string, string> {
  return { 'X-Run-Id': headerValue(runId), 'X-Session-Id': headerValue(sessionId) }
}

function headerValue(id: string): string {
  // With the escape character itself, or two ids would look alike.
  return /^[\u0021-\u0024\u0026-\u007e]+$/.test(id) ? id : encodeURIComponent(id)
}
