import type { Message } from '../agents/log/message.js'
import type { RunBody } from '../agents/log/run-record.js'
import { deepMerge } from '../agents/session-state.js'
import type { JsonObject } from '../core/json.js'
import type { AcceptedRun } from './run-acceptance.js'
import type { RunRepository } from './run-repository.js'
import type { StoredMedia } from './stored-media.js'

/** What a run begins with: the state of its session, and what the model sees of earlier runs. */
export interface StartingPoint {
  storedState: JsonObject
  initialState: JsonObject
  history: readonly Message[]
  historyRunIds: readonly string[]
}

/**
 * Reads what a run starts from, when its turn has come: what runs before it have left. The cost does not depend on
 * how many runs the session has.
 */
export async function startingPoint(
  { runs, media }: { runs: RunRepository; media: StoredMedia },
  { accepted, runnable, request, sessionId }: AcceptedRun,
): Promise<StartingPoint> {
  const given = runnable.sessionState ?? {}
  const asked = request.options.sessionState ?? {}
  // A session that this run has made has neither runs nor a state of its own.
  const isFresh = accepted.isNewSession && accepted.outcome === 'running' && runnable.introduction === undefined
  const window = isFresh ? undefined : await runs.window(sessionId, accepted.seq, runnable.historyRuns(request.options))
  const storedState = window?.state ?? given
  const earlier = window?.runs ?? []
  const bodies = await media.back(earlier.map(({ body }) => JSON.parse(body) as RunBody))
  return {
    storedState,
    initialState: deepMerge(deepMerge(given, storedState), asked),
    history: bodies.flatMap(({ messages }) => messages?.filter(isToldAgain) ?? []),
    historyRunIds: earlier.map(({ runId }) => runId),
  }
}

/** Instructions are the current run's own, and what was history for an earlier run comes from its own source. */
function isToldAgain(message: Message): boolean {
  return message.role !== 'system' && !message.fromHistory
}
