import { fullCaller } from '../core/caller.js'
import { UnavailableError } from '../core/errors.js'
import { LocalRun } from './local-run.js'
import type { LocalRunParts } from './local-run.js'
import type { AcceptedRun } from './run-acceptance.js'
import type { RunCanceller } from './run-canceller.js'

export type RunExecutorParts = Omit<LocalRunParts, 'cancel'> & {
  canceller: RunCanceller
  /** Milliseconds that `stop` waits for what is going on. */
  stopDeadlineMs: number
}

/** The runs that this process executes. */
export class RunExecutor {
  private readonly local = new Map<string, LocalRun>()
  private isStopping = false

  constructor(private readonly parts: RunExecutorParts) {}

  /** @throws UnavailableError `SHUTTING_DOWN` once `stop` was called. */
  checkOpen(): void {
    if (this.isStopping) throw new UnavailableError('SHUTTING_DOWN', 'The server is shutting down; try again.')
  }

  /** Has an accepted run executed, when its turn has come. */
  launch(accepted: AcceptedRun): LocalRun {
    const { canceller, events } = this.parts
    const { runId } = accepted
    const run = new LocalRun(
      { ...this.parts, cancel: (id, reason) => canceller.cancel(fullCaller, id, reason) },
      accepted,
    )
    this.local.set(runId, run)
    void run.outcome.finally(() => this.local.delete(runId))
    if (accepted.committed.length > 0) events.committed(runId, 0, accepted.committed)
    if (accepted.accepted.outcome === 'pending') this.interrupt(accepted.accepted.interrupted)
    return run
  }

  /** Counts a reader of a run in, where this process executes it; the returned function counts it out. */
  follow(runId: string): (() => void) | undefined {
    return this.local.get(runId)?.follow()
  }

  /** Refuses new runs, waits for those that are going on, and lets go of what has not ended by the deadline. */
  async stop(): Promise<void> {
    this.isStopping = true
    const outcomes = Array.from(this.local.values(), ({ outcome }) => outcome)
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.parts.stopDeadlineMs)))
    await Promise.race([Promise.all(outcomes), deadline])
    clearTimeout(timer)
    for (const run of this.local.values()) run.release()
    await Promise.all(outcomes)
  }

  private interrupt(runIds: readonly string[]): void {
    for (const runId of runIds) {
      this.parts.canceller.cancel(fullCaller, runId, 'A newer message took its place.').catch((error: unknown) => {
        this.parts.logger.error({ err: error, runId }, 'An interrupted run could not be cancelled')
      })
    }
  }
}
