import type { AppendUnit, Appended } from '../../../runs/run-repository.js'
import { appendsOnly, AdvanceRuns } from './advance.js'
import { AppendSegment } from './append.js'
import { GroupCommit, type Pending } from './group-commit.js'
import type { NativePool } from './native.js'
import type { WakeUps } from './wake-ups.js'
import type { Unit } from './work.js'

/** So that a long line of units does not hold locks for long. */
const MAX_UNITS = 200

interface Waiting extends Pending {
  /** What it changes: units with a key in common follow each other. */
  keys: readonly string[]
  /** Given where it is the most frequent unit, which needs one statement. */
  advance?: AppendUnit
}

/**
 * The units of this process on their way to the database. Those that come while a group is written are the next one,
 * so that groups grow with the load. Appends within a leg, the most frequent by far, have a lane of their own and go
 * in one statement. Units of one run are written in the order in which they came.
 */
export class UnitQueue {
  private waiting: Waiting[] = []
  private readonly busy = new Set<string>()
  private readonly underWay = new Map<boolean, Promise<void>>()
  private readonly groups: GroupCommit
  private readonly advancing: AdvanceRuns
  private isScheduled = false

  constructor(pool: NativePool, wakeUps: WakeUps) {
    this.groups = new GroupCommit(pool, wakeUps)
    this.advancing = new AdvanceRuns(pool)
  }

  write<Result>(unit: Unit<Result>): Promise<Result> {
    return this.add<Result>({ unit, keys: keysOf(unit) })
  }

  append(append: AppendUnit): Promise<Appended> {
    const unit = new AppendSegment(append)
    return this.add<Appended>({ unit, keys: keysOf(unit), ...(appendsOnly(append) && { advance: append }) })
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.waiting.length > 0 || this.underWay.size > 0) {
      await Promise.all([...this.underWay.values(), new Promise((resolve) => setImmediate(resolve))])
    }
  }

  private add<Result>(waiting: Omit<Waiting, 'resolve' | 'reject'>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.waiting.push({ ...waiting, resolve: resolve as (result: unknown) => void, reject })
      this.schedule()
    })
  }

  /** Everything that one turn of the event loop brings is one group. */
  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    setImmediate(() => {
      this.isScheduled = false
      for (const isAdvance of [true, false]) this.start(isAdvance)
    })
  }

  private start(isAdvance: boolean): void {
    if (this.underWay.has(isAdvance) || this.waiting.length === 0) return
    const group = this.take(isAdvance)
    if (group.length === 0) return
    const writing = isAdvance ? this.advance(group) : this.groups.commit(group)
    const answered = writing.catch((error: unknown) => {
      for (const { reject } of group) reject(error)
      return []
    })
    const work = answered.then((postponed) => {
      for (const key of group.flatMap(({ keys }) => keys)) this.busy.delete(key)
      this.underWay.delete(isAdvance)
      this.waiting.unshift(...(postponed as readonly Waiting[]))
      if (this.waiting.length > 0) this.schedule()
    })
    this.underWay.set(isAdvance, work)
  }

  /** The units of a lane that nobody before them, or under way, stands in the way of. */
  private take(isAdvance: boolean): Waiting[] {
    const group: Waiting[] = []
    const rest: Waiting[] = []
    const passed = new Set(this.busy)
    for (const waiting of this.waiting) {
      const { keys, advance, unit } = waiting
      const fits =
        group.length < MAX_UNITS && !group[0]?.unit.wants.isAlone && (group.length === 0 || !unit.wants.isAlone)
      const isFree = (advance !== undefined) === isAdvance && fits && !keys.some((key) => passed.has(key))
      if (isFree) group.push(waiting)
      else rest.push(waiting)
      for (const key of keys) passed.add(key)
    }
    this.waiting = rest
    for (const key of group.flatMap(({ keys }) => keys)) this.busy.add(key)
    return group
  }

  /** What is not taken as it came is looked at more closely. */
  private async advance(group: readonly Waiting[]): Promise<readonly Waiting[]> {
    const written = await this.advancing.write(group.map(({ advance }) => advance!))
    const postponed: Waiting[] = []
    for (const { advance, ...waiting } of group) {
      if (written.has(advance!.runId)) waiting.resolve({ outcome: 'committed' } satisfies Appended)
      else postponed.push(waiting)
    }
    return postponed
  }
}

function keysOf({ wants }: Unit<unknown>): string[] {
  const { runIds, sessionId, idempotency } = wants
  return [
    ...runIds.map((runId) => `run:${runId}`),
    ...(sessionId === undefined ? [] : [`session:${sessionId}`]),
    ...(idempotency ? [`key:${JSON.stringify([idempotency.scope, idempotency.key])}`] : []),
  ]
}
