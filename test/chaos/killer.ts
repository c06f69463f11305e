import { setTimeout as sleep } from 'node:timers/promises'
import type { Victim } from './victim.ts'

/** A moment at which the process is to be killed; at the latest after `latestMs`. */
export interface PlannedKill {
  moment:
    | { on: 'event'; name: string; nth: number }
    | { on: 'effect'; nth: number }
    | { on: 'decision'; ms: number }
    | { on: 'time' }
  latestMs: number
  /** Milliseconds after which the next process is killed while it starts. */
  startMs?: number
}

const events = [
  ['StepStarted', 6],
  ['StepOutput', 6],
  ['StepCompleted', 8],
  ['StepPaused', 2],
  ['StepContinued', 2],
  ['StepExecutorPaused', 1],
  ['StepExecutorContinued', 1],
  ['WorkflowPaused', 3],
  ['WorkflowRecovered', 2],
  ['ParallelExecutionStarted', 1],
  ['ParallelExecutionCompleted', 1],
  ['LoopIterationStarted', 3],
  ['LoopIterationCompleted', 3],
  ['LoopExecutionCompleted', 1],
  ['SleepStarted', 1],
  ['SleepCompleted', 1],
  ['WaitForEventStarted', 1],
  ['WaitForEventCompleted', 1],
  ['MapExecutionStarted', 1],
  ['RunStarted', 4],
  ['RunContent', 12],
  ['RunPaused', 3],
  ['RunContinued', 3],
  ['RunCompleted', 4],
  ['ToolCallStarted', 4],
  ['ToolCallCompleted', 4],
  ['TeamToolCallStarted', 4],
  ['TeamToolCallCompleted', 4],
  ['TeamRunContent', 8],
  ['TeamRunPaused', 2],
  ['TeamRunContinued', 2],
  ['TeamRunRecovered', 2],
] as const

/** One to five kills of a trial. */
export function drawKills(random: () => number): PlannedKill[] {
  const upTo = (count: number): number => Math.floor(random() * count)
  return Array.from({ length: 1 + upTo(5) }, () => {
    const kind = random()
    const [name, most] = events[upTo(events.length)]!
    const moment =
      kind < 0.55
        ? ({ on: 'event', name, nth: 1 + upTo(most) } as const)
        : kind < 0.75
          ? ({ on: 'effect', nth: 1 + upTo(6) } as const)
          : kind < 0.85
            ? ({ on: 'decision', ms: upTo(40) } as const)
            : ({ on: 'time' } as const)
    const latestMs = moment.on === 'time' ? upTo(1_200) : 600 + upTo(1_000)
    return { moment, latestMs, ...(random() < 0.15 && { startMs: upTo(600) }) }
  })
}

/** Kills a process at planned moments, one after the other, and starts it again. */
export class Killer {
  /** When it was killed. */
  readonly done: string[] = []
  private readonly victim: Victim
  private readonly plans: PlannedKill[]
  private plan: PlannedKill | undefined
  private left = 0
  private timer: NodeJS.Timeout | undefined
  private restarted: Promise<void> = Promise.resolve()

  constructor(victim: Victim, plans: readonly PlannedKill[]) {
    this.victim = victim
    this.plans = [...plans]
  }

  /** Waits for the moment of the next kill. */
  arm(): void {
    const plan = this.plans.shift()
    this.plan = plan
    if (!plan) return
    const { moment, latestMs } = plan
    this.left = 'nth' in moment ? moment.nth : 1
    this.timer = setTimeout(() => this.kill('at some time'), latestMs)
  }

  /** Kills no more; the process is there after it. */
  async disarm(): Promise<void> {
    this.plans.length = 0
    this.plan = undefined
    clearTimeout(this.timer)
    await this.restarted
  }

  onEvent(name: string): void {
    const moment = this.plan?.moment
    if (moment?.on === 'event' && moment.name === name && --this.left === 0) this.kill(`at an event: ${name}`)
  }

  /** True when it has killed the process that waits for the answer. */
  onEffect(name: string): boolean {
    if (this.plan?.moment.on !== 'effect' || --this.left > 0) return false
    this.kill(`in an effect: ${name}`)
    return true
  }

  onDecision(): void {
    const { plan } = this
    if (plan?.moment.on !== 'decision') return
    void sleep(plan.moment.ms).then(() => {
      if (this.plan === plan) this.kill('while deciding')
    })
  }

  private kill(when: string): void {
    const { plan } = this
    if (!plan) return
    this.plan = undefined
    clearTimeout(this.timer)
    this.victim.kill()
    this.done.push(when)
    this.restarted = this.restart(plan)
    // Told by whoever waits for it.
    this.restarted.catch(() => undefined)
  }

  private async restart({ startMs }: PlannedKill): Promise<void> {
    if (startMs !== undefined) {
      const started = this.victim.start().catch(() => undefined)
      await sleep(startMs)
      this.victim.kill()
      this.done.push('while it started')
      await started
      // It may have come through that.
      this.victim.kill()
    }
    await this.victim.start()
    this.arm()
  }
}
