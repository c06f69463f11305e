import type { Duplex } from 'node:stream'
import type { Peer } from 'crossws'
import type { SocketPeer } from '../src/http/web-handler.js'

/** Bytes that wait for the client; at least what the connection buffers by itself. */
const MIN_BUFFERED = 64 * 1024

/** The client's end of a socket of crossws. */
export class CrosswsPeer implements SocketPeer {
  private readonly maxBuffered: number

  constructor(
    private readonly peer: Peer,
    connection: Duplex,
  ) {
    // Below the connection's own mark it never says that it has room again.
    this.maxBuffered = Math.max(MIN_BUFFERED, connection.writableHighWaterMark)
  }

  get hasRoom(): boolean {
    return this.peer.bufferedAmount <= this.maxBuffered
  }

  send(text: string): void {
    this.peer.send(text)
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  close(code: number, reason: string): void {
    this.peer.close(code, reason)
  }

  terminate(): void {
    this.peer.terminate()
  }

  /** crossws types it as what all platforms have; in Node it can be paused. */
  private get socket(): { pause(): void; resume(): void } {
    return this.peer.websocket as unknown as { pause(): void; resume(): void }
  }
}
