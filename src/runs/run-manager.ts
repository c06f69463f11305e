import type { RunApprovals } from '../approvals/run-approvals.js'
import type { AgentRun, Run, TeamRun, WorkflowRun } from '../agents/log/run-record.js'
import { fullCaller } from '../core/caller.js'
import type { Bound, Caller } from '../core/caller.js'
import { toIsoSeconds } from '../core/clock.js'
import type { Clock } from '../core/clock.js'
import { checkInput } from '../core/check-input.js'
import { ConflictError, NotFoundError, UnavailableError } from '../core/errors.js'
import { newId } from '../core/ids.js'
import type { JsonValue } from '../core/json.js'
import type { Logger } from '../core/logger.js'
import type { Slice } from '../core/page.js'
import type { WebhookOutbox } from '../webhooks/webhook-outbox.js'
import type { Catalog } from './catalog.js'
import { checkpointAt, checkpointsOf } from './checkpoints.js'
import type { CheckpointList, CheckpointSnapshot } from './checkpoints.js'
import type { ContinueRun } from './continue-run.js'
import type { CreateRun } from './create-run.js'
import type { EventBus } from './event-bus.js'
import { Followers } from './followers.js'
import { Lease } from './lease.js'
import type { MediaRepository } from './media-repository.js'
import { RunAcceptance } from './run-acceptance.js'
import type { AcceptedRun, PreparedRun } from './run-acceptance.js'
import { RunCanceller } from './run-canceller.js'
import type { CancelledRun } from './run-canceller.js'
import type { LocalRun } from './local-run.js'
import { RunContinuation } from './run-continuation.js'
import type { OpenedLeg } from './run-continuation.js'
import type { ExecutionParts } from './run-execution.js'
import { RunExecutor } from './run-executor.js'
import { LocalRunQueue } from './run-queue.js'
import { isBeyondPin } from './pinned-session.js'
import { RunReader } from './run-reader.js'
import type { RunFilter, RunHead, RunMode, RunRepository, StoredRun } from './run-repository.js'
import { defaultRunSettings } from './run-settings.js'
import type { RunSettings } from './run-settings.js'
import type { RunStream } from './run-stream.js'
import { SendEvent } from './send-event.js'
import { RunWaker } from './run-waker.js'
import { RunStreams } from './run-streams.js'
import { RunSupervisor } from './run-supervisor.js'
import type { Chore } from './run-supervisor.js'
import { askedOf, readBody, runAsOf, toRun } from './stored-run.js'
import { holdsMedia, StoredMedia } from './stored-media.js'

/** What a `RunManager` works with. */
export interface RunManagerParts {
  runs: RunRepository
  media: MediaRepository
  events: EventBus
  catalog: Catalog
  clock: Clock
  logger: Logger
  settings?: Partial<RunSettings>
  /** Without it, no run that waits for an approval goes on. */
  approvals?: RunApprovals
  /** Without it, no run can have a webhook. */
  webhooks?: WebhookOutbox
  chores?: readonly Chore[]
  /** Which components callers may run inside of their runs. Default: all. */
  access?: ExecutionParts['access']
}

const DEFAULT_LIMIT = 100
/** Characters of runs with media in one list. */
const MAX_LISTED_MEDIA = 16 * 1024 * 1024

/** Which runs are listed. `limit`: default 100. */
export type ListRuns = Omit<RunFilter, 'limit'> & { limit?: number }

/** What became of a request: a run of the kind that it has named. */
export type RunOf<Request> = Request extends { agentId: string }
  ? AgentRun
  : Request extends { teamId: string }
    ? TeamRun
    : WorkflowRun

/** Runs, as one caller may use them. */
export type Runs = Omit<Bound<RunManager>, 'create'> & {
  /** As {@link RunManager.create}. */
  create<Request extends CreateRun>(input: Request): Promise<RunOf<Request>>
}

/** A run that works in the background. */
export interface StartedRun {
  runId: string
  sessionId: string
  status: 'pending'
  createdAt: string
}

/**
 * Runs agents: creates runs, shows them while they go on and afterwards, and cancels them.
 *
 * Every run is stored before it is answered for, and executed as the caller that started it. In code
 * (`agentOS.runs`) the caller is the host itself, and the first parameter is left out.
 */
