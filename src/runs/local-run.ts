import type { LogEntry } from '../agents/log/entry.js'
import type { RunFold } from '../agents/log/fold.js'
import type { Runnable } from '../agents/runnable.js'
import { RunExecution } from './run-execution.js'
import type { ExecutionOutcome, ExecutionParts } from './run-execution.js'
import type { RunMode } from './run-repository.js'
import type { RunQueue } from './run-queue.js'
import type { RunRequest } from './run-request.js'
import { startingPoint } from './starting-point.js'

export interface LocalRunParts extends ExecutionParts {
  queue: RunQueue
  /** How long a streamed run goes on when nobody reads it any more. */
  disconnectGraceMs: number
  /** Marks a run as to be cancelled, and ends it. */
  cancel(runId: string, reason: string): Promise<unknown>
}

/** From where a leg goes on. */
export interface LegStart {
  attempt: number
  /** What is on disk of the run's log. */
  fold: RunFold
  /** Entries that this leg writes before anything else. */
  opening?: readonly LogEntry[]
}

/** A run that this process is to execute. */
export interface LocalRunPlan {
  runnable: Runnable
  runId: string
  sessionId: string
  userId?: string
  /** Its place among all runs: what came later it knows nothing of. */
  seq: number
  mode: RunMode
  priority: number
  request: RunRequest
  /** The session was made for this run, so that it has no past. */
  isFresh: boolean
  /** Whether nobody may be reading, so that the grace period begins at once. */
  mayBeUnread: boolean
  /**
   * Makes the run this process's own, waiting for its turn if need be. Undefined when it has ended before, or somebody
   * else has begun it.
   */
  begin(signal: AbortSignal): Promise<LegStart | undefined>
}

type PlannedRun = Pick<LocalRunPlan, 'runId' | 'sessionId' | 'userId' | 'seq' | 'mode'>
type PlannedWork = Pick<LocalRunPlan, 'runnable' | 'request' | 'begin'> & { mayBeUnread?: boolean }

/** The plan of a run that is stored already, so that it has its place and its session a past. */
export function planOf({ runId, sessionId, userId, seq, mode }: PlannedRun, work: PlannedWork): LocalRunPlan {
  return { runId, sessionId, userId, seq, mode, priority: 0, isFresh: false, mayBeUnread: false, ...work }
}

const CANCELLED = 'The run was cancelled.'

/** One leg of a run in this process: waits for its turn and for room, is executed, and may have readers. */
export class LocalRun {
  readonly outcome: Promise<ExecutionOutcome>
  private readonly abort = new AbortController()
  private execution: RunExecution | undefined
  private readers = 0
  private grace: NodeJS.Timeout | undefined
  private isOver = false
  private isCancelled = false
  private readonly forget: () => void

  constructor(
    private readonly parts: LocalRunParts,
    private readonly plan: LocalRunPlan,
  ) {
    // From the beginning on: whoever cancels it may be faster than its execution.
    this.forget = parts.events.onCancelRequested(plan.runId, () => {
      this.isCancelled = true
      this.execution?.cancel(CANCELLED)
    })
    this.outcome = this.live()
    if (plan.mayBeUnread) this.watchReaders()
  }

  get runId(): string {
    return this.plan.runId
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
    this.abort.abort()
    this.execution?.release()
  }

  private async live(): Promise<ExecutionOutcome> {
    const { queue, logger } = this.parts
    const { runId, priority } = this.plan
    try {
      const start = await this.plan.begin(this.abort.signal)
      if (!start) return { ended: false }
      return await new Promise<ExecutionOutcome>((resolve, reject) => {
        queue.add(priority, () => this.execute(start).then(resolve, reject))
      })
    } catch (error) {
      logger.error({ err: error, runId }, 'A run could not be started')
      return { ended: false }
    } finally {
      this.isOver = true
      clearTimeout(this.grace)
      this.forget()
    }
  }

  private async execute(start: LegStart): Promise<ExecutionOutcome> {
    const point = await startingPoint(this.parts, this.plan, start.fold)
    if (this.abort.signal.aborted) return { ended: false }
    this.execution = new RunExecution(this.parts, { ...this.plan, ...point, ...start, isStreaming: this.isStreaming })
    if (this.isCancelled) this.execution.cancel(CANCELLED)
    return this.execution.run()
  }

  private get isStreaming(): boolean {
    return this.plan.mode !== 'plain'
  }

  private watchReaders(): void {
    if (this.plan.mode !== 'stream' || this.readers > 0 || this.isOver) return
    this.cancelIn(this.parts.disconnectGraceMs)
  }

  private cancelIn(milliseconds: number): void {
    clearTimeout(this.grace)
    this.grace = setTimeout(() => {
      this.cancelUnread().catch((error: unknown) => {
        const { runId } = this.plan
        this.parts.logger.error({ err: error, runId }, 'A run without readers could not be cancelled')
        if (!this.isOver) this.watchReaders()
      })
    }, milliseconds).unref()
  }

  /** Unless somebody reads the run through another process. */
  private async cancelUnread(): Promise<void> {
    const { runId } = this.plan
    const left = await this.parts.runs.followedFor(runId)
    if (this.readers > 0 || this.isOver) return
    if (left > 0) this.cancelIn(left)
    else await this.parts.cancel(runId, 'Nobody was reading the stream any more.')
  }
}
