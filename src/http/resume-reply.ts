import type { RunEvent } from '../agents/log/events.js'
import type { Logger } from '../core/logger.js'
import type { ResumedFrom, RunStream } from '../runs/run-stream.js'
import { sseFormat } from './frame-format.js'
import type { FrameFormat } from './frame-format.js'
import { runHeaders } from './run-path.js'
import { eventFrame, unfinishedNote } from './run-stream-reply.js'
import { sseResponse } from './sse.js'

/** The rest of a run as server-sent events: see {@link resumedFrames}. */
export function resumeReply(stream: RunStream, requestId: string, logger: Logger): Response {
  return sseResponse(resumedFrames(stream, sseFormat), {
    headers: runHeaders(stream),
    requestId,
    logger,
  })
}

/**
 * The rest of a run as frames, between such that say where the follower stands: `catch_up` before what it has missed,
 * `subscribed` before what is live; `replay` before everything of a run that has paused or ended.
 */
export function resumedFrames(stream: RunStream, format: FrameFormat): AsyncIterableIterator<readonly string[]> {
  return new ResumedFrames(stream, format)
}

class ResumedFrames implements AsyncIterableIterator<readonly string[]> {
  private readonly batches: AsyncIterableIterator<readonly RunEvent[]>
  private readonly from: ResumedFrom
  private isSubscribed: boolean
  private isAnnounced = false
  private last: RunEvent | undefined
  /** What was read ahead of the frame that comes before it. */
  private held: readonly RunEvent[] = []

  constructor(
    private readonly stream: RunStream,
    private readonly format: FrameFormat,
  ) {
    this.batches = stream.batches()
    this.from = stream.resumed!
    this.isSubscribed = !this.isActive
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<readonly string[], undefined>> {
    if (!this.isAnnounced) {
      this.isAnnounced = true
      const first = this.announcement()
      if (first.length > 0) return { done: false, value: first }
    }
    if (this.held.length > 0) {
      const value = this.events(this.held)
      this.held = []
      return { done: false, value }
    }
    const step = await this.batches.next()
    if (step.done) return this.finished()
    const { value } = step
    this.last = value.at(-1)
    return { done: false, value: this.isSubscribed ? this.events(value) : this.missed(value) }
  }

  async return(): Promise<IteratorResult<readonly string[], undefined>> {
    await this.batches.return?.()
    return { done: true, value: undefined }
  }

  private finished(): IteratorResult<readonly string[], undefined> {
    const note = unfinishedNote(this.last, this.format)
    this.last = undefined
    return note ? { done: false, value: [note] } : { done: true, value: undefined }
  }

  private get isActive(): boolean {
    return this.from.status === 'pending' || this.from.status === 'running'
  }

  private announcement(): string[] {
    const { eventCount, after } = this.from
    const missed = Math.max(0, eventCount - after - 1)
    if (!this.isActive) {
      return [
        this.meta('replay', 'The run has paused or ended; its events follow.', {
          total_events: missed,
          total_buffered: eventCount,
          last_event_index_requested: after,
        }),
      ]
    }
    if (missed === 0) return [this.subscribed()]
    const counts = { missed_events: missed, current_event_count: eventCount }
    return [this.meta('catch_up', 'The events that were missed follow.', counts)]
  }

  private missed(events: readonly RunEvent[]): string[] {
    const { eventCount } = this.from
    const earlier = events.filter(({ eventIndex }) => eventIndex < eventCount)
    const live = events.slice(earlier.length)
    const frames = this.events(earlier)
    const isComplete = live.length > 0 || earlier.at(-1)?.eventIndex === eventCount - 1
    if (isComplete) frames.push(this.subscribed())
    this.held = live
    return frames
  }

  private events(events: readonly RunEvent[]): string[] {
    return events.map((event) => eventFrame(event, this.format))
  }

  private subscribed(): string {
    this.isSubscribed = true
    const counts = { current_event_count: this.from.eventCount }
    return this.meta('subscribed', 'What happens from now on follows.', counts)
  }

  private meta(event: string, message: string, fields: object): string {
    const { status } = this.from
    return this.format.frame(event, undefined, { event, run_id: this.stream.runId, status, message, ...fields })
  }
}
