import type { RunEvent } from '../agents/log/events.js'
import type { StreamedRun } from '../runs/run-stream.js'
import { AgentOSClientError, connectionFailed } from './client-error.js'
import { Connection } from './connection.js'
import { LEG_ENDS } from './contract.js'
import { fromWire } from './form.js'
import { LegEnd } from './leg-end.js'
import { LegStart } from './leg-start.js'
import type { LogFrame } from './leg-start.js'
import type { Settings } from './options.js'
import { delayBefore, mayPass, pause } from './retry.js'
import type { SseFrame } from './sse-parser.js'

/** How a run, or a leg of one, is asked for that does not exist yet. */
export interface Beginning {
  request(signal: AbortSignal): Promise<Response>
  /** The same request again would not make a second run. */
  isRepeatable: boolean
  /** The request is none that was made before, in another program for example. */
  isNew: boolean
  /** Files go along, which may take any time. */
  isUpload: boolean
  /** It is a further leg of a run, whose log has more before it. */
  isFurtherLeg?: boolean
}

export interface FollowParts {
  settings: Settings
  /** Absent where a run is followed that is there already; then `runId` names it. */
  beginning?: Beginning
  runId?: string
  /** Ids that the request has named, as far as it has. */
  asked?: { runId?: string; sessionId?: string }
  /** Index of the last event that is known; -1 for none. */
  after: number
  /** Asks for the events after an index. */
  resume(runId: string, after: number, signal: AbortSignal): Promise<Response>
  /** Leaves out what `streamEvents: false` leaves out: a resumed stream has everything. */
  onlyEssential?: boolean
  /** Ends the reading. */
  signal: AbortSignal
  /** Called when the server has said which run it is. */
  onAccepted(run: StreamedRun): void
}

/** Beside the ends of legs. The server decides the same way, in `run-stream-reply.ts`. */
const ESSENTIAL = new Set([
  ...['RunStarted', 'RunContent', 'RunIntermediateContent', 'RunRecovered', 'RunContinued'].flatMap((name) => [
    name,
    `Team${name}`,
  ]),
  'WorkflowStarted',
  'WorkflowRecovered',
  'StepOutput',
])

/** Reads a run's events over as many connections as it takes: each once, in order, to the end of the current leg. */
export class RunFollower {
  private runId: string | undefined
  private lastIndex: number
  private isOver = false
  private hasBegun = false
  /** Of a further leg of which nothing has come yet. */
  private start: LegStart | undefined

  constructor(private readonly parts: FollowParts) {
    this.runId = parts.runId
    this.lastIndex = parts.after
  }

  /** @throws AgentOSClientError when the run is refused, or the connection can't be made again. */
  async *events(): AsyncGenerator<RunEvent, void, void> {
    const { signal, settings } = this.parts
    let failures = 0
    while (!signal.aborted) {
      const before = this.progress
      let failure: unknown = connectionFailed(new Error('the stream ended before the run'))
      try {
        yield* this.connection()
      } catch (error) {
        failure = error
      }
      if (this.isOver || signal.aborted) return
      failures = this.progress > before ? 1 : failures + 1
      if (!mayPass(failure) || failures > settings.reconnect.retries || !this.canAskAgain()) throw failure
      await pause(delayBefore(failures, settings.reconnect, failure), signal).catch(() => undefined)
    }
  }

  private get progress(): number {
    return Math.max(this.lastIndex, this.start?.lastIndex ?? -1)
  }

  private canAskAgain(): boolean {
    return this.runId !== undefined || this.parts.beginning?.isRepeatable === true
  }

