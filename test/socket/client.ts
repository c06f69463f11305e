import { once } from 'node:events'
import { onTestFinished } from 'vitest'

// eslint-disable-next-line typescript/no-explicit-any -- tests look into frames of all forms
export type Frame = Record<string, any>

/** A WebSocket of the platform, whose frames can be waited for. */
export class TestSocket {
  readonly texts: string[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  private wake: () => void = () => undefined
  private read = 0

  constructor(readonly ws: WebSocket) {
    ws.addEventListener('message', ({ data }) => {
      this.texts.push(String(data))
      this.wake()
    })
    this.closed = new Promise((resolve) =>
      ws.addEventListener('close', ({ code, reason }) => {
        resolve({ code, reason })
        this.wake()
      }),
    )
    onTestFinished(() => ws.close())
  }

  static async open(url: string): Promise<TestSocket> {
    const socket = new TestSocket(new WebSocket(url.replace(/^http/, 'ws')))
    await once(socket.ws, 'open')
    return socket
  }

  get frames(): Frame[] {
    return this.texts.map((text) => JSON.parse(text) as Frame)
  }

  send(frame: object | string): void {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  }

  /** The next frame that was not read yet. */
  async next(): Promise<Frame> {
    while (this.texts.length <= this.read) {
      if (this.ws.readyState >= WebSocket.CLOSING)
        throw new Error(`The socket is closed; it got ${this.texts.join('\n')}`)
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
    return JSON.parse(this.texts[this.read++]!) as Frame
  }

  /** Reads on to the first frame of a name, and returns all up to it. */
  async until(...events: string[]): Promise<Frame[]> {
    const seen: Frame[] = []
    do seen.push(await this.next())
    while (!events.includes(seen.at(-1)!.event as string))
    return seen
  }

  async ask(frame: object | string): Promise<Frame> {
    this.send(frame)
    return this.next()
  }
}

export function indexes(frames: readonly Frame[]): number[] {
  return frames.filter(({ event_index }) => event_index !== undefined).map(({ event_index }) => event_index as number)
}

export function eventsOf(frames: readonly Frame[]): string[] {
  return frames.map(({ event }) => event as string)
}
