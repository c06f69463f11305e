import { endsLog, isDurable } from '../agents/log/entry.js'
import type { LogEntry } from '../agents/log/entry.js'
import type { RunFold } from '../agents/log/fold.js'
import type { Message } from '../agents/log/message.js'
import type { RunBody } from '../agents/log/run-record.js'
import { cancelEntries, cancelNested, DEFAULT_TIMEOUT_MS, timeoutFailure } from '../agents/run-ending.js'
import { failureEntry, toRunFailure } from '../agents/run-failure.js'
import type { RunContext, Runnable, Yielded } from '../agents/runnable.js'
import { SessionState } from '../agents/session-state.js'
import type { Caller } from '../core/caller.js'
import type { Clock } from '../core/clock.js'
import type { JsonObject } from '../core/json.js'
import type { Logger } from '../core/logger.js'
import type { EventBus } from './event-bus.js'
import { legEnd, pausedRun, tellOfEnd } from './leg-end.js'
import type { GatedPause, LegEnd, LegWitnesses } from './leg-end.js'
import { CancelRequestedError, LeaseLostError, RunLog } from './run-log.js'
import type { ComponentId, RunRepository } from './run-repository.js'
import type { RunRequest } from './run-request.js'
import type { StoredMedia } from './stored-media.js'
import { EventsOfRun } from './take-event.js'

/** Made once: an abort without a reason makes an exception with a stack, which each run would pay for. */
const ENDED = new Error('The run has ended.')

/** Parts that all executions of a process share. */
export interface ExecutionParts extends LegWitnesses {
  runs: RunRepository
  media: StoredMedia
  events: EventBus
  clock: Clock
  logger: Logger
  /** This process's word that it lives. */
  lease: { readonly isSafe: boolean }
  /** Says which components callers may run. */
  access?: { mayRun(caller: Caller, component: ComponentId): boolean | Promise<boolean> }
  /** Lets paused workflows go on by themselves. */
  waker?: { expect(at: number): void }
}

/** The run that is executed, and what it starts from. */
export interface ExecutionPlan {
  runnable: Runnable
  runId: string
  sessionId: string
  userId?: string
  attempt: number
  request: RunRequest
  isStreaming: boolean
  /** What is on disk of the run's log. */
  fold: RunFold
  /** Entries that this leg writes before anything else. */
  opening?: readonly LogEntry[]
  /** State of the session as it is stored, and as the run begins with it. */
  storedState: JsonObject
  initialState: JsonObject
  history: readonly Message[]
  historyRunIds: readonly string[]
}

/** How an execution went. */
export type ExecutionOutcome =
  | { ended: true; status: LegEnd['status']; body: RunBody; lastIndex: number }
  /** Another process has the run now, or storage could not be reached for too long. */
  | { ended: false }

/** One leg of one run, executed by this process: asks the runnable for entries, and writes them. */
export class RunExecution {
  private readonly fold: RunFold
  private readonly abort = new AbortController()
  private readonly log: RunLog
  private readonly context: RunContext
  private cancelReason: string | undefined
  /** Ends the wait for the next entry: code of users may ignore the signal. */
  private stopWaiting: ((reason: Error) => void) | undefined
  private pause: GatedPause | undefined

  constructor(
    private readonly parts: ExecutionParts,
    private readonly plan: ExecutionPlan,
  ) {
    const { runId, sessionId, userId, attempt, isStreaming, request, storedState, initialState } = plan
    this.fold = plan.fold
    const current = { current_session_id: sessionId, current_run_id: runId }
    const state = new SessionState(
      storedState,
      userId === undefined ? current : { current_user_id: userId, ...current },
      initialState,
    )
    this.log = new RunLog({
      ...parts,
      runId,
      attempt,
      caller: request.caller,
      fold: this.fold,
      state,
      isStreaming,
      onFailure: (error) => this.abort.abort(error),
    })
    const events = new EventsOfRun(parts.runs, runId, plan.fold)
    this.context = {
      runId,
      sessionId,
      userId,
      caller: request.caller,
      input: request.input,
      options: request.options,
      isStreaming,
      signal: this.abort.signal,
      state,
      history: plan.history,
      historyRunIds: plan.historyRunIds,
      fold: this.fold,
      clock: parts.clock,
      logger: parts.logger,
      attempt,
      mayRun: (component) => parts.access?.mayRun(request.caller, component) ?? true,
      receivedEvents: () => events.look(),
      checkLease: () => {
        if (!parts.lease.isSafe) throw new LeaseLostError(`Run ${runId} may be executed elsewhere by now.`)
      },
    }
  }

  /** Ends the run as cancelled as soon as that can be written. Whoever asks has marked the run's row before. */
  cancel(reason: string): void {
    this.cancelReason ??= reason
    this.abort.abort(new CancelRequestedError(reason))
  }

  /** Lets go of the run without ending it, for another process to go on with. */
  release(): void {
    this.log.abandon()
    this.abort.abort(new LeaseLostError('The process is shutting down.'))
  }

  /** Executes the leg to its end. Does not throw. */
  async run(): Promise<ExecutionOutcome> {
    const { runnable } = this.plan
    const limit = runnable.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const timeout = setTimeout(() => this.abort.abort(timeoutFailure(limit)), limit).unref()
    this.abort.signal.addEventListener('abort', () => this.stopWaiting?.(this.abort.signal.reason as Error))
    try {
      return await this.drive()
    } catch (error) {
      return await this.endAfter(error)
    } finally {
      clearTimeout(timeout)
    }
  }

