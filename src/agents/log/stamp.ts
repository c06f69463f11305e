import { toEpochSeconds } from '../../core/clock.js'
import type { RunEvent, RunEventBody } from './events.js'

/** Whose event it is. */
export interface EventSource {
  runId: string
  sessionId: string
  agentId: string
  agentName: string
  parentRunId?: string
}

/**
 * The event as the contract shows it: what the run told, with whose it is, when it was, and its place in the log.
 * A stamp wins over a field of the same name, so that no custom event can pass for another run's.
 *
 * @param atMs when the event was logged, in milliseconds since 1970.
 */
export function stampEvent(body: RunEventBody, source: EventSource, index: number, atMs: number): RunEvent {
  const { runId, sessionId, agentId, agentName, parentRunId } = source
  const stamped = {
    ...body,
    createdAt: toEpochSeconds(atMs),
    agentId,
    agentName,
    runId,
    sessionId,
    ...(parentRunId !== undefined && { parentRunId }),
    nestedDepth: 0,
    eventIndex: index,
  }
  return stamped
}