  private async *connection(): AsyncGenerator<RunEvent, void, void> {
    const { settings, signal, beginning } = this.parts
    if (beginning?.isFurtherLeg && this.runId !== undefined && this.lastIndex < 0) await this.findStart(this.runId)
    const isFirst = this.runId === undefined && !this.hasBegun
    const end = new LegEnd(beginning?.isFurtherLeg === true || (isFirst && beginning?.isNew === true))
    const connection = new Connection(settings.silenceMs, signal)
    const frames = connection.frames(
      (own) => this.open(own),
      (response) => this.opened(response),
      this.runId === undefined && beginning?.isUpload === true,
    )
    for await (const frame of frames) {
      // One read may bring many events.
      if (signal.aborted) return
      const event = this.isOver ? undefined : this.eventOf(frame, end)
      if (!event) continue
      this.isOver = end.isOver(event, this.runId)
      if (this.isOver) connection.expectEnd()
      if (this.isShown(event)) yield event
    }
    this.isOver ||= end.isComplete(this.lastIndex)
  }

  /** Goes on from where a leg begins: nothing has come that says so. */
  private async findStart(runId: string): Promise<void> {
    const { settings, signal } = this.parts
    const start = (this.start ??= new LegStart(runId))
    const frames = new Connection(settings.silenceMs, signal).frames(
      (own) => this.parts.resume(runId, start.lastIndex, own),
      () => undefined,
      false,
    )
    for await (const { data } of frames) {
      const json = parse(data)
      if (json.event === 'error') throw brokenOff(json)
      start.saw(json)
      if (start.found !== undefined) break
    }
    if (start.found === undefined) throw connectionFailed(new Error('the stream ended before the leg began'))
    this.lastIndex = start.found - 1
  }

  private open(signal: AbortSignal): Promise<Response> {
    if (this.runId !== undefined) return this.parts.resume(this.runId, this.lastIndex, signal)
    this.hasBegun = true
    return this.parts.beginning!.request(signal)
  }

  private opened({ status, headers }: Response): void {
    // The run has ended, and everything of it was seen.
    if (status === 204) this.isOver = true
    // A page of another origin may not see these; then the first event tells.
    const runId = idOf(headers.get('x-run-id'), this.parts.asked?.runId)
    const sessionId = idOf(headers.get('x-session-id'), this.parts.asked?.sessionId)
    if (runId !== undefined && sessionId !== undefined) this.accept({ runId, sessionId })
  }

  private accept({ runId, sessionId }: StreamedRun): void {
    this.runId ??= runId
    this.parts.onAccepted({ runId: this.runId, sessionId })
  }

  /** The event of a frame, when it is one and has not been seen. */
  private eventOf(frame: SseFrame, end: LegEnd): RunEvent | undefined {
    const json = parse(frame.data)
    if (typeof json.event_index !== 'number') {
      if (json.event === 'error') throw brokenOff(json)
      end.told(json)
      return undefined
    }
    if (json.event_index <= this.lastIndex) return undefined
    const event = fromWire('RunEvent', json) as RunEvent
    this.lastIndex = event.eventIndex
    this.accept(event)
    return event
  }

  private isShown({ event }: RunEvent): boolean {
    return this.parts.onlyEssential !== true || ESSENTIAL.has(event) || LEG_ENDS.includes(event)
  }
}

/** An id in a header is percent-encoded where it can't be written otherwise, and only there. */
function idOf(header: string | null, asked: string | undefined): string | undefined {
  if (header === null) return undefined
  if (header === asked || !/^(?:[^%]|%[\dA-F]{2})+$/.test(header)) return header
  return decodeURIComponent(header)
}

interface WireFrame extends LogFrame {
  error?: string
  error_code?: string
}

function parse(data: string): WireFrame {
  try {
    return JSON.parse(data) as WireFrame
  } catch (error) {
    throw connectionFailed(error)
  }
}

/** A fault of the server after the stream began: the run may be well, so it counts as a connection that broke. */
function brokenOff({ error, error_code: code }: WireFrame): AgentOSClientError {
  const detail = error ?? 'The stream broke off.'
  return new AgentOSClientError({ status: 0, code: code ?? 'CONNECTION_FAILED', detail })
}
