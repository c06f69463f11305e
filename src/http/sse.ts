import { AgentOSError } from '../core/errors.js'
import { silentLogger } from '../core/logger.js'
import type { Logger } from '../core/logger.js'
import { INTERNAL_ERROR_DETAIL } from './error-response.js'

/** Line breaks that clients of other languages split on, though JSON and server-sent events know only CR and LF. */
const foreignLineBreaks = /[\u0085\u2028\u2029]/g

/**
 * One event as text. `json` is compact JSON, so it holds no line break of its own.
 *
 * @example
 * sseFrame('RunContent', 7, '{"event":"RunContent","event_index":7}')
 */
export function sseFrame(event: string, id: number | undefined, json: string): string {
  const escaped = json.replace(
    foreignLineBreaks,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return id === undefined ? `event: ${event}\ndata: ${escaped}\n\n` : `event: ${event}\nid: ${id}\ndata: ${escaped}\n\n`
}

/** Frames as they come; an array is what was committed at once and goes out as one chunk. */
export type SseFrames = AsyncIterable<string | readonly string[]>

export interface SseOptions {
  status?: number
  /** Beside those of every stream, such as `X-Run-Id`. */
  headers?: Readonly<Record<string, string>>
  heartbeatMs?: number
  logger?: Logger
  requestId?: string
}

const DEFAULT_HEARTBEAT_MS = 15_000
const encoder = new TextEncoder()
const heartbeat = encoder.encode(': heartbeat\n\n')

/**
 * A stream of frames as a response. Nothing is read from the source before the client reads; when the client goes,
 * the signal aborts and the source's iterator is returned.
 */
export function sseResponse(
  source: SseFrames | ((signal: AbortSignal) => SseFrames),
  options: SseOptions = {},
): Response {
  const stream = new ReadableStream<Uint8Array>(new FrameSource(source, options), { highWaterMark: 0 })
  return new Response(stream, {
    status: options.status ?? 200,
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...options.headers,
    },
  })
}

type Step = IteratorResult<string | readonly string[], unknown>

class FrameSource implements UnderlyingDefaultSource<Uint8Array> {
  private readonly clientGone = new AbortController()
  private readonly heartbeatMs: number
  private iterator: AsyncIterator<string | readonly string[]> | undefined
  /** A step that was asked for and has not come yet; it outlives the heartbeats that are sent meanwhile. */
  private pending: Promise<Step> | undefined
  private timer: NodeJS.Timeout | undefined
  private onSilence: (() => void) | undefined

  constructor(
    private readonly source: SseFrames | ((signal: AbortSignal) => SseFrames),
    private readonly options: SseOptions,
  ) {
    this.heartbeatMs = options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      const step = await this.nextOrSilence()
      if (this.clientGone.signal.aborted) return
      if (step === 'silence') {
        controller.enqueue(heartbeat)
      } else if (step.done) {
        this.stopTimer()
        controller.close()
      } else {
        controller.enqueue(encoder.encode(typeof step.value === 'string' ? step.value : step.value.join('')))
      }
    } catch (error) {
      this.stopTimer()
      if (this.clientGone.signal.aborted) return
      controller.enqueue(encoder.encode(this.errorFrame(error)))
      controller.close()
    }
  }

  cancel(reason: unknown): void {
    this.stopTimer()
    this.clientGone.abort(reason)
    this.onSilence?.()
    // Not awaited: a generator that waits for its next event returns only when that has come.
    void this.returnIterator()
  }

  private async returnIterator(): Promise<void> {
    try {
      // Also one that nobody has read from yet may hold something open.
      if (typeof this.source !== 'function') this.iterator ??= this.open()
      await this.iterator?.return?.()
    } catch (error) {
      this.log(error, 'A stream did not close cleanly')
    }
  }

  /**
   * The next batch, or `'silence'` when none has come for the length of a heartbeat. An empty batch is waited over: it
   * holds nothing that the client would see, so it does not end the silence.
   */
  private async nextOrSilence(): Promise<Step | 'silence'> {
    const silence = new Promise<'silence'>((resolve) => (this.onSilence = () => resolve('silence')))
    this.startTimer()
    for (;;) {
      this.iterator ??= this.open()
      this.pending ??= this.iterator.next()
      const step = await Promise.race([this.pending, silence])
      if (step === 'silence') return step
      this.pending = undefined
      if (step.done || step.value.length > 0) return step
    }
  }

  private open(): AsyncIterator<string | readonly string[]> {
    const frames = typeof this.source === 'function' ? this.source(this.clientGone.signal) : this.source
    return frames[Symbol.asyncIterator]()
  }

  private startTimer(): void {
    if (this.timer) this.timer.refresh()
    else this.timer = setTimeout(() => this.onSilence?.(), this.heartbeatMs).unref()
  }

  private stopTimer(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private errorFrame(error: unknown): string {
    this.log(error, 'A stream failed')
    const known = error instanceof AgentOSError && error.status !== 500
    return sseFrame(
      'error',
      undefined,
      JSON.stringify({
        event: 'error',
        error: known ? error.message : INTERNAL_ERROR_DETAIL,
        error_code: known ? error.code : 'INTERNAL_ERROR',
      }),
    )
  }

  private log(error: unknown, message: string): void {
    ;(this.options.logger ?? silentLogger).error({ err: error, requestId: this.options.requestId }, message)
  }
}
