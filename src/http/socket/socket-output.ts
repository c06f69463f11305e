import type { SocketPeer } from '../web-handler.js'

/** What goes out to one client, no faster than it takes it. */
export class SocketOutput {
  private waiting: (() => void)[] = []
  private isClosed = false

  constructor(private readonly peer: SocketPeer) {}

  /** Sends a frame. What it returns is there while the client has to take something first. */
  send(text: string): Promise<void> | undefined {
    if (this.isClosed) return undefined
    this.peer.send(text)
    if (this.peer.hasRoom) return undefined
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  drained(): void {
    if (this.peer.hasRoom) this.wake()
  }

  close(): void {
    this.isClosed = true
    this.wake()
  }

  private wake(): void {
    const { waiting } = this
    this.waiting = []
    for (const resolve of waiting) resolve()
  }
}
