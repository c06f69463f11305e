import type { RunFold } from '../agents/log/fold.js'
import type { Message } from '../agents/log/message.js'
import type { RunBody } from '../agents/log/run-record.js'
import { deepMerge } from '../agents/session-state.js'
import { fullCaller } from '../core/caller.js'
import type { JsonObject } from '../core/json.js'
import type { LocalRunPlan } from './local-run.js'
import type { RunRepository, SessionWindow } from './run-repository.js'
import type { StoredMedia } from './stored-media.js'

/** What a leg begins with: the state of its session, and what the model sees of earlier runs. */
export interface StartingPoint {
  storedState: JsonObject
  initialState: JsonObject
  history: readonly Message[]
  historyRunIds: readonly string[]
}

interface Stores {
  runs: RunRepository
  media: StoredMedia
}

/**
 * Reads what a leg starts from, when its turn has come: what runs before it have left. The cost does not depend on
 * how many runs the session has. A run that goes on sees the same earlier runs as before.
 */
export async function startingPoint(
  stores: Stores,
  { isFresh, seq, runnable, request, sessionId }: LocalRunPlan,
  fold: RunFold,
): Promise<StartingPoint> {
  const given = runnable.sessionState ?? {}
  const hasBegun = fold.historyRunIds !== undefined
  const limit = hasBegun ? 0 : runnable.historyRuns(request.options)
  const window = isFresh ? undefined : await stores.runs.window(sessionId, seq, limit)
  const storedState = window?.state ?? given
  // What the request brought is in the stored state once the run's first messages are.
  const asked = hasBegun ? {} : (request.options.sessionState ?? {})
  const earlier = fold.historyRunIds ? await readRuns(stores.runs, fold.historyRunIds) : (window?.runs ?? [])
  const bodies = await stores.media.back(earlier.map(({ body }) => JSON.parse(body) as RunBody))
  return {
    storedState,
    initialState: deepMerge(deepMerge(given, storedState), asked),
    history: bodies.flatMap(({ messages }) => messages?.filter(isToldAgain) ?? []),
    historyRunIds: earlier.map(({ runId }) => runId),
  }
}

async function readRuns(runs: RunRepository, runIds: readonly string[]): Promise<SessionWindow['runs']> {
  const stored = await Promise.all(runIds.map((runId) => runs.get(fullCaller, runId)))
  return stored.flatMap((run) => (run?.body === undefined ? [] : [{ runId: run.head.runId, body: run.body }]))
}

/** Instructions are the current run's own, and what was history for an earlier run comes from its own source. */
function isToldAgain(message: Message): boolean {
  return message.role !== 'system' && !message.fromHistory
}
