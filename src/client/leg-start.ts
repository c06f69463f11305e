import type { MetaFrame } from './leg-end.js'

/** A frame of a log, as far as it matters here. */
export interface LogFrame extends MetaFrame {
  event_index?: number
  run_id?: string
}

/**
 * Where a leg begins whose first event was lost: with the last `RunContinued` of what was there when it was first
 * asked for. Looks through the log over as many connections as it takes.
 */
export class LegStart {
  /** Index of the last event that was looked at. */
  lastIndex = -1
  private count: number | undefined
  private begin: number | undefined

  constructor(private readonly runId: string) {}

  saw({
    event,
    event_index: index,
    run_id: runId,
    total_buffered: buffered,
    current_event_count: count,
  }: LogFrame): void {
    if (index === undefined) this.count ??= buffered ?? count
    else if (index > this.lastIndex) {
      this.lastIndex = index
      if (event === 'RunContinued' && runId === this.runId) this.begin = index
    }
  }

  /** Index of the leg's first event, once it is known. */
  get found(): number | undefined {
    return this.count !== undefined && this.lastIndex >= this.count - 1 ? this.begin : undefined
  }
}
