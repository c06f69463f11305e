import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Observed } from './stand-in.js'

/** Waits until a claim holds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 5_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Gave up waiting until ${what}.`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The stand-in behind a host, asked and told by HTTP. */
export class RemoteStandIn {
  base = ''

  observed(): Promise<Observed> {
    return this.#control('observed')
  }

  /** Lets the held stream go on to its end. */
  release(): Promise<Observed> {
    return this.#control('release')
  }

  reset(): Promise<Observed> {
    return this.#control('reset')
  }

  async has(list: 'served' | 'aborted' | 'cancelled', path: string): Promise<boolean> {
    return (await this.observed())[list].includes(path)
  }

  async #control(what: string): Promise<Observed> {
    return (await (await fetch(`${this.base}/control/${what}`)).json()) as Observed
  }
}

/** A client that writes bytes as they are and reads no faster than it is told to. */
export class RawClient {
  received = ''
  isClosed = false

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => (this.received += chunk))
    socket.on('close', () => (this.isClosed = true))
    // A reset is one of the ways in which a server may close; `isClosed` tells.
    socket.on('error', () => (this.isClosed = true))
  }

  static async open(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new RawClient(socket)
  }

  send(text: string): void {
    this.socket.write(text, 'latin1')
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  close(): void {
    this.socket.destroy()
  }

  /** Waits until the server has sent this text. Returns all that it has sent. */
  async receives(text: string): Promise<string> {
    await until(`the server sends ${JSON.stringify(text)}, it sent ${this.received.slice(-500)}`, () =>
      this.received.includes(text),
    )
    return this.received
  }
}

/** Reads a streamed response piece by piece. */
export async function readUntil(response: Response, text: string): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let received = ''
  while (!received.includes(text)) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`The stream ended before ${text}: ${received}`)
    received += new TextDecoder().decode(value)
  }
  return reader
}
