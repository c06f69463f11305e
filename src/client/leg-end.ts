import type { RunEvent } from '../agents/log/events.js'
import { LEG_ENDS } from './contract.js'

/** What the frames without an id say about a stream, as far as it matters here. */
export interface MetaFrame {
  event: string
  current_event_count?: number
  total_buffered?: number
}

/**
 * Tells which of the ends of legs that a stream shows is the last one. A replay passes over earlier ones: after
 * `RunPaused` there may come `RunContinued`, or nothing.
 */
export class LegEnd {
  /** Index from which on a leg's end is that of the current leg; unknown on a connection that has not said it. */
  private currentFrom: number
  /** Events of a run that had paused or ended, whose stream is a replay. */
  private replayed: number | undefined
  private isLastAnEnd = false

  /** @param isSingle the stream shows one leg only, from its beginning: whatever end comes first is its end. */
  constructor(private readonly isSingle: boolean) {
    this.currentFrom = isSingle ? 0 : Number.POSITIVE_INFINITY
  }

  told(frame: MetaFrame): void {
    if (frame.event === 'replay') {
      this.replayed = frame.total_buffered ?? 0
      if (!this.isSingle) this.currentFrom = this.replayed - 1
    } else if (!this.isSingle && frame.current_event_count !== undefined) {
      this.currentFrom = frame.current_event_count
    }
  }

  /** Whether nothing follows this event. */
  isOver(event: RunEvent, runId: string | undefined): boolean {
    // What the run has started inside of it ends before it.
    this.isLastAnEnd = LEG_ENDS.includes(event.event) && event.runId === runId
    if (!this.isLastAnEnd) return false
    const mayGoOn = event.event.endsWith('Paused') || event.event.endsWith('Error')
    return !mayGoOn || event.eventIndex >= this.currentFrom
  }

  /** Whether a stream that was closed in an orderly way is complete. */
  isComplete(lastIndex: number): boolean {
    return this.isLastAnEnd || (this.replayed !== undefined && lastIndex >= this.replayed - 1)
  }
}
