import type { ServerResponse } from 'node:http'
import { clientGone, collect, decode, streamOf } from './node-body.js'
import type { BodySource } from './node-body.js'
import { isFinished, isGone } from './node-connection.js'

/**
 * A Web `Request` over Node's request that reads its body straight from the connection.
 *
 * URL, method and headers are the platform's own. The body and the signal are made on first use, because a platform
 * request with a body stream and a signal costs more than all else that an adapter does. So the platform sees no body
 * when it is handed this object itself: pass `request.clone()` to `fetch` or `new Request`.
 */
export class NodeRequest extends Request {
  readonly #source: BodySource
  readonly #outgoing: ServerResponse
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined
  #isRead = false
  #controller: AbortController | undefined

  constructor(url: string, init: RequestInit, source: BodySource, outgoing: ServerResponse) {
    super(url, init)
    this.#source = init.method === 'GET' || init.method === 'HEAD' ? null : source
    this.#outgoing = outgoing
  }

  /** Aborts when the connection closes before the response was written, and never after. */
  override get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = (this.#controller = new AbortController())
      const outgoing = this.#outgoing
      const abortUnlessFinished = () => {
        if (!isFinished(outgoing)) controller.abort(clientGone())
      }
      if (isGone(outgoing)) abortUnlessFinished()
      else outgoing.once('close', abortUnlessFinished)
      this.#abortWithBody(abortUnlessFinished)
    }
    return this.#controller.signal
  }

  override get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (this.#source === null) return null
    if (this.#stream === undefined) {
      const isSpent = this.#isRead
      this.#stream = streamOf(isSpent ? new Uint8Array() : this.#source, () => (this.#isRead = true))
      // The platform shows a body that was read as a stream that nobody can read again.
      if (isSpent) this.#stream.getReader()
    }
    return this.#stream
  }

  override get bodyUsed(): boolean {
    return this.#isRead
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.#bytes()
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  }

  override async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#bytes()
    return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
  }

  override async text(): Promise<string> {
    return decode(await this.#bytes())
  }

  // `any` is what the platform's own signature returns.
  override async json(): ReturnType<Request['json']> {
    return JSON.parse(decode(await this.#bytes()))
  }

  override async blob(): Promise<Blob> {
    return (await this.#buffered()).blob()
  }

  override async formData(): Promise<FormData> {
    return (await this.#buffered()).formData()
  }

  override clone(): Request {
    if (this.bodyUsed) throw new TypeError('The request body was already read, so the request cannot be cloned.')
    const init: RequestInit & { duplex?: 'half' } = {
      method: this.method,
      headers: this.headers,
      signal: this.signal,
    }
    if (this.body !== null) {
      const [mine, theirs] = this.body.tee()
      this.#stream = mine
      init.body = theirs
      init.duplex = 'half'
    }
    return new Request(this.url, init)
  }

  /** A body that is cut short tells first, before whoever waits for it can answer and so make the request a finished one. */
  #abortWithBody(abort: () => void): void {
    const source = this.#source
    if (source === null || source instanceof Uint8Array || source.readableEnded) return
    if (source.destroyed) abort()
    else source.once('close', () => source.readableEnded || abort())
  }

  async #buffered(): Promise<Response> {
    const contentType = this.headers.get('content-type')
    const bytes = (await this.#bytes()) as Uint8Array<ArrayBuffer>
    return new Response(bytes, contentType === null ? {} : { headers: { 'content-type': contentType } })
  }

  async #bytes(): Promise<Uint8Array> {
    if (this.#isRead) throw new TypeError('The request body was already read.')
    if (this.#source === null) return new Uint8Array()
    if (this.#stream !== undefined) return new Uint8Array(await new Response(this.#stream).arrayBuffer())
    this.#isRead = true
    return this.#source instanceof Uint8Array ? this.#source : collect(this.#source)
  }
}