export class RunManager {
  private readonly media: StoredMedia
  private readonly acceptance: RunAcceptance
  private readonly canceller: RunCanceller
  private readonly executor: RunExecutor
  private readonly reader: RunReader
  private readonly streams: RunStreams
  private readonly lease: Lease
  private readonly supervisor: RunSupervisor
  private readonly continuation: RunContinuation
  private readonly waker: RunWaker

  constructor(private readonly parts: RunManagerParts) {
    this.media = new StoredMedia(parts.media)
    const settings = { ...defaultRunSettings, ...parts.settings }
    const identity = { media: this.media, executorId: newId('proc') }
    this.lease = new Lease({ ...parts, ...settings, ...identity })
    const queue = new LocalRunQueue(settings.maxExecuting)
    const waker = {
      expect: (at: number) => this.waker.expect(at),
      sweep: () => this.waker.sweep(),
      stop: () => this.waker.stop(),
    }
    const chores = [...(parts.chores ?? []), waker]
    const shared = { ...parts, ...settings, ...identity, lease: this.lease, queue, chores, waker }
    this.acceptance = new RunAcceptance(shared)
    this.canceller = new RunCanceller(shared)
    this.executor = new RunExecutor({ ...shared, canceller: this.canceller })
    this.supervisor = new RunSupervisor({ ...shared, executor: this.executor, canceller: this.canceller })
    this.continuation = new RunContinuation(shared)
    this.waker = new RunWaker({
      ...shared,
      continuation: this.continuation,
      execute: ({ plan }) => void this.executor.adopt(plan),
    })
    const { executor } = this
    const isLocal = (runId: string) => executor.has(runId)
    const followers = new Followers({ ...shared, isLocal })
    const reader = new RunReader({ ...shared, isLocal })
    this.reader = reader
    this.streams = new RunStreams({ reader, executor, followers })
  }

  /**
   * Runs an agent and waits for the end.
   *
   * When `signal` aborts, the run is cancelled and what it produced so far is kept, unless the request has an
   * `idempotencyKey`: then it goes on, and whoever asks again gets it.
   *
   * @returns the run: `completed`, `paused`, `cancelled`, or `error` with the reason in `error`. A failing model or
   *   tool is not an exception.
   * @throws ValidationError when the input is not valid.
   * @throws NotFoundError `AGENT_NOT_FOUND`; `SESSION_NOT_FOUND` for somebody else's session.
   * @throws ConflictError `RUN_EXISTS`, `SESSION_BUSY`, `SESSION_COMPONENT_MISMATCH`, `IDEMPOTENCY_KEY_REUSED`
   * @throws TooManyRequestsError `QUEUE_FULL`
   *
   * @example
   * ```ts
   * const run = await agentOS.runs.create({ agentId: 'support', message: 'Where is order 7?', sessionId: 'thread-42' })
   * ```
   */
  async create(caller: Caller, input: CreateRun): Promise<Run> {
    const prepared = this.prepare(caller, input, 'plain')
    await this.supervisor.start()
    const accepted = await this.acceptance.accept(prepared)
    if ('repeated' in accepted) return this.ended(accepted.repeated)
    const run = this.executor.launch(accepted)
    const forget = prepared.idempotencyKey === undefined ? this.cancelOnAbort(accepted.runId, input.signal) : undefined
    const outcome = await run.outcome
    forget?.()
    if (!outcome.ended) return this.ended(accepted.runId)
    return toRun(headOf(accepted, outcome.status), { ...askedOf(accepted.request), ...outcome.body })
  }

  /**
   * Runs an agent and shows its events as they are committed. The run begins at once, not with the first read.
   *
   * When nobody reads it any more (the loop is left, or `signal` aborts), it goes on for the grace period, and is then
   * cancelled.
   *
   * @param permission what is waited for before the run is accepted; when it rejects, the run is refused with that.
   * @returns the stream; what refuses the run rejects its `accepted` and the first read, with the errors of `create`.
   */
  stream(caller: Caller, input: CreateRun, permission?: Promise<void>): RunStream {
    return this.streamAs(caller, input, 'stream', permission)
  }

  /** As `stream`, for a run that goes on whether somebody reads it or not. */
  streamInBackground(caller: Caller, input: CreateRun, permission?: Promise<void>): RunStream {
    return this.streamAs(caller, input, 'background', permission)
  }

