import type { LogEntry } from '../agents/log/entry.js'
import type { RunFold } from '../agents/log/fold.js'
import type { RunFailure } from '../agents/log/run-record.js'
import { cancelEntries, cancelNested } from '../agents/run-ending.js'
import { failureEntry } from '../agents/run-failure.js'
import { fullCaller } from '../core/caller.js'
import type { Catalog } from './catalog.js'
import type { Lease } from './lease.js'
import { planOf } from './local-run.js'
import type { LocalRunParts } from './local-run.js'
import { startEntry } from './run-acceptance.js'
import type { AcceptedRun } from './run-acceptance.js'
import type { RunCanceller } from './run-canceller.js'
import type { RunExecutor } from './run-executor.js'
import type { ComponentId, StoredRun } from './run-repository.js'
import { parseRequest } from './run-request.js'
import type { RunRequest } from './run-request.js'
import { foldLog } from './stored-run.js'
import { begin, beginAtItsTurn } from './turn.js'
import type { TurnParts } from './turn.js'

export type RunSupervisorParts = Omit<LocalRunParts, 'cancel'> &
  TurnParts & {
    catalog: Catalog
    executor: RunExecutor
    canceller: RunCanceller
    /** How long whoever cancels a run waits for its executor. */
    cancelWaitMs: number
    lease: Lease
    /** How often runs are looked for that no message has told of. */
    sweepMs: number
    /** Attempts after which a run that crashes its process is given up. */
    maxAttempts: number
    /** What else is to be looked after. */
    chores?: readonly Chore[]
  }

/** Something that is looked after in the background, as often as runs are. */
export interface Chore {
  sweep(): Promise<void> | void
  /** Called once when the process stops: nothing is begun any more. */
  stop?(): Promise<void>
}

/** Runs that are taken over at once: each costs a read of its log. */
const RECOVERED_AT_ONCE = 50
/** A run is on its way from its acceptance to its execution for far less. */
const MIN_LOST_MS = 500

/**
 * Looks after runs that nobody waits for: begins those in the background when there is room, and goes on with those
 * whose process has died. The tables say which; a message only makes it quick.
 */
export class RunSupervisor {
  private timer: NodeJS.Timeout | undefined
  private markTimer: NodeJS.Timeout | undefined
  private forget: (() => void) | undefined
  private beginning: Promise<void> | undefined
  private isWoken = false
  /** Somebody's turn has come, or messages may have been lost: the tables are to be asked. */
  private isToLook = true
  /** Runs that are about to be executed. */
  private starting = 0
  /** The last look may have left runs behind for want of room. */
  private hasBacklog = false
  private isStopped = false
  private isDoingChores = false

  constructor(private readonly parts: RunSupervisorParts) {
    parts.executor.onRoom = () => {
      if (this.hasBacklog) this.wake()
    }
    parts.executor.onForeignWrite = () => void this.lookForMarks()
  }

  /** Takes the lease and starts to look around, once. Undefined when that was done before. */
  start(): Promise<void> | undefined {
    if (this.isStopped) return undefined
    const { lease, events, sweepMs, pollMs } = this.parts
    if (!this.timer) {
      this.timer = setInterval(() => void this.sweep(), sweepMs).unref()
      this.markTimer = setInterval(() => {
        this.wake()
        void this.lookForMarks()
      }, pollMs).unref()
      this.forget = events.onAnyTurn((runId) => {
        if (!this.parts.executor.has(runId)) this.look()
      })
    }
    const holding = lease.hold()
    if (!holding) return undefined
    return holding.then(() => void this.sweep())
  }

  /** Has a run in the background begun when there is room, and ends those that it interrupts. */
  takeUp(accepted: AcceptedRun): void {
    const { accepted: place } = accepted
    if (place.outcome === 'pending') this.parts.executor.interrupt(place.interrupted)
    this.wake()
    // Others may have room.
    if (this.room === 0) this.parts.events.turnCame(accepted.runId)
  }

  /** Begins background runs for which there is room, soon. */
  wake(): void {
    if (this.isStopped) return
    this.isWoken = true
    this.beginning ??= this.beginDue().finally(() => (this.beginning = undefined))
  }

  /** As `wake`; misses none. */
  private look(): void {
    this.isToLook = true
    this.wake()
  }

  /** Looks for runs that have lost their process, and for those that wait. */
  async sweep(): Promise<void> {
    if (this.isStopped) return
    try {
      await this.recover()
      await this.takeUpLost()
      await this.endOverdue()
    } catch (error) {
      this.parts.logger.error({ err: error }, 'Runs of dead processes could not be looked for')
    }
    this.look()
    await Promise.all([this.beginning, this.doChores()])
  }

  /** Looks no more. Runs that this process has in hand are not touched. */
  async stop(): Promise<void> {
    this.isStopped = true
    clearInterval(this.timer)
    clearInterval(this.markTimer)
    this.forget?.()
    await this.beginning
    for (const chore of this.parts.chores ?? []) {
      try {
        await chore.stop?.()
      } catch (error) {
        this.parts.logger.error({ err: error }, 'Something in the background did not stop cleanly')
      }
    }
  }

  /** One at a time: what takes longer than the time between two looks is not begun again. */
  private async doChores(): Promise<void> {
    if (this.isDoingChores) return
    this.isDoingChores = true
    for (const chore of this.parts.chores ?? []) {
      try {
        await chore.sweep()
      } catch (error) {
        if (!this.isStopped) this.parts.logger.error({ err: error }, 'Something in the background has failed')
      }
    }
    this.isDoingChores = false
  }

