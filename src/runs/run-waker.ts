import type { TakeEvent, WakeUp } from '../agents/runnable.js'
import type { Clock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'
import type { Catalog } from './catalog.js'
import type { OpenedLeg, RunContinuation } from './run-continuation.js'
import type { RunRepository, StoredRun } from './run-repository.js'
import { foldLog } from './stored-run.js'
import type { StoredMedia } from './stored-media.js'
import { EventsOfRun } from './take-event.js'

export interface RunWakerParts {
  runs: RunRepository
  media: StoredMedia
  catalog: Catalog
  clock: Clock
  logger: Logger
  continuation: RunContinuation
  /** Has an opened leg executed. */
  execute(leg: OpenedLeg): void
}

const WOKEN_AT_ONCE = 50
/** A time that is further away is found by a later look. */
const MAX_TIMER_MS = 60_000

/**
 * Lets paused workflows go on whose time has come, or whose event. The tables say which; a timer only makes it quick.
 * No process waits for them.
 */
export class RunWaker {
  private timer: NodeJS.Timeout | undefined
  /** The times to come that somebody has told of. */
  private readonly times = new Set<number>()
  private looking: Promise<void> | undefined
  private isToLookAgain = false
  private isStopped = false

  constructor(private readonly parts: RunWakerParts) {}

  /** Looks at a time of its own, beside the looks that are made anyway. */
  expect(at: number): void {
    if (this.isStopped || at - this.parts.clock.now() > MAX_TIMER_MS) return
    const isFirst = at < this.next
    this.times.add(at)
    if (isFirst) this.setTimer()
  }

  /** One look at a time; whoever asks during one has another one made after it. */
  sweep(): Promise<void> {
    if (this.looking) this.isToLookAgain = true
    else this.looking = this.look().finally(() => (this.looking = undefined))
    return this.looking
  }

  async stop(): Promise<void> {
    this.isStopped = true
    clearTimeout(this.timer)
    await this.looking
  }

  private get next(): number {
    let next = Number.POSITIVE_INFINITY
    for (const at of this.times) next = Math.min(next, at)
    return next
  }

  /** One timer for all of them. */
  private setTimer(): void {
    clearTimeout(this.timer)
    if (this.times.size === 0 || this.isStopped) return
    const onTime = (): void => {
      const now = this.parts.clock.now()
      for (const at of this.times) if (at <= now) this.times.delete(at)
      this.setTimer()
      void this.sweep()
    }
    this.timer = setTimeout(onTime, Math.max(0, this.next - this.parts.clock.now())).unref()
  }

  private async look(): Promise<void> {
    const { runs, catalog, clock, logger } = this.parts
    do {
      this.isToLookAgain = false
      const due = this.isStopped ? [] : await runs.toWake(catalog.all('workflow'), WOKEN_AT_ONCE, clock.now())
      for (const stored of due) {
        try {
          await this.wake(stored)
        } catch (error) {
          logger.error({ err: error, runId: stored.head.runId }, 'A workflow that waited could not go on')
          await runs.postponeWake(stored.head.runId, stored.head.attempt, clock.now() + MAX_TIMER_MS)
        }
      }
      if (due.length === WOKEN_AT_ONCE) this.isToLookAgain = true
    } while (this.isToLookAgain && !this.isStopped)
  }

  private async wake(stored: StoredRun): Promise<void> {
    const { runs, media, catalog, clock, continuation } = this.parts
    const { head } = stored
    const { runId, attempt } = head
    const runnable = catalog.find(head.component)
    const fold = await foldLog(runs, head, media)
    const events = new EventsOfRun(runs, runId, fold)
    const take = await events.look()
    const now = clock.now()
    const woken = deepest(runnable, fold, now, take)
    if (woken) {
      const leg = await continuation.wake(stored, fold, woken)
      if (leg) this.parts.execute(leg)
      return
    }
    // An event that no step waits for yet, or somebody was faster: it waits on.
    const { wakeAt } = fold
    // A time that has come with nothing to do is no time to look again at once.
    const next = wakeAt !== undefined && wakeAt <= now ? now + MAX_TIMER_MS : wakeAt
    await runs.postponeWake(runId, attempt, next, events.seenUpTo)
    if (next !== undefined) this.expect(next)
  }
}

/** The step with which a workflow goes on, also where that is one inside of a workflow inside of it. */
function deepest(
  runnable: ReturnType<Catalog['find']>,
  fold: Awaited<ReturnType<typeof foldLog>>,
  now: number,
  take: TakeEvent,
): WakeUp | undefined {
  const own = runnable.wakeUp?.(fold, now, take)
  if (own) return own
  for (const { source, fold: inner } of fold.children) {
    if (inner.status !== 'paused' || source.kind !== 'workflow') continue
    const component = runnable.members?.find(({ kind, id }) => kind === 'workflow' && id === source.id)
    const step = component && deepest(component, inner, now, take)
    const { stepId = '', stepName = '', stepIndex = 0 } = source.step ?? {}
    // The inner run tells itself how it goes on.
    if (step) return { step: { event: 'StepContinued', stepId, stepName, stepIndex } }
  }
  return undefined
}
