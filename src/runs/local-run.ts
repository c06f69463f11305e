import type { AcceptedRun } from './run-acceptance.js'
import { startEntry } from './run-acceptance.js'
import { RunExecution } from './run-execution.js'
import type { ExecutionOutcome, ExecutionParts } from './run-execution.js'
import { startingPoint } from './starting-point.js'
import { toSegment } from './segment.js'

export interface LocalRunParts extends ExecutionParts {
  executorId: string
  /** How long a streamed run goes on when nobody reads it any more. */
  disconnectGraceMs: number
  /** How often a waiting run looks whether its turn has come, for a message that was lost. */
  pollMs: number
  /** Marks a run as to be cancelled, and ends it. */
  cancel(runId: string, reason: string): Promise<unknown>
}

/** A run that this process has accepted: it waits for its turn, is executed, and may have readers. */
export class LocalRun {
  readonly outcome: Promise<ExecutionOutcome>
  private execution: RunExecution | undefined
  private released = false
  private readers = 0
  private grace: NodeJS.Timeout | undefined
  private stopWaiting: (() => void) | undefined

  constructor(
    private readonly parts: LocalRunParts,
    private readonly run: AcceptedRun,
  ) {
    this.outcome = this.live()
  }

  /** Counts a reader in; the returned function counts it out. */
  follow(): () => void {
    this.readers += 1
    clearTimeout(this.grace)
    let isFollowing = true
    return () => {
      if (!isFollowing) return
      isFollowing = false
      this.readers -= 1
      this.watchReaders()
    }
  }

  /** Lets go of the run without ending it. */
  release(): void {
    this.released = true
    this.stopWaiting?.()
    this.execution?.release()
  }

  private async live(): Promise<ExecutionOutcome> {
    const { accepted, runId } = this.run
    try {
      let committed = this.run.committed
      let attempt = 1
      if (accepted.outcome === 'pending') {
        const begun = await this.begin()
        if (!begun) return { ended: false }
        committed = begun
        attempt = 1
      }
      const start = await startingPoint(this.parts, this.run)
      if (this.released) return { ended: false }
      this.execution = new RunExecution(this.parts, {
        ...this.run,
        ...start,
        attempt,
        committed,
        isStreaming: this.run.mode !== 'plain',
      })
      return await this.execution.run()
    } catch (error) {
      this.parts.logger.error({ err: error, runId }, 'A run could not be started')
      return { ended: false }
    } finally {
      clearTimeout(this.grace)
      this.readers = Number.POSITIVE_INFINITY
    }
  }

  /** Waits for the run's turn and starts it; nothing when it has ended before, or somebody else has started it. */
  private async begin() {
    const { runs, clock, executorId, events } = this.parts
    const { runId, runnable } = this.run
    for (;;) {
      if (this.released) return undefined
      const at = clock.now()
      const committed = [{ index: 0, at, entry: startEntry(runnable) }]
      if (await runs.begin(runId, executorId, toSegment(committed, 1), at)) {
        events.committed(runId, 0, committed)
        return committed
      }
      const [stored] = await Promise.all([runs.get(this.run.request.caller, runId)])
      if (stored?.head.status !== 'pending') return undefined
      await this.turn()
    }
  }

  private async turn(): Promise<void> {
    const { events, pollMs } = this.parts
    const { runId } = this.run
    let forget: (() => void)[] = []
    await new Promise<void>((resolve) => {
      this.stopWaiting = resolve
      const timer = setTimeout(resolve, pollMs).unref()
      forget = [
        events.onTurnCame(runId, resolve),
        events.onCommitted(runId, () => resolve()),
        () => clearTimeout(timer),
      ]
    })
    for (const one of forget) one()
  }

  private watchReaders(): void {
    if (this.run.mode !== 'stream' || this.readers > 0) return
    clearTimeout(this.grace)
    this.grace = setTimeout(() => {
      const reason = 'Nobody was reading the stream any more.'
      this.parts.cancel(this.run.runId, reason).catch((error: unknown) => {
        this.parts.logger.error({ err: error, runId: this.run.runId }, 'A run without readers could not be cancelled')
      })
    }, this.parts.disconnectGraceMs).unref()
  }
}
