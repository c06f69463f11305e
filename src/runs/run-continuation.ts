import { z } from 'zod'
import type { LogEntry } from '../agents/log/entry.js'
import type { Decision } from '../agents/log/decision.js'
import type { RunFold } from '../agents/log/fold.js'
import type { Caller } from '../core/caller.js'
import { checkInput } from '../core/check-input.js'
import type { Clock } from '../core/clock.js'
import { ConflictError, NotFoundError } from '../core/errors.js'
import { UserJsonObject } from '../core/schema.js'
import type { Catalog } from './catalog.js'
import { decide, RequirementDecision, ToolDecision } from './decisions.js'
import type { EventBus } from './event-bus.js'
import type { LocalRunPlan } from './local-run.js'
import type { RunMode, RunRepository, StoredRun } from './run-repository.js'
import { parseRequest } from './run-request.js'
import { toSegment } from './segment.js'
import { foldLog } from './stored-run.js'
import type { StoredMedia } from './stored-media.js'

/** What `runs.continue()` takes. */
export const ContinueRun = z.object({
  /** Decisions about paused tool calls, by the call's id. */
  tools: z.array(ToolDecision).optional(),
  /** The same, by the requirement's id. */
  requirements: z.array(RequirementDecision).optional(),
  /** Values for tools and prompts in this leg; these keys win over those that the run began with. */
  dependencies: z.record(z.string(), z.unknown()).optional(),
  metadata: UserJsonObject.optional(),
})
export type ContinueRun = z.input<typeof ContinueRun> & { signal?: AbortSignal }

export interface RunContinuationParts {
  runs: RunRepository
  media: StoredMedia
  events: EventBus
  catalog: Catalog
  clock: Clock
  executorId: string
}

/** Moves a run on that has paused or failed. */
export class RunContinuation {
  constructor(private readonly parts: RunContinuationParts) {}

  /**
   * Checks the decisions and opens the run's next leg, by compare-and-set: of two who continue a run, one does. A call
   * that is refused changes nothing.
   *
   * @throws NotFoundError `RUN_NOT_FOUND`
   * @throws ConflictError `RUN_ALREADY_RUNNING`, `RUN_NOT_CONTINUABLE`, `RUN_REQUIREMENTS_UNRESOLVED`
   * @throws ValidationError `UNKNOWN_TOOL_CALL`, `INVALID_TOOL_ARGS`
   */
  async open(caller: Caller, runId: string, given: ContinueRun, mode: RunMode): Promise<LocalRunPlan> {
    const { runs, media, catalog, clock, executorId, events } = this.parts
    const { signal: _signal, ...fields } = given
    const input = checkInput(ContinueRun, fields)
    const stored = await runs.get(caller, runId)
    if (!stored) throw new NotFoundError('RUN_NOT_FOUND', `There is no run "${runId}".`)
    const { head } = stored
    checkContinuable(stored)
    const runnable = catalog.agent(head.component.id)
    const fold = await foldLog(runs, head, media)
    const decisions = decide(fold.requirements, input)
    await runnable.checkDecisions?.(pairs(fold, decisions))
    const at = clock.now()
    const attempt = head.attempt + 1
    const index = head.lastIndex + 1
    const entry: LogEntry = {
      event: { event: 'RunContinued' },
      ...(decisions.length > 0 && { facts: { decisions } }),
    }
    const placed = [{ index, at, entry }]
    const segment = toSegment(placed, attempt)
    if (!(await runs.reopen({ runId, attempt: head.attempt, executorId, mode, segment, at })))
      throw alreadyRunning(runId)
    fold.apply(entry, index, at)
    events.committed(runId, index, placed)
    const request = await media.back(parseRequest(stored.request))
    return {
      runnable,
      runId,
      sessionId: head.sessionId,
      userId: head.userId,
      seq: head.seq,
      mode,
      priority: 0,
      request: {
        ...request,
        options: { ...request.options, dependencies: { ...request.options.dependencies, ...input.dependencies } },
      },
      isFresh: false,
      mayBeUnread: false,
      begin: async () => ({ attempt, fold }),
    }
  }
}

function checkContinuable({ head: { status, runId, cancelRequestedAt } }: StoredRun): void {
  if (status === 'pending' || status === 'running') throw alreadyRunning(runId)
  if ((status === 'paused' || status === 'error') && cancelRequestedAt === undefined) return
  throw new ConflictError('RUN_NOT_CONTINUABLE', `Run "${runId}" is ${status}, which can't be continued.`)
}

function alreadyRunning(runId: string): ConflictError {
  return new ConflictError('RUN_ALREADY_RUNNING', `Run "${runId}" goes on already.`)
}

function pairs(fold: RunFold, decisions: readonly Decision[]) {
  return decisions.map((decision) => ({ decision, tool: fold.tool(decision.toolCallId)! }))
}