  /**
   * Starts a run that works in the background.
   *
   * @returns as soon as the run is stored; `get` tells how far it is. Throws as `create`.
   */
  async start(caller: Caller, input: CreateRun): Promise<StartedRun> {
    const prepared = this.prepare(caller, input, 'background')
    await this.supervisor.start()
    const accepted = await this.acceptance.accept(prepared)
    if ('repeated' in accepted) {
      const { runId, sessionId, createdAt } = await this.get(fullCaller, accepted.repeated)
      return { runId, sessionId, status: 'pending', createdAt }
    }
    this.supervisor.takeUp(accepted)
    const { runId, sessionId, createdAt } = accepted
    return { runId, sessionId, status: 'pending', createdAt: toIsoSeconds(createdAt) }
  }

  /**
   * Follows a run from any point: the events after an index, then live, to the end of the current leg.
   *
   * @param options.after index of the last event that is known; default: from the start.
   * @throws NotFoundError `RUN_NOT_FOUND`
   */
  async resume(
    caller: Caller,
    runId: string,
    options: { after?: number; signal?: AbortSignal } = {},
  ): Promise<RunStream> {
    const { head } = await this.stored(caller, runId)
    // A run inside of another has its events in that one's log.
    const logOf = head.rootRunId === undefined ? head : (await this.stored(fullCaller, head.rootRunId)).head
    return this.streams.ofStored(head, options.after ?? -1, options.signal, logOf)
  }

  /**
   * Moves a run on and waits for the end of the leg: decided calls are made, then the model goes on. Decisions are
   * matched by id; nothing else of what is given is taken.
   *
   * A paused or failed run goes on in place. A completed one stays as it is: a fork of it goes on, with an id of its
   * own; so do `fork` and `regenerate` with any other. `continueFrom` cuts off what comes after a point.
   *
   * @returns the run that was executed.
   * @throws NotFoundError `RUN_NOT_FOUND`
   * @throws ForbiddenError `APPROVAL_PENDING`
   * @throws ConflictError `RUN_REQUIREMENTS_UNRESOLVED` when a call is left undecided, `RUN_ALREADY_RUNNING`,
   *   `RUN_NOT_CONTINUABLE`. A call that is refused changes nothing.
   * @throws ValidationError `UNKNOWN_TOOL_CALL`, `INVALID_TOOL_ARGS`, `CONTINUE_INDEX_OUT_OF_RANGE`,
   *   `CONTINUE_PARAMS_CONFLICT`
   *
   * @example
   * ```ts
   * const [waiting] = run.requirements ?? []
   * await agentOS.runs.continue(run.runId, { requirements: [{ id: waiting.id, confirmation: true }] })
   * ```
   */
  async continue(caller: Caller, runId: string, input: ContinueRun = {}): Promise<Run> {
    const { local } = await this.reopen(caller, runId, input, 'plain')
    const forget = this.cancelOnAbort(local.runId, input.signal)
    await local.outcome
    forget?.()
    return this.ended(local.runId)
  }

  /** As `continue`; shows the new leg's events, beginning with `RunContinued`. */
  async continueStream(caller: Caller, runId: string, input: ContinueRun = {}): Promise<RunStream> {
    return this.continueFollowed(caller, runId, input, 'stream')
  }

  /** As `continueStream`, for a leg that goes on whether somebody reads it or not. */
  async continueStreamInBackground(caller: Caller, runId: string, input: ContinueRun = {}): Promise<RunStream> {
    return this.continueFollowed(caller, runId, input, 'background')
  }

  /** As `continue`; returns as soon as the new leg has begun. */
  async continueInBackground(caller: Caller, runId: string, input: ContinueRun = {}): Promise<StartedRun> {
    const { local } = await this.reopen(caller, runId, input, 'background')
    const { sessionId, createdAt } = await this.head(fullCaller, local.runId)
    return { runId: local.runId, sessionId, status: 'pending', createdAt: toIsoSeconds(createdAt) }
  }

  /**
   * A run as it is now.
   *
   * @throws NotFoundError `RUN_NOT_FOUND`
   */
  async get(caller: Caller, runId: string): Promise<Run> {
    const stored = await this.stored(caller, runId)
    return this.media.back(toRun(stored.head, await readBody(this.parts.runs, stored)))
  }

