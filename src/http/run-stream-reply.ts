import { endsLeg, RunEvent } from '../agents/log/events.js'
import type { Logger } from '../core/logger.js'
import type { RunStream } from '../runs/run-stream.js'
import { encoder } from './encode.js'
import { sseFormat } from './frame-format.js'
import type { FrameFormat } from './frame-format.js'
import { runHeaders } from './run-path.js'
import { sseResponse } from './sse.js'

const encodeEvent = encoder(RunEvent)

/** What is left of a stream whose client wants no other events: the text, and what tells which run it is and how it ends. */
const ESSENTIAL = new Set([
  ...['RunStarted', 'RunContent', 'RunIntermediateContent', 'RunRecovered', 'RunContinued'].flatMap((name) => [
    name,
    `Team${name}`,
  ]),
  'WorkflowStarted',
  'WorkflowRecovered',
  'StepOutput',
])

/** What clients of the origin expect after a cancelled run. */
const COMPLETED: Partial<Record<string, string>> = {
  RunCancelled: 'RunCompleted',
  TeamRunCancelled: 'TeamRunCompleted',
  WorkflowCancelled: 'WorkflowCompleted',
}

export interface RunFramesOptions {
  /** False leaves only {@link ESSENTIAL} events and those that end the run. */
  allEvents: boolean
  /** Clients of the origin expect a cancelled run to be completed as well. */
  compatibility?: 'agno'
}

export interface StreamReplyOptions extends RunFramesOptions {
  requestId: string
  logger: Logger
}

/** The events of a run as server-sent events. What refuses the run is thrown before any frame is sent. */
export async function runStreamReply(stream: RunStream, options: StreamReplyOptions): Promise<Response> {
  const { runId, sessionId } = await stream.accepted
  return sseResponse(runFrames(stream, sseFormat, options), {
    headers: runHeaders({ runId, sessionId }),
    requestId: options.requestId,
    logger: options.logger,
  })
}

/** The events of a run as frames, in the groups in which they were committed. */
export function runFrames(
  stream: RunStream,
  format: FrameFormat,
  options: RunFramesOptions,
): AsyncIterableIterator<readonly string[]> {
  return new Frames(stream.batches(), format, options)
}

/** Spelled out as an iterator: a generator that waits for its next event could not be closed meanwhile. */
class Frames implements AsyncIterableIterator<readonly string[]> {
  private last: RunEvent | undefined

  constructor(
    private readonly batches: AsyncIterableIterator<readonly RunEvent[]>,
    private readonly format: FrameFormat,
    private readonly options: RunFramesOptions,
  ) {}

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<readonly string[], undefined>> {
    const step = await this.batches.next()
    if (step.done) return this.finished()
    const { value } = step
    this.last = value.at(-1)
    const shown = this.options.allEvents ? value : value.filter((event) => ESSENTIAL.has(event.event) || endsLeg(event))
    return { done: false, value: shown.flatMap((event) => this.frames(event)) }
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

  private frames(event: RunEvent): string[] {
    const frames = [eventFrame(event, this.format)]
    const completed = this.options.compatibility === 'agno' ? COMPLETED[event.event] : undefined
    if (completed !== undefined) {
      const { reason: _reason, ...rest } = event as RunEvent & { reason?: string }
      frames.push(eventFrame({ ...rest, event: completed, status: 'cancelled' } as RunEvent, this.format))
    }
    return frames
  }
}

/** Tells a client whose stream is closed before the run has ended how it gets the rest. A comment: no client stumbles. */
export function unfinishedNote(last: RunEvent | undefined, format: FrameFormat): string | undefined {
  if (!last || endsLeg(last)) return undefined
  return format.note?.(`the server closes this stream; resume the run after event ${last.eventIndex}`)
}

/** One event as a frame. */
export function eventFrame(event: RunEvent, format: FrameFormat): string {
  return format.frame(event.event, event.eventIndex, encodeEvent(event) as object)
}