  private async beginDue(): Promise<void> {
    const { runs, clock, executorId, logger } = this.parts
    try {
      while (this.isWoken && !this.isStopped) {
        this.isWoken = false
        const { room, isToLook } = this
        this.hasBacklog = room === 0
        if (room === 0) return
        this.isToLook = false
        const due = isToLook
          ? await runs.due(executorId, this.components, room, clock.now())
          : await runs.nextDue(executorId, this.components, room, clock.now())
        this.hasBacklog = due.length === room
        if (isToLook && this.hasBacklog) this.isToLook = true
        for (const stored of due) if (!this.parts.executor.has(stored.head.runId)) this.adopt(stored, 'begin')
      }
    } catch (error) {
      this.isToLook = true
      logger.error({ err: error }, 'Background runs could not be begun')
    }
  }

  /** How many more may be begun: those that are on their way to the queue have their place. */
  private get room(): number {
    return Math.max(0, this.parts.queue.room - this.starting)
  }

  private async recover(): Promise<void> {
    const { runs, clock, executorId, logger } = this.parts
    for (;;) {
      const lapsed = await runs.takeLapsed(executorId, this.components, RECOVERED_AT_ONCE, clock.now())
      for (const stored of lapsed) {
        const { runId, attempt } = stored.head
        logger.warn({ runId, attempt }, 'A run goes on whose process has died')
        this.adopt(stored, 'recover')
      }
      if (lapsed.length < RECOVERED_AT_ONCE) return
    }
  }

  /** Runs that stand in this process's name and that it has lost hold of: a failure came between. */
  private async takeUpLost(): Promise<void> {
    const { runs, clock, executor, executorId, logger, sweepMs } = this.parts
    const held = await runs.heldBy(executorId, clock.now() - Math.max(MIN_LOST_MS, sweepMs), RECOVERED_AT_ONCE)
    for (const { head, ...rest } of held) {
      if (executor.has(head.runId)) continue
      logger.warn({ runId: head.runId, attempt: head.attempt }, 'A run goes on that this process had lost hold of')
      if (head.status === 'pending') this.adopt({ head, ...rest }, 'wait')
      else {
        const taken = await runs.takeOver(head.runId, head.attempt, executorId, clock.now())
        if (taken) this.adopt(taken, 'recover')
      }
    }
  }

  /** Stops runs of this process that another one has marked: its message does not get here. */
  private async lookForMarks(): Promise<void> {
    const { runs, clock, executor, events, logger } = this.parts
    if (executor.isIdle) return
    try {
      const marked = await runs.cancelOverdue(clock.now() + 1, RECOVERED_AT_ONCE)
      for (const runId of marked) if (executor.has(runId)) events.cancelRequested(runId)
    } catch (error) {
      logger.error({ err: error }, 'Runs to be cancelled could not be looked for')
    }
  }

  /** Ends runs whose canceller has died after it had marked them: no executor takes up what is to be cancelled. */
  private async endOverdue(): Promise<void> {
    const { runs, clock, canceller, cancelWaitMs } = this.parts
    const overdue = await runs.cancelOverdue(clock.now() - 2 * cancelWaitMs, RECOVERED_AT_ONCE)
    for (const runId of overdue) {
      try {
        await canceller.cancel(fullCaller, runId, 'The run was cancelled.')
      } catch (error) {
        // One that can't be ended must not keep the others from it.
        this.parts.logger.error({ err: error, runId }, 'A run could not be cancelled')
      }
    }
  }

  private adopt(stored: StoredRun, how: 'begin' | 'wait' | 'recover'): void {
    const { media, catalog, executor } = this.parts
    const { head } = stored
    const { runId } = head
    const runnable = catalog.find(head.component)
    const request = parseRequest(stored.request)
    const plan = planOf(head, {
      runnable,
      request,
      mayBeUnread: true,
      begin: async (signal) => {
        try {
          plan.request = await media.back(request)
          if (how === 'recover') return await this.recovered(stored, request)
          const started = startEntry(runnable)
          if (how === 'wait') return await beginAtItsTurn(this.parts, runId, started, signal)
          return await begin(this.parts, runId, started)
        } finally {
          if (how === 'begin') this.starting -= 1
        }
      },
    })
    if (how === 'begin') this.starting += 1
    executor.adopt(plan)
  }

  private async recovered({ head }: StoredRun, request: RunRequest) {
    const fold = await foldLog(this.parts.runs, head, this.parts.media)
    return { attempt: head.attempt, fold, opening: this.opening(head, fold, request) }
  }

  /** What is written first after a crash: how it goes on, or why it does not. */
  private opening(head: StoredRun['head'], fold: RunFold, request: RunRequest): readonly LogEntry[] {
    const { clock, maxAttempts } = this.parts
    const { attempt, mode, cancelRequestedAt } = head
    if (cancelRequestedAt !== undefined) return cancelEntries(fold, clock.now(), 'The run was cancelled.')
    if (mode === 'plain' && !request.isRepeatable) {
      return [
        ...cancelNested(fold.openInside, clock.now(), 'The server has died.'),
        failed('RUN_INTERRUPTED', 'The server that executed the run has died, and its client is gone.', true),
      ]
    }
    if (attempt > maxAttempts) {
      return [
        ...cancelNested(fold.openInside, clock.now(), 'The run is given up.'),
        failed('RECOVERY_EXHAUSTED', `The run was interrupted ${attempt - 1} times and is given up.`, false),
      ]
    }
    return [{ event: { event: 'RunRecovered', discardAfter: fold.beforeOpenStep, attempt, reason: 'crash' } }]
  }

  private get components(): readonly ComponentId[] {
    return this.parts.catalog.components
  }
}

function failed(errorCode: RunFailure['errorCode'], message: string, retryable: boolean): LogEntry {
  return failureEntry({ errorCode, message, retryable })
}
