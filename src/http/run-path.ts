import { z } from 'zod'
import { NotFoundError } from '../core/errors.js'
import { Timestamp } from '../core/schema.js'
import type { Services } from './services.js'

export const agentParams = z.object({ agentId: z.string().meta({ examples: ['support'] }) })
export const runParams = agentParams.extend({ runId: z.string() })

/** A run that works in the background. */
export const RunAccepted = z
  .object({ runId: z.string(), sessionId: z.string(), status: z.literal('pending'), createdAt: Timestamp })
  .meta({ id: 'RunAccepted' })

/** Every operation on runs asks for the right to run the agent. */
export const runScope = { scope: 'agents:run', component: 'agentId' } as const

/**
 * Checks that the path names a run of its agent; any other is not there.
 *
 * @throws NotFoundError `AGENT_NOT_FOUND`, `RUN_NOT_FOUND`
 */
export async function checkRun(
  os: Services,
  { agentId, runId }: { agentId: string; runId: string },
  { sessionId, userId }: { sessionId?: string; userId?: string } = {},
): Promise<void> {
  const agent = os.server.catalog.agent(agentId)
  const { component, parentRunId, ...head } = await os.runs.head(runId)
  const isMeant = component.kind === agent.kind && component.id === agent.id && parentRunId === undefined
  const isOthers = userId !== undefined && userId !== head.userId
  if (!isMeant || isOthers || (sessionId !== undefined && sessionId !== head.sessionId)) {
    throw new NotFoundError('RUN_NOT_FOUND', `There is no run "${runId}".`)
  }
}

/** Tells a client which run it got, before the body does. Ids of callers may hold what a header can't: it is encoded. */
export function runHeaders({ runId, sessionId }: { runId: string; sessionId: string }): Record<string, string> {
  return { 'X-Run-Id': headerValue(runId), 'X-Session-Id': headerValue(sessionId) }
}

function headerValue(id: string): string {
  // With the escape character itself, or two ids would look alike.
  return /^[\u0021-\u0024\u0026-\u007e]+$/.test(id) ? id : encodeURIComponent(id)
}
