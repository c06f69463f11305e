import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { BusLink, BusMessage, LinkedEventBus } from '../../linked-event-bus.js'
import { send, type NativeClient, type NativePool } from './native.js'

/** PostgreSQL takes up to 7,999 bytes. */
const MAX_PAYLOAD_BYTES = 7_900
const MIN_WAIT_MS = 100
const MAX_WAIT_MS = 5_000

const NOTIFY = {
  name: 'agentos_notify',
  text: 'SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload',
}

/**
 * Carries messages between the processes on one database: LISTEN on a connection of its own, and NOTIFY after what
 * they tell of is committed, never inside a transaction (which takes a lock of the whole database at COMMIT). What
 * comes while one statement is under way goes with the next, so that there is one at a time, however many runs move.
 *
 * Messages only make it quick. One that is lost, because the connection was away, is made up for: whoever waits here
 * is woken as soon as it is back, and looks into the tables.
 */
export class NotifyLink implements BusLink {
  /** Who sends: a process hears its own messages, too. */
  private readonly self = randomUUID()
  private readonly closing = new AbortController()
  private readonly listening: Promise<void>
  private client: NativeClient | undefined
  private pending = new Map<string, BusMessage>()
  private sending: Promise<void> | undefined

  constructor(
    private readonly pool: NativePool,
    private readonly channel: string,
    private readonly bus: LinkedEventBus,
  ) {
    bus.link = this
    this.listening = this.listen()
  }

  publish(message: BusMessage): void {
    // Of one run only the latest is of interest.
    this.pending.set(`${message.kind} ${message.runId}`, message)
    this.sending ??= this.flush().finally(() => (this.sending = undefined))
  }

  async close(): Promise<void> {
    if (this.bus.link === this) this.bus.link = undefined
    await this.sending
    this.closing.abort()
    await this.listening
  }

  private async flush(): Promise<void> {
    // Everything that one turn of the event loop brings goes together.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.pending.size > 0) {
      const messages = [...this.pending.values()]
      this.pending.clear()
      const { client } = this
      // Nobody is told while the connection is away: others poll.
      if (!client) return
      try {
        await send(client, NOTIFY, [this.channel, payloads(this.self, messages)])
      } catch {
        return
      }
    }
  }

  private async listen(): Promise<void> {
    const { signal } = this.closing
    for (let wait = MIN_WAIT_MS; !signal.aborted; wait = Math.min(wait * 2, MAX_WAIT_MS)) {
      try {
        await this.listenUntilLost(() => (wait = MIN_WAIT_MS))
      } catch {
        // The server is away; it is asked again.
      }
      const pause = wait * (0.5 + Math.random() / 2)
      await setTimeout(pause, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  private async listenUntilLost(onListening: () => void): Promise<void> {
    const client = await this.pool.connect()
    const { signal } = this.closing
    try {
      const lost = new Promise<void>((resolve) => {
        client.on('error', () => resolve())
        client.on('end', () => resolve())
        signal.addEventListener('abort', () => resolve(), { once: true })
        if (signal.aborted) resolve()
      })
      client.on('notification', ({ payload }) => this.hear(payload ?? ''))
      // A message need not outlive the server, so that it does not wait for the disk.
      await send(client, { text: 'SET synchronous_commit = off' }, [])
      await send(client, { text: `LISTEN "${this.channel}"` }, [])
      // It waits for messages and must not keep a process alive that has nothing else to do.
      client.unref()
      this.client = client
      onListening()
      this.bus.wakeAll()
      await lost
    } finally {
      this.client = undefined
      client.release(true)
    }
  }

  private hear(payload: string): void {
    const [from, messages] = JSON.parse(payload) as [string, [BusMessage['kind'], string, number][]]
    if (from === this.self) return
    for (const [kind, runId, lastIndex] of messages) this.bus.hear({ kind, runId, lastIndex })
  }
}

/** The messages in as few texts as hold them. */
function payloads(self: string, messages: readonly BusMessage[]): string[] {
  const texts: string[] = []
  let parts: string[] = []
  let size = 0
  const room = MAX_PAYLOAD_BYTES - JSON.stringify([self, []]).length
  for (const { kind, runId, lastIndex } of messages) {
    const part = JSON.stringify([kind, runId, lastIndex])
    const bytes = Buffer.byteLength(part) + 1
    // An id that fits into no message is found by polling.
    if (bytes > room) continue
    if (size + bytes > room) {
      texts.push(`["${self}",[${parts.join(',')}]]`)
      parts = []
      size = 0
    }
    parts.push(part)
    size += bytes
  }
  if (parts.length > 0) texts.push(`["${self}",[${parts.join(',')}]]`)
  return texts
}