  /**
   * Whose run it is and how far it has come, without its record.
   *
   * @throws NotFoundError `RUN_NOT_FOUND`
   */
  async head(caller: Caller, runId: string): Promise<RunHead> {
    return (await this.stored(caller, runId)).head
  }

  /**
   * Points from which a run can be continued: each message after which it was saved, and its end.
   *
   * @throws NotFoundError `RUN_NOT_FOUND`
   *
   * @example
   * ```ts
   * const { checkpoints } = await agentOS.runs.checkpoints(runId)
   * await agentOS.runs.continue(runId, { continueFrom: checkpoints[0].continueFrom, fork: true })
   * ```
   */
  async checkpoints(caller: Caller, runId: string): Promise<CheckpointList> {
    return checkpointsOf(await this.get(caller, runId))
  }

  /**
   * A run as it was when it had so many messages. A boundary inside a tool exchange moves down to before it.
   *
   * @throws NotFoundError `RUN_NOT_FOUND`
   * @throws ValidationError `CHECKPOINT_OUT_OF_RANGE`
   */
  async checkpoint(caller: Caller, runId: string, messageIndex: number): Promise<CheckpointSnapshot> {
    return checkpointAt(await this.get(caller, runId), messageIndex)
  }

  /** Runs that the caller may see, oldest first: the newest `limit` ones, or those before a cursor. */
  async list(caller: Caller, filter: ListRuns = {}): Promise<Slice<Run>> {
    const { data, ...rest } = await this.parts.runs.list(caller, { limit: DEFAULT_LIMIT, ...filter })
    const runs = await Promise.all(
      data.map(async (stored) => toRun(stored.head, await readBody(this.parts.runs, stored))),
    )
    return { data: await this.withMedia(runs), ...rest }
  }

  /**
   * Cancels a run: pending, paused or running ones end as `cancelled` and keep what they produced. A run that has
   * ended already stays as it is. Nothing follows in a run's log once this has answered.
   *
   * @returns the end state that the run has.
   * @throws NotFoundError `RUN_NOT_FOUND`
   */
  async cancel(caller: Caller, runId: string): Promise<CancelledRun> {
    return this.canceller.cancel(caller, runId, 'The run was cancelled.')
  }

  /**
   * Sends an event to a run of a workflow, for the step that waits for one of this name, now or later. Kept for the
   * run, first in, first out.
   *
   * @param options.id one that is sent again under the same id counts once. Default: a new one.
   * @throws NotFoundError `RUN_NOT_FOUND`
   * @throws ConflictError `RUN_ENDED`
   *
   * @example
   * ```ts
   * await agentOS.runs.sendEvent(run.runId, 'paid', { amount: 12 }, { id: payment.id })
   * ```
   */
  async sendEvent(
    caller: Caller,
    runId: string,
    name: string,
    payload?: JsonValue,
    options: { id?: string } = {},
  ): Promise<void> {
    const input = checkInput(SendEvent, { name, ...(payload !== undefined && { payload }), ...options })
    const event = { id: input.id ?? newId('evt'), name: input.name, ...(payload !== undefined && { payload }) }
    const isOutside = caller.sessionId !== undefined && isBeyondPin(caller, await this.head(caller, runId))
    const sent = isOutside ? undefined : await this.parts.runs.sendEvent(caller, runId, event, this.parts.clock.now())
    if (sent === undefined) throw new NotFoundError('RUN_NOT_FOUND', `There is no run "${runId}".`)
    if (sent === 'ended') {
      throw new ConflictError('RUN_ENDED', `Run "${runId}" has ended and takes no event any more.`)
    }
    if (sent === 'accepted') this.waker.expect(this.parts.clock.now())
  }

  /** The run as it was at an index of its log, for whoever is told later; not part of what callers get. */
  readonly asOf = async (runId: string, index: number): Promise<Run | undefined> => {
    const stored = await this.parts.runs.get(fullCaller, runId)
    return stored && this.media.back(await runAsOf(this.parts.runs, stored, index))
  }

  /** Called by the AgentOS when it stops; not part of what callers get. */
  readonly stop = async (deadlineMs?: number): Promise<void> => {
    this.executor.refuseNew()
    await this.supervisor.stop()
    await this.executor.stop(deadlineMs)
    this.reader.closeAll()
    await this.lease.end()
  }

