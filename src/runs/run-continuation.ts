import { isGated } from '../approvals/pause-approval.js'
import type { Facts, LogEntry } from '../agents/log/entry.js'
import type { Decision } from '../agents/log/decision.js'
import type { RunFold } from '../agents/log/fold.js'
import type { RunInput } from '../agents/log/run-record.js'
import type { RunSource } from '../agents/log/source.js'
import type { StepContinuation } from '../agents/log/events.js'
import type { MadeDecision, Runnable, WakeUp } from '../agents/runnable.js'
import type { Caller } from '../core/caller.js'
import { checkInput } from '../core/check-input.js'
import type { Clock } from '../core/clock.js'
import { ConflictError, NotConfiguredError, NotFoundError, ValidationError } from '../core/errors.js'
import { audited, tellOfAudits } from './audited.js'
import type { Catalog } from './catalog.js'
import { continuePoint } from './continue-point.js'
import { checkParams, ContinueRun } from './continue-run.js'
import type { CheckedContinue } from './continue-run.js'
import { decide } from './decisions.js'
import type { GivenDecisions } from './decisions.js'
import { checkWaitsForSomebody, stepDecisions } from './step-decisions.js'
import type { EventBus } from './event-bus.js'
import { planOf } from './local-run.js'
import type { LocalRunPlan } from './local-run.js'
import { pausedRun } from './leg-end.js'
import { isBeyondPin } from './pinned-session.js'
import type { LegWitnesses } from './leg-end.js'
import { acceptFork, FORK_CONTINUED, refuseGated } from './run-fork.js'
import type { RunHead, RunMode, RunRepository, StoredRun } from './run-repository.js'
import { parseRequest, serializeRequest } from './run-request.js'
import type { RunRequest } from './run-request.js'
import { toSegment } from './segment.js'
import { foldLog, sourceOf } from './stored-run.js'
import type { StoredMedia } from './stored-media.js'

export interface RunContinuationParts extends LegWitnesses {
  runs: RunRepository
  media: StoredMedia
  events: EventBus
  catalog: Catalog
  clock: Clock
  executorId: string
}

/** A leg that has begun: of the run itself, or the first one of its fork. */
export interface OpenedLeg {
  plan: LocalRunPlan
  /** Index of its `RunContinued`. */
  firstIndex: number
  source: RunSource
}

/** A leg that is about to begin, with everything checked. */
interface NextLeg {
  stored: StoredRun
  runnable: Runnable
  /** Cut to what stays. */
  fold: RunFold
  /** What `RunContinued` says. */
  facts: Facts
  /** Index after which what was shown is void. */
  discardAfter: number | undefined
  /** Of a workflow: the step at which it goes on. */
  step?: StepContinuation
  request: RunRequest
  mode: RunMode
  /** Who has decided. */
  decidedBy: string | undefined
  /** Approvals have decided about some of its calls. */
  appliesApprovals: boolean
}

/** Moves a run on that has paused, failed or, in a copy, ended. */
export class RunContinuation {
  constructor(private readonly parts: RunContinuationParts) {}

  /**
   * Checks what was asked and opens the run's next leg, by compare-and-set: of two who continue a run, one does. Or
   * makes a fork, which leaves the run as it is. A call that is refused changes nothing.
   *
   * @throws NotFoundError `RUN_NOT_FOUND`
   * @throws ForbiddenError `APPROVAL_PENDING`
   * @throws ConflictError `RUN_ALREADY_RUNNING`, `RUN_NOT_CONTINUABLE`, `RUN_REQUIREMENTS_UNRESOLVED`
   * @throws ValidationError `UNKNOWN_TOOL_CALL`, `INVALID_TOOL_ARGS`, `CONTINUE_INDEX_OUT_OF_RANGE`,
   *   `CONTINUE_PARAMS_CONFLICT`
   */
  async open(caller: Caller, runId: string, given: ContinueRun, mode: RunMode): Promise<OpenedLeg> {
    const { runs, media, catalog } = this.parts
    const { signal: _signal, ...fields } = given
    const input = checkInput(ContinueRun, fields)
    checkParams(input)
    const stored = await runs.get(caller, runId)
    if (!stored || isBeyondPin(caller, stored.head)) {
      throw new NotFoundError('RUN_NOT_FOUND', `There is no run "${runId}".`)
    }
    const { head } = stored
    refuseNested(head)
    checkContinuable(stored)
    const runnable = catalog.find(head.component)
    const fold = await foldLog(runs, head, media)
    const isFork = head.status === 'completed' || input.fork === true || input.regenerate === true
    // Asked before anything is cut off: what waits for an approval is not got rid of by leaving it out.
    const settled = isFork ? undefined : await this.settled(fold)
    const kept = continuePoint(fold, input, isFork)
    const unsaid = kept === undefined ? fold.inputs : []
    const discardAfter = kept === undefined ? fold.withdrawUnfinished() : fold.keep(kept)
    if (isFork) {
      refuseGated(fold, head)
      // It takes over none of the runs inside: what they are to do is begun, and asked about, anew.
      fold.dropLifted()
    }
    const decisions = decide(fold.requirements, withSteps(runnable, head, fold, input), settled)
    checkDecidable(stored, input)
    await runnable.checkDecisions?.(pairs(fold, decisions))
    const next: NextLeg = {
      stored,
      runnable,
      fold,
      facts: {
        ...(kept !== undefined && !isFork && { keptMessages: kept }),
        ...(decisions.length > 0 && { decisions }),
        ...inputsOf(input, isFork ? unsaid : []),
      },
      discardAfter,
      ...(runnable.continuation && { step: runnable.continuation(fold, decisions) }),
      request: requestOf(await media.back(parseRequest(stored.request)), caller, input, isFork),
      mode,
      decidedBy: caller.userId,
      appliesApprovals: settled !== undefined && settled.size > 0,
    }
    return isFork ? this.fork(next, input) : this.reopen(next)
  }

