import { fullCaller } from '../core/caller.js'
import { UnavailableError } from '../core/errors.js'
import { LocalRun } from './local-run.js'
import type { LocalRunParts, LocalRunPlan } from './local-run.js'
import { startEntry } from './run-acceptance.js'
import type { AcceptedRun } from './run-acceptance.js'
import type { RunCanceller } from './run-canceller.js'
import { beginAtItsTurn, foldOf } from './turn.js'
import type { TurnParts } from './turn.js'

export type RunExecutorParts = Omit<LocalRunParts, 'cancel'> &
  TurnParts & {
    canceller: RunCanceller
    /** Milliseconds that `stop` waits for what is going on. */
    stopDeadlineMs: number
  }

/** The runs that this process executes. */
export class RunExecutor {
  private readonly local = new Map<string, LocalRun>()
  private isStopping = false
  /** Called when a run has ended, so that there may be room for another. */
  onRoom: (() => void) | undefined
  /** Called when another process has written while runs are executed here: it may have marked one. */
  onForeignWrite: (() => void) | undefined
  private forgetWrites: (() => void) | undefined

  constructor(private readonly parts: RunExecutorParts) {}

  /** @throws UnavailableError `SHUTTING_DOWN` once new runs are refused. */
  checkOpen(): void {
    if (this.isStopping) throw new UnavailableError('SHUTTING_DOWN', 'The server is shutting down; try again.')
  }

  /** Has an accepted run executed, when its turn has come. */
  launch(accepted: AcceptedRun): LocalRun {
    const { events } = this.parts
    const { runId, runnable, accepted: place, committed, request } = accepted
    const run = this.adopt({
      ...accepted,
      seq: place.seq,
      isFresh: place.isNewSession && place.outcome === 'running' && runnable.introduction === undefined,
      mayBeUnread: false,
      begin: async (signal) => {
        if (place.outcome === 'running') return { attempt: 1, fold: foldOf(committed) }
        return beginAtItsTurn(this.parts, runId, startEntry(runnable), signal)
      },
      request,
    })
    if (committed.length > 0) events.committed(runId, 0, committed)
    if (place.outcome === 'pending') this.interrupt(place.interrupted)
    return run
  }

  /** Executes a run that is, or is about to become, this process's own. */
  adopt(plan: LocalRunPlan): LocalRun {
    const { canceller } = this.parts
    const cancel = (runId: string, reason: string) => canceller.cancel(fullCaller, runId, reason)
    const run = new LocalRun({ ...this.parts, cancel }, plan)
    this.local.set(plan.runId, run)
    this.forgetWrites ??= this.parts.events.onForeignWrite(() => this.onForeignWrite?.())
    void run.outcome.finally(() => {
      if (this.local.get(plan.runId) === run) this.local.delete(plan.runId)
      if (this.isIdle) {
        this.forgetWrites?.()
        this.forgetWrites = undefined
      }
      // The queue counts the run out only after its outcome is known.
      setImmediate(() => this.onRoom?.())
    })
    return run
  }

  /** Whether this process has no run in hand. */
  get isIdle(): boolean {
    return this.local.size === 0
  }

  /** Whether this process has the run in hand. */
  has(runId: string): boolean {
    return this.local.has(runId)
  }

  /** Lets go of everything, for others to go on with: this process is not believed to live any more. */
  releaseAll(): void {
    for (const run of this.local.values()) run.release()
  }

  /** Counts a reader of a run in, where this process executes it; the returned function counts it out. */
  follow(runId: string): (() => void) | undefined {
    return this.local.get(runId)?.follow()
  }

  /** From now on new runs are refused. */
  refuseNew(): void {
    this.isStopping = true
  }

  /** Waits for runs that are going on, and lets go of what has not ended by the deadline. */
  async stop(deadlineMs = this.parts.stopDeadlineMs): Promise<void> {
    this.refuseNew()
    const outcomes = Array.from(this.local.values(), ({ outcome }) => outcome)
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, deadlineMs)))
    await Promise.race([Promise.all(outcomes), deadline])
    clearTimeout(timer)
    this.releaseAll()
    await Promise.all(outcomes)
  }

  /** Ends runs in whose place a newer one has come. */
  interrupt(runIds: readonly string[]): void {
    for (const runId of runIds) {
      this.parts.canceller.cancel(fullCaller, runId, 'A newer message took its place.').catch((error: unknown) => {
        this.parts.logger.error({ err: error, runId }, 'An interrupted run could not be cancelled')
      })
    }
  }
}