  private async endAfter(error: unknown): Promise<ExecutionOutcome> {
    const { logger } = this.parts
    const { runId } = this.plan
    // Whatever of the run is still at work stops here.
    this.abort.abort(ENDED)
    try {
      return await this.endWith(error)
    } catch (problem) {
      logger.error({ err: problem, runId }, 'A run could not be written to its end')
      this.log.abandon()
      return { ended: false }
    }
  }

  private async drive(): Promise<ExecutionOutcome> {
    const { opening = [] } = this.plan
    for (const entry of opening) this.log.append(entry)
    const last = opening.at(-1)
    if (last && endsLog(last)) return this.end(statusAfter(last))
    if (last) await this.log.commit()
    const generator = this.plan.runnable.execute(this.context)
    try {
      for (;;) {
        const step = await this.nextOrAbort(generator)
        if (step.done) throw new TypeError('The run stopped without an event that ends it.')
        const last = this.append(step.value)
        if (last && endsLog(last)) return await this.end(statusAfter(last))
        if (!this.mustCommit(step.value)) this.log.schedule()
        else await this.log.commit()
      }
    } finally {
      // Not awaited: code of users that ignores its signal must not hold the end of the run.
      void generator.return().catch((error: unknown) => {
        this.parts.logger.warn({ err: error, runId: this.plan.runId }, 'A run did not stop cleanly')
      })
    }
  }

  private append(yielded: Yielded): LogEntry | undefined {
    const entries = isList(yielded) ? yielded : [yielded]
    for (const entry of entries) {
      const isPause = entry.event.event === 'RunPaused' && entry.source === undefined
      this.log.append(isPause ? this.gated(entry) : entry)
    }
    return entries.at(-1)
  }

  /** A pause whose calls name the approval that they wait for. */
  private gated(entry: LogEntry): LogEntry {
    const { plan, parts } = this
    const { runnable, request } = plan
    this.pause = parts.approvals?.pause(entry, pausedRun(plan, runnable, request), parts.clock.now())
    return this.pause?.entry ?? entry
  }

  private mustCommit(yielded: Yielded): boolean {
    return (isList(yielded) ? yielded.some(isDurable) : isDurable(yielded)) || this.log.isFull
  }

  private async nextOrAbort(generator: AsyncGenerator<Yielded, void, void>): Promise<IteratorResult<Yielded, void>> {
    const { signal } = this.abort
    if (signal.aborted) throw signal.reason
    try {
      return await new Promise<IteratorResult<Yielded, void>>((resolve, reject) => {
        this.stopWaiting = reject
        generator.next().then(resolve, reject)
      })
    } catch (error) {
      // The abort is why: what the run threw is what it made of it.
      if (signal.aborted) throw signal.reason
      throw error
    } finally {
      this.stopWaiting = undefined
    }
  }

  private async end(status: LegEnd['status']): Promise<ExecutionOutcome> {
    const { clock } = this.parts
    const end = legEnd(this.parts, this.plan, this.fold, status, clock.now(), this.pause)
    await this.log.commit(end)
    tellOfEnd(this.parts, end)
    // What it waits for may have come meanwhile.
    if (status === 'paused' && this.plan.runnable.wakeUp) {
      this.parts.waker?.expect(clock.now())
      if (end.wakeAt !== undefined) this.parts.waker?.expect(end.wakeAt)
    }
    return { ended: true, status, body: this.fold.body(clock.now()), lastIndex: this.fold.lastIndex }
  }

  private async endWith(error: unknown): Promise<ExecutionOutcome> {
    const { clock, logger } = this.parts
    const { runId } = this.plan
    if (error instanceof LeaseLostError) return this.giveUp()
    try {
      await this.log.reopen()
    } catch (problem) {
      if (problem instanceof LeaseLostError) return this.giveUp()
      throw problem
    }
    if (error instanceof CancelRequestedError) {
      for (const entry of cancelEntries(this.fold, clock.now(), this.cancelReason ?? error.message)) {
        this.log.append(entry)
      }
      return this.end('cancelled')
    }
    const failure = toRunFailure(error)
    if (failure.errorCode === 'INTERNAL_ERROR') logger.error({ err: error, runId }, 'A run failed')
    for (const entry of cancelNested(this.fold.openInside, clock.now(), failure.message)) this.log.append(entry)
    this.log.append(failureEntry(failure))
    try {
      return await this.end('error')
    } catch (problem) {
      if (problem instanceof CancelRequestedError || problem instanceof LeaseLostError) return this.endWith(problem)
      throw problem
    }
  }

  private giveUp(): ExecutionOutcome {
    this.parts.logger.warn({ runId: this.plan.runId }, 'A run is executed elsewhere')
    this.log.abandon()
    return { ended: false }
  }
}

function statusAfter({ event }: LogEntry): LegEnd['status'] {
  switch (event.event) {
    case 'RunPaused':
      return 'paused'
    case 'RunCancelled':
      return 'cancelled'
    case 'RunError':
      return 'error'
    default:
      return 'completed'
  }
}

function isList(yielded: Yielded): yielded is readonly LogEntry[] {
  return Array.isArray(yielded)
}