  /**
   * Opens the next leg of a workflow that goes on by itself. Undefined when somebody was faster.
   *
   * @param fold of the run; it is gone on with.
   */
  async wake(stored: StoredRun, fold: RunFold, { step, facts, decisions }: WakeUp): Promise<OpenedLeg | undefined> {
    const { media, catalog } = this.parts
    const request = await media.back(parseRequest(stored.request))
    try {
      return await this.reopen({
        stored,
        fold,
        step,
        request,
        runnable: catalog.find(stored.head.component),
        facts: {
          ...(facts && { step: facts }),
          ...(decisions && { decisions }),
        },
        discardAfter: undefined,
        mode: 'background',
        decidedBy: undefined,
        appliesApprovals: false,
      })
    } catch (error) {
      if (error instanceof ConflictError) return undefined
      throw error
    }
  }

  /** What approvals have decided about calls that wait for one. */
  private async settled({ openRequirements }: RunFold): Promise<ReadonlyMap<string, Decision> | undefined> {
    if (this.parts.approvals) return this.parts.approvals.settle(openRequirements)
    if (!openRequirements.some(({ toolExecution }) => isGated(toolExecution))) return undefined
    throw new NotConfiguredError('APPROVALS_NOT_CONFIGURED', 'The run waits for an approval, and there are none here.')
  }

  private async fork(next: NextLeg, { regenerate = false, replaceOriginal = true }: CheckedContinue) {
    const { stored, facts: continued } = next
    const replaces = regenerate && replaceOriginal
    const order = { ...next, source: stored.head, continued, regenerates: regenerate, replaces }
    const plan = await acceptFork(this.parts, order)
    return { plan, firstIndex: FORK_CONTINUED, source: { ...sourceOf(stored.head), runId: plan.runId } }
  }

  private async reopen(next: NextLeg): Promise<OpenedLeg> {
    const { runs, media, clock, executorId, events } = this.parts
    const { stored, fold, discardAfter, step, mode, request, runnable, appliesApprovals, decidedBy } = next
    const { head } = stored
    const { runId } = head
    const { facts, ...records } = audited(
      this.parts,
      next.facts,
      fold,
      pausedRun(head, head.component, request),
      decidedBy,
    )
    const at = clock.now()
    const attempt = head.attempt + 1
    const firstIndex = head.lastIndex + 1
    const placed = continuedEntries(facts, step, discardAfter, attempt).map((entry, offset) => ({
      index: firstIndex + offset,
      at,
      entry,
    }))
    const segment = toSegment(placed, attempt)
    const text = serializeRequest(await media.aside(runId, request))
    const unit = { runId, attempt: head.attempt, executorId, mode, segment, at, request: text, ...records }
    if (!(await runs.reopen(appliesApprovals ? { ...unit, appliesApprovals } : unit))) throw alreadyRunning(runId)
    tellOfAudits(this.parts, records)
    for (const { entry, index } of placed) fold.apply(entry, index, at)
    events.committed(runId, segment.lastIndex, placed)
    const plan = planOf({ ...head, mode }, { runnable, request, begin: async () => ({ attempt, fold }) })
    return { plan, firstIndex, source: sourceOf(head) }
  }
}

/** @throws NotFoundError `RUN_NOT_FOUND` for a run inside of another, which goes on with that one. */
function refuseNested({ runId, rootRunId }: RunHead): void {
  if (rootRunId === undefined) return
  throw new NotFoundError('RUN_NOT_FOUND', `The run "${runId}" is part of run "${rootRunId}". Continue that one.`)
}

