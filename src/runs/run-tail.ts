import type { EventBus } from './event-bus.js'
import type { RunRepository } from './run-repository.js'
import { fromSegment } from './segment.js'
import type { PlacedEntry } from './segment.js'
import type { StoredMedia } from './stored-media.js'
import { endsLog } from '../agents/log/entry.js'

export interface RunTailParts {
  runs: RunRepository
  media: StoredMedia
  events: EventBus
  runId: string
  /** Index of the first event that is wanted. */
  from: number
  /** The log holds nothing yet, so that there is nothing to read from storage at first. */
  isNew?: boolean
  /** Whether the run has paused or ended, and its log goes no further than this index. */
  isOver(index: number): Promise<boolean>
  /** Called when the tail begins to listen, and when it stops. */
  onListening?: (tail: RunTail, isListening: boolean) => void
}

/** Batches that wait for the reader in memory; a reader that falls further behind is served from the log. */
const MAX_QUEUED = 64
/** Segments that are read from the log at once. */
const READ_AT_ONCE = 32

/**
 * One reader of a run's log: everything from an index on, then what is committed, to the end of the current leg. Each
 * entry comes exactly once and in order, whether a message said that it is there or a look into the log.
 *
 * It listens as long as messages can save it a look into the log. One that nobody reads from costs nothing further.
 */
export class RunTail implements AsyncIterableIterator<readonly PlacedEntry[]> {
  private queue: (readonly PlacedEntry[])[] = []
  /** Index of the next entry that the reader gets. */
  private position: number
  /** Index that the next message must begin with to need no look into the log. */
  private expected: number
  /** There may be entries in the log that no message has brought. */
  private isBehind: boolean
  private isDone = false
  private wake: (() => void) | undefined
  private unsubscribe: (() => void) | undefined

  constructor(private readonly parts: RunTailParts) {
    this.position = parts.from
    this.expected = parts.from
    this.isBehind = parts.isNew !== true
    if (!this.isBehind) this.listen()
  }

  get runId(): string {
    return this.parts.runId
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Looks into the log, for a message that was lost. */
  poll(): void {
    this.isBehind = true
    this.wakeOrRest()
  }

  async next(): Promise<IteratorResult<readonly PlacedEntry[], undefined>> {
    while (!this.isDone) {
      this.listen()
      if (this.isDone) break
      const queued = this.queue.shift()
      if (queued) {
        const fresh = this.from(queued)
        if (fresh.length === 0) continue
        // It was written just now by this process: what ends its leg ends the current one.
        if (endsLog(fresh.at(-1)!.entry)) this.close()
        return { done: false, value: fresh }
      }
      if (this.isBehind) {
        const read = await this.read()
        if (read.length > 0) return { done: false, value: read }
        continue
      }
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
    return { done: true, value: undefined }
  }

  return(): Promise<IteratorResult<readonly PlacedEntry[], undefined>> {
    this.close()
    return Promise.resolve({ done: true, value: undefined })
  }

  private close(): void {
    this.isDone = true
    this.queue = []
    this.rest()
    this.wake?.()
  }

  private listen(): void {
    if (this.unsubscribe) return
    const { events, runId, onListening } = this.parts
    this.unsubscribe = events.onCommitted(runId, (_lastIndex, payload) =>
      this.onCommitted(payload as readonly PlacedEntry[] | undefined),
    )
    onListening?.(this, true)
  }

  /** Stops to listen until somebody reads again. */
  private rest(): void {
    if (!this.unsubscribe) return
    this.unsubscribe()
    this.unsubscribe = undefined
    this.parts.onListening?.(this, false)
  }

  /** Whoever waits is woken. Else what is behind anyway, or has all that it can get, need not hear more. */
  private wakeOrRest(): void {
    const { wake } = this
    this.wake = undefined
    if (wake) return wake()
    const last = this.queue.at(-1)?.at(-1)
    if (this.isBehind || (last && endsLog(last.entry))) this.rest()
  }

  private onCommitted(entries: readonly PlacedEntry[] | undefined): void {
    const [first] = entries ?? []
    if (!this.isBehind && first?.index === this.expected && this.queue.length < MAX_QUEUED) {
      this.queue.push(entries!)
      this.expected = entries!.at(-1)!.index + 1
    } else {
      this.isBehind = true
    }
    this.wakeOrRest()
  }

  private from(entries: readonly PlacedEntry[]): readonly PlacedEntry[] {
    const [first] = entries
    if (!first) return entries
    const fresh = first.index >= this.position ? entries : entries.filter(({ index }) => index >= this.position)
    if (fresh.length > 0) this.position = fresh.at(-1)!.index + 1
    return fresh
  }

  private async read(): Promise<readonly PlacedEntry[]> {
    // Before the look, so that a message that comes during it is not taken for seen.
    this.isBehind = false
    const segments = await this.parts.runs.segments(this.parts.runId, this.position, READ_AT_ONCE)
    if (segments.length === READ_AT_ONCE) this.isBehind = true
    const entries = await this.parts.media.back(segments.flatMap(fromSegment))
    if (this.isDone) return []
    const fresh = this.from(entries)
    this.expected = Math.max(this.expected, this.position)
    // Nothing to come: the leg has ended with the last entry, or had ended before the first one that was asked for.
    const last = fresh.at(-1)?.entry
    const mayBeOver = !this.isBehind && (last === undefined || endsLog(last))
    if (mayBeOver && (await this.parts.isOver(this.position - 1))) this.close()
    return fresh
  }
}
