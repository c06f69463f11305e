import type { RunFold } from '../agents/log/fold.js'
import type { ReceivedEvent, TakeEvent, TakenEvent } from '../agents/runnable.js'
import type { RunRepository } from './run-repository.js'

/**
 * The events that were sent to a run, for its steps to take: each goes to one step, in the order in which they came.
 * None is read twice, and of those that steps have taken before only those after one that none has.
 */
export class EventsOfRun {
  /** Those that no step has taken, by name. */
  private readonly waiting = new Map<string, ReceivedEvent[]>()
  /** The places of those that were read, from the first on that the log does not say was taken. */
  private readonly places: number[] = []
  private firstPlace = 0
  private readUpTo: number

  constructor(
    private readonly runs: Pick<RunRepository, 'receivedEvents'>,
    private readonly runId: string,
    private readonly fold: RunFold,
  ) {
    this.readUpTo = fold.nested.taken.upTo
  }

  /** The place of the last that is known of. */
  get seenUpTo(): number {
    return this.readUpTo
  }

  /** Looks what has come since. */
  async look(): Promise<TakeEvent> {
    for (const event of await this.runs.receivedEvents(this.runId, this.readUpTo)) this.receive(event)
    return (name) => this.take(name)
  }

  private receive(event: ReceivedEvent): void {
    const { seq, name } = event
    // Two steps that look at the same time read the same.
    if (seq <= this.readUpTo) return
    this.readUpTo = seq
    this.places.push(seq)
    if (this.fold.nested.taken.has(seq)) return
    const others = this.waiting.get(name)
    if (others) others.push(event)
    else this.waiting.set(name, [event])
  }

  private take(name: string): TakenEvent | undefined {
    const event = this.waiting.get(name)?.shift()
    return event && { ...event, takenUpTo: this.takenUpTo() }
  }

  /** What a step was given counts as taken once its entry is in the log: until then a crash gives it back. */
  private takenUpTo(): number {
    const { taken } = this.fold.nested
    while (this.firstPlace < this.places.length && taken.has(this.places[this.firstPlace]!)) this.firstPlace++
    return this.places[this.firstPlace - 1] ?? taken.upTo
  }
}
