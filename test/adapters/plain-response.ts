/** Under this key the adapters find a body that need not go through a stream. */
const plainBody = Symbol.for('agentos-sdk.plainBody')

/**
 * A response whose whole body is at hand. The platform builds a stream for every body it is given; this one keeps the
 * text, and builds the platform's body only when something other than an adapter asks for it.
 */
export class PlainResponse extends Response {
  readonly [plainBody]: string
  #real: Response | undefined

  constructor(text: string, init?: ResponseInit) {
    super(null, init)
    this[plainBody] = text
  }

  override get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    return this.#response().body
  }

  override get bodyUsed(): boolean {
    return this.#real?.bodyUsed ?? false
  }

  override text(): Promise<string> {
    return this.#response().text()
  }

  override json(): ReturnType<Response['json']> {
    return this.#response().json()
  }

  override arrayBuffer(): Promise<ArrayBuffer> {
    return this.#response().arrayBuffer()
  }

  override bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#response().bytes()
  }

  override blob(): Promise<Blob> {
    return this.#response().blob()
  }

  override formData(): Promise<FormData> {
    return this.#response().formData()
  }

  override clone(): Response {
    return this.#response().clone()
  }

  #response(): Response {
    return (this.#real ??= new Response(this[plainBody], { status: this.status, headers: this.headers }))
  }
}
