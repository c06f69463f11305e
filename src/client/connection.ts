import { connectionFailed, unexpectedResponse } from './client-error.js'
import type { SseFrame } from './sse-parser.js'
import { readFrames } from './sse-reader.js'

/** Asks for a stream; the signal ends the connection. */
export type OpenStream = (signal: AbortSignal) => Promise<Response>

/** How long a server may take to close a stream after its last event. */
const CLOSE_MS = 250

/** One try to read a stream. It gives up by itself when nothing has come for too long. */
export class Connection {
  private readonly controller = new AbortController()
  private closing: ReturnType<typeof setTimeout> | undefined

  /** @param outer ends the connection, with its reason. */
  constructor(
    private readonly silenceMs: number,
    private readonly outer: AbortSignal,
  ) {}

  /**
   * The frames of the response.
   *
   * @param onOpen gets the response before its first frame.
   * @param isPatient the response may be as long in coming as it takes, because there is much to send first.
   * @throws AgentOSClientError; the outer signal's reason when that aborts.
   */
  async *frames(
    open: OpenStream,
    onOpen: (response: Response) => void,
    isPatient: boolean,
  ): AsyncGenerator<SseFrame, void, void> {
    const { signal } = this.controller
    const onOuter = (): void => this.controller.abort(this.outer.reason)
    this.outer.addEventListener('abort', onOuter, { once: true })
    if (this.outer.aborted) onOuter()
    try {
      const response = await (isPatient ? open(signal) : this.guarded(open(signal)))
      onOpen(response)
      if (response.status === 204 || !response.body) return
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
        throw unexpectedResponse(response, 'text/event-stream')
      }
      const reading = <Value>(read: Promise<Value>): Promise<Value> =>
        this.guarded(read).catch((error: unknown) => {
          throw connectionFailed(error)
        })
      yield* readFrames(response.body, reading)
    } finally {
      clearTimeout(this.closing)
      this.outer.removeEventListener('abort', onOuter)
      // Also of a response whose body nobody has read.
      this.controller.abort()
    }
  }

  /** Nothing more is to come: leaves the server the time to close, so that the connection can serve other requests. */
  expectEnd(): void {
    this.closing = setTimeout(() => this.controller.abort(), CLOSE_MS)
  }

  /** Only while somebody waits: a reader that is slow itself does not make the connection dead. */
  private guarded<Value>(pending: Promise<Value>): Promise<Value> {
    const { signal } = this.controller
    return new Promise((resolve, reject) => {
      // Not every fetch lets a read fail when its signal aborts.
      const onAbort = (): void => settle(() => reject(signal.reason))
      const onSilence = (): void =>
        this.controller.abort(connectionFailed(new Error(`nothing came for ${this.silenceMs} ms`)))
      const timer = setTimeout(onSilence, this.silenceMs)
      const settle = (how: () => void): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        how()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      pending.then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(error)),
      )
      if (signal.aborted) onAbort()
    })
  }
}
