import type { StepFacts } from './entry.js'

/** {@link TakenEvents} as JSON. */
export interface TakenState {
  eventsTakenUpTo?: number
  takenEvents?: number[]
}

/**
 * Which of the events that were sent to a run its steps have taken, by their places. However many there were, only
 * those are kept that were taken before an earlier one was.
 */
export class TakenEvents {
  /** Every event up to here was taken. */
  upTo: number
  private readonly later: Set<number>

  constructor({ eventsTakenUpTo = 0, takenEvents }: TakenState = {}) {
    this.upTo = eventsTakenUpTo
    this.later = new Set(takenEvents)
  }

  has(seq: number): boolean {
    return seq <= this.upTo || this.later.has(seq)
  }

  add({ takenEvent, eventsTakenUpTo = 0 }: Pick<StepFacts, 'takenEvent' | 'eventsTakenUpTo'>): void {
    if (eventsTakenUpTo > this.upTo) {
      this.upTo = eventsTakenUpTo
      for (const seq of this.later) if (seq <= this.upTo) this.later.delete(seq)
    }
    if (takenEvent !== undefined && takenEvent > this.upTo) this.later.add(takenEvent)
  }

  state(): TakenState {
    return {
      ...(this.upTo > 0 && { eventsTakenUpTo: this.upTo }),
      ...(this.later.size > 0 && { takenEvents: [...this.later] }),
    }
  }
}