  /** Called by the AgentOS when it is started before anything is asked of it. */
  readonly startBackground = async (): Promise<void> => {
    this.executor.checkOpen()
    await this.supervisor.start()
  }

  /** Called with the first request: whoever only polls must find that runs of a dead process go on. */
  readonly wakeUp = (): void => {
    this.supervisor.start()?.catch((error: unknown) => {
      this.parts.logger.error({ err: error }, 'The lease of this process could not be taken')
    })
  }

  private prepare(caller: Caller, input: CreateRun, mode: RunMode): PreparedRun {
    this.executor.checkOpen()
    return this.acceptance.prepare(caller, input, mode)
  }

  private streamAs(caller: Caller, input: CreateRun, mode: RunMode, permission?: Promise<void>): RunStream {
    // Where the input is refused first, nobody looks at this any more.
    permission?.catch(() => undefined)
    const prepared = this.prepare(caller, input, mode)
    const { signal, lastEventIndex: after } = input
    const accept = async () => {
      if (permission) await permission
      await this.supervisor.start()
      const accepted = await this.acceptance.accept(prepared)
      if ('repeated' in accepted) return accepted
      if (mode === 'background') this.supervisor.takeUp(accepted)
      else this.executor.launch(accepted)
      return accepted
    }
    return this.streams.ofNew(prepared, signal, accept, (runId) => this.resume(fullCaller, runId, { after, signal }))
  }

  private async reopen(
    caller: Caller,
    runId: string,
    input: ContinueRun,
    mode: RunMode,
  ): Promise<OpenedLeg & { local: LocalRun }> {
    this.executor.checkOpen()
    await this.supervisor.start()
    const opened = await this.continuation.open(caller, runId, input, mode)
    return { ...opened, local: this.executor.adopt(opened.plan) }
  }

  private async continueFollowed(caller: Caller, runId: string, input: ContinueRun, mode: RunMode): Promise<RunStream> {
    const { local, firstIndex, source } = await this.reopen(caller, runId, input, mode)
    return this.streams.ofLeg(local.runId, firstIndex, source, input.signal)
  }

  private cancelOnAbort(runId: string, signal: AbortSignal | undefined): (() => void) | undefined {
    if (!signal) return undefined
    const onAbort = (): void => {
      this.canceller.cancel(fullCaller, runId, 'The client has gone away.').catch((error: unknown) => {
        this.parts.logger.error({ err: error, runId }, 'A run whose client is gone could not be cancelled')
      })
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    return () => signal.removeEventListener('abort', onAbort)
  }

  /** Media of the newest runs, as far as they are not too much for one answer; of the others what is known of them. */
  private async withMedia(runs: readonly Run[]): Promise<Run[]> {
    const shown: Run[] = []
    let left = MAX_LISTED_MEDIA
    for (const run of runs.toReversed()) {
      const whole = left > 0 && holdsMedia(run) ? await this.media.back(run) : this.media.without(run)
      if (whole !== run) left -= JSON.stringify(whole).length
      shown.push(whole)
    }
    return shown.toReversed()
  }

  private async stored(caller: Caller, runId: string): Promise<StoredRun> {
    this.wakeUp()
    const stored = await this.parts.runs.get(caller, runId)
    if (!stored) throw new NotFoundError('RUN_NOT_FOUND', `There is no run "${runId}".`)
    return stored
  }

  /** Waits for a run that somebody else executes. */
  private async ended(runId: string): Promise<Run> {
    await this.reader.untilOver(runId)
    const run = await this.get(fullCaller, runId)
    if (run.status !== 'pending' && run.status !== 'running') return run
    // The reader was closed before the run was over.
    throw new UnavailableError('SHUTTING_DOWN', `The server shuts down; run "${runId}" goes on when it is back.`)
  }
}

function headOf({ runId, sessionId, userId, runnable, mode, createdAt, accepted }: AcceptedRun, status: Run['status']) {
  return {
    seq: accepted.seq,
    runId,
    sessionId,
    userId,
    component: { kind: runnable.kind, id: runnable.id, name: runnable.name },
    mode,
    status,
    attempt: 1,
    lastIndex: 0,
    createdAt,
    updatedAt: createdAt,
  }
}
