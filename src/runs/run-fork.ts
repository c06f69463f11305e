import { withoutApproval } from '../approvals/pause-approval.js'
import type { Facts, LogEntry } from '../agents/log/entry.js'
import type { RunFold } from '../agents/log/fold.js'
import type { Message } from '../agents/log/message.js'
import type { Runnable } from '../agents/runnable.js'
import { fullCaller } from '../core/caller.js'
import type { Clock } from '../core/clock.js'
import { ForbiddenError } from '../core/errors.js'
import { newId } from '../core/ids.js'
import { audited, tellOfAudits } from './audited.js'
import type { EventBus } from './event-bus.js'
import { pausedRun } from './leg-end.js'
import type { LegWitnesses } from './leg-end.js'
import { planOf } from './local-run.js'
import type { LocalRunPlan } from './local-run.js'
import { startEntry } from './run-acceptance.js'
import type { RunHead, RunMode, RunRepository } from './run-repository.js'
import { serializeRequest } from './run-request.js'
import type { RunRequest } from './run-request.js'
import { toSegment } from './segment.js'
import type { StoredMedia } from './stored-media.js'
import { foldOf } from './turn.js'

export interface RunForkParts extends LegWitnesses {
  runs: RunRepository
  media: StoredMedia
  events: EventBus
  clock: Clock
  executorId: string
}

/** What a fork is made of. */
export interface ForkOrder {
  source: RunHead
  /** Of the source, cut to what the fork takes over. */
  fold: RunFold
  runnable: Runnable
  request: RunRequest
  /** Decisions and what the user says further. */
  continued: Facts
  mode: RunMode
  /** The fork answers again what its source has answered. */
  regenerates: boolean
  /** The source is superseded once the fork is completed. */
  replaces: boolean
  /** Who has decided. */
  decidedBy: string | undefined
}

/** Index of the event with which the stream of a fork begins: `RunStarted` comes before it, as in every log. */
export const FORK_CONTINUED = 1

/**
 * Stores a fork, which goes on at once: its row and the two entries that begin its log, all of it or nothing. From then
 * on it is a run like any other, and needs its source no more.
 *
 * @throws ForbiddenError `APPROVAL_PENDING`
 * @throws NotFoundError `RUN_NOT_FOUND` when the source was deleted meanwhile.
 */
export async function acceptFork(parts: RunForkParts, order: ForkOrder): Promise<LocalRunPlan> {
  const { runs, media, events, clock, executorId } = parts
  const { source, fold, runnable, request, mode, decidedBy } = order
  refuseGated(fold, source)
  const runId = newId('run')
  const at = clock.now()
  const { sessionId, userId } = source
  const run = pausedRun({ runId, sessionId, userId }, runnable, request)
  const { facts: continued, ...records } = audited(parts, order.continued, fold, run, decidedBy)
  const placed = forkEntries({ ...order, continued }).map((entry, index) => ({ index, at, entry }))
  const accepted = await runs.accept(fullCaller, {
    run: {
      runId,
      sessionId,
      userId,
      component: { kind: runnable.kind, id: runnable.id, name: runnable.name },
      mode,
      request: serializeRequest(await media.aside(runId, request)),
      createdAt: at,
    },
    forkOf: source.runId,
    newSession: { name: '', state: {} },
    concurrency: 'allow',
    executorId,
    firstSegment: toSegment(await media.aside(runId, placed), 1),
    maxPending: Number.MAX_SAFE_INTEGER,
    ...records,
  })
  if (accepted.outcome !== 'running') throw new TypeError('A fork begins at once.')
  tellOfAudits(parts, records)
  events.committed(runId, FORK_CONTINUED, placed)
  const begin = async () => ({ attempt: 1, fold: foldOf(placed) })
  return planOf({ runId, sessionId, userId, seq: accepted.seq, mode }, { runnable, request, begin })
}

function forkEntries({ source, fold, runnable, continued, regenerates, replaces }: ForkOrder): LogEntry[] {
  const started = startEntry(runnable)
  const { runId } = source
  const { withheldIds: withheld } = fold
  const facts: Facts = {
    messages: fold.messages.map((message) => (isToldBySource(source, replaces) ? copied(message) : message)),
    ...(fold.historyRunIds && { historyRunIds: [...fold.historyRunIds] }),
    inherited: {
      tools: fold.tools.map(withoutApproval),
      requirements: fold.requirements,
      ...(withheld.length > 0 && { withheld }),
    },
    origin: {
      forkedFromRunId: runId,
      forkedFromMessageIndex: fold.messages.length,
      ...(regenerates && { regeneratedFrom: runId }),
    },
    ...(replaces && { replaces: runId }),
  }
  return [
    { ...started, facts },
    { event: { event: 'RunContinued' }, ...(Object.keys(continued).length > 0 && { facts: continued }) },
  ]
}

/** Whether later runs learn from the source what the fork has taken over. */
function isToldBySource({ status }: RunHead, replaces: boolean): boolean {
  return status === 'completed' && !replaces
}

function copied(message: Message): Message {
  return { ...message, fromHistory: true }
}

/**
 * An approval is for one call of one run: a copy of the call would be made without, or a second time.
 *
 * @throws ForbiddenError `APPROVAL_PENDING`
 */
export function refuseGated(fold: RunFold, { runId }: RunHead): void {
  const gated = fold.openRequirements.find(({ toolExecution }) => toolExecution.approvalType === 'required')
  if (!gated) return
  throw new ForbiddenError(
    'APPROVAL_PENDING',
    `The call of "${gated.toolExecution.toolName}" waits for an approval, which counts for run "${runId}" only. ` +
      'Continue that run, or fork it from before the call.',
  )
}