/** What was shown and stays in no message is withdrawn for readers, too. */
function continuedEntries(
  facts: Facts,
  step: StepContinuation | undefined,
  discardAfter: number | undefined,
  attempt: number,
): LogEntry[] {
  const continued: LogEntry = {
    event: { event: 'RunContinued', ...(step && { step }) },
    ...(Object.keys(facts).length > 0 && { facts }),
  }
  if (discardAfter === undefined) return [continued]
  return [continued, { event: { event: 'RunRecovered', discardAfter, attempt, reason: 'continue' } }]
}

function inputsOf({ input, additionalInstructions }: CheckedContinue, unsaid: readonly RunInput[]): Facts {
  const said = input ?? additionalInstructions
  const inputs = said === undefined ? unsaid : [...unsaid, { inputContent: said }]
  return inputs.length > 0 ? { inputs } : {}
}

/** The request with this leg's values. What starts a fork with new words of the user's is its input. */
function requestOf(request: RunRequest, caller: Caller, input: CheckedContinue, isFork: boolean): RunRequest {
  const { options, isRepeatable, ...rest } = request
  const { dependencies, metadata, knowledgeFilters } = input
  return {
    ...rest,
    caller: legCaller(request.caller, caller),
    ...(isFork && input.input !== undefined && { input: { inputContent: input.input } }),
    ...(isRepeatable && !isFork && { isRepeatable }),
    options: {
      ...options,
      // What a token pins stays pinned: that of whoever started the run, and of whoever continues it.
      ...(dependencies &&
        !request.caller.dependencies &&
        !caller.dependencies && { dependencies: { ...options.dependencies, ...dependencies } }),
      ...(metadata && { metadata: { ...options.metadata, ...metadata } }),
      ...(knowledgeFilters !== undefined && { knowledgeFilters }),
    },
  }
}

/**
 * A run goes on as the caller that started it. Only where that one may do more than touch its own, and the one who
 * continues may not, it is the latter: else a user could have tools act with the rights of the backend that started a
 * run for it.
 */
function legCaller(starter: Caller, continuer: Caller): Caller {
  return continuer.scoped && !starter.scoped ? continuer : starter
}

function checkContinuable({ head: { status, runId, cancelRequestedAt } }: StoredRun): void {
  if (status === 'pending' || status === 'running') throw alreadyRunning(runId)
  if (status === 'completed') return
  if ((status === 'paused' || status === 'error') && cancelRequestedAt === undefined) return
  throw new ConflictError('RUN_NOT_CONTINUABLE', `Run "${runId}" is ${status}, which can't be continued.`)
}

/** A decision that comes once more, or too late, must not begin another run by itself. */
function checkDecidable(
  { head: { status, runId } }: StoredRun,
  { tools, requirements, fork, regenerate }: CheckedContinue,
) {
  const decides = (tools?.length ?? 0) > 0 || (requirements?.length ?? 0) > 0
  if (status !== 'completed' || !decides || fork === true || regenerate === true) return
  const detail = `Run "${runId}" is completed and waits for no decision. To make a new run of it, leave the decisions out.`
  throw new ConflictError('RUN_NOT_CONTINUABLE', detail)
}

function alreadyRunning(runId: string): ConflictError {
  return new ConflictError('RUN_ALREADY_RUNNING', `Run "${runId}" goes on already.`)
}

/** Decisions about steps become decisions about what the run waits for. */
function withSteps(runnable: Runnable, { runId }: RunHead, fold: RunFold, input: CheckedContinue): GivenDecisions {
  if (runnable.kind !== 'workflow') return input
  refuseTurns(input)
  if (fold.status !== 'paused') {
    throw new ConflictError(
      'RUN_NOT_CONTINUABLE',
      `Run "${runId}" is ${fold.status}; a workflow goes on from a pause only.`,
    )
  }
  checkWaitsForSomebody(runId, fold)
  const { tools, requirements = [] } = input
  return { ...(tools && { tools }), requirements: [...requirements, ...stepDecisions(fold, input)] }
}

/** @throws ValidationError `CONTINUE_PARAMS_CONFLICT` for what has no meaning where no model is talked to. */
function refuseTurns({ input, continueFrom, fork, regenerate }: CheckedContinue): void {
  const given = { input, continue_from: continueFrom, fork: fork || undefined, regenerate: regenerate || undefined }
  const [path] = Object.entries(given).find(([, value]) => value !== undefined) ?? []
  if (path === undefined) return
  const message = 'is for agents and teams; a workflow goes on at the step where it waits'
  throw new ValidationError('CONTINUE_PARAMS_CONFLICT', `${path} ${message}.`, [{ path, message }])
}

function pairs(fold: RunFold, decisions: readonly Decision[]) {
  return decisions.map((decision): MadeDecision => {
    const { toolCallId } = decision
    const own = fold.tool(toolCallId)
    if (own) return { decision, tool: own }
    const { toolExecution, ...member } = fold.requirements.find((one) => one.toolExecution.toolCallId === toolCallId)!
    return { decision, tool: toolExecution, member }
  })
}
