import type { RunEvent } from '../agents/log/events.js'
import { isEndStatus } from '../agents/log/run-record.js'
import { stampEvent } from '../agents/log/stamp.js'
import type { RunSource } from '../agents/log/source.js'
import { fullCaller } from '../core/caller.js'
import type { EventBus } from './event-bus.js'
import type { RunRepository } from './run-repository.js'
import { RunTail } from './run-tail.js'
import type { PlacedEntry } from './segment.js'
import type { StoredMedia } from './stored-media.js'

export interface RunReaderParts {
  runs: RunRepository
  media: StoredMedia
  events: EventBus
  /** How often a follower looks for what no message has told it. */
  pollMs: number
  /** Whether this process executes a run: messages tell all that it writes. */
  isLocal: (runId: string) => boolean
}

export interface ReadOptions {
  /** Called once, when the reader has left or has got everything. */
  onLeave?: () => void
  /** Aborts when the reader is gone. */
  signal?: AbortSignal
  /** Shows the events of one run inside of the log's own, and no others. */
  onlyOf?: string
}

/** Shows logs to readers. One timer looks after all of them, and after each write of another process. */
export class RunReader {
  /** Those that listen. */
  private readonly tails = new Set<RunTail>()
  private isClosed = false
  private ticker: NodeJS.Timeout | undefined
  private forgetWrites: (() => void) | undefined

  constructor(private readonly parts: RunReaderParts) {}

  /** A tail of a run's log, from an index on; of a new run, it listens from now on. Whoever opens it closes it. */
  open(runId: string, from: number, isNew = false): RunTail {
    const { runs } = this.parts
    const isOver = async (index: number): Promise<boolean> => {
      const stored = await runs.get(fullCaller, runId)
      // A run that is still to be stored is not over; one that was deleted is.
      if (!stored) return !isNew
      const { status, lastIndex } = stored.head
      return (isEndStatus(status) || status === 'paused') && lastIndex <= index
    }
    const onListening = (tail: RunTail, isListening: boolean): void => {
      if (isListening) this.add(tail)
      else this.remove(tail)
    }
    return new RunTail({ ...this.parts, runId, from, isNew, isOver, onListening })
  }

  private add(tail: RunTail): void {
    if (this.isClosed) {
      void tail.return()
      return
    }
    this.tails.add(tail)
    this.ticker ??= setInterval(() => {
      for (const one of this.tails) one.poll()
    }, this.parts.pollMs).unref()
    this.forgetWrites ??= this.parts.events.onForeignWrite(() => {
      for (const one of this.tails) if (!this.parts.isLocal(one.runId)) one.poll()
    })
  }

  private remove(tail: RunTail): void {
    this.tails.delete(tail)
    if (this.tails.size > 0) return
    clearInterval(this.ticker)
    this.ticker = undefined
    this.forgetWrites?.()
    this.forgetWrites = undefined
  }

  /** The events of a tail, in the groups in which they were committed. Closes the tail in the end. */
  read(tail: RunTail, source: RunSource, options: ReadOptions = {}): AsyncIterableIterator<readonly RunEvent[]> {
    const { signal, onLeave, onlyOf } = options
    let isHere = true
    const leave = (): void => {
      if (!isHere) return
      isHere = false
      signal?.removeEventListener('abort', leave)
      this.close(tail)
      onLeave?.()
    }
    if (signal?.aborted) leave()
    else signal?.addEventListener('abort', leave, { once: true })
    const events = async function* (): AsyncGenerator<readonly RunEvent[], void, void> {
      try {
        for await (const entries of tail) yield onlyThose(stampAll(entries, source), onlyOf)
      } finally {
        leave()
      }
    }
    return new Closing(events(), leave)
  }

  /** Waits until a run has paused or ended. */
  async untilOver(runId: string): Promise<void> {
    const tail = this.open(runId, 0)
    try {
      let next = await tail.next()
      while (!next.done) next = await tail.next()
    } finally {
      this.close(tail)
    }
  }

  close(tail: RunTail): void {
    void tail.return()
  }

  /** Ends all that is read, also what nobody reads from just now. */
  closeAll(): void {
    this.isClosed = true
    for (const tail of this.tails) this.close(tail)
  }
}

/** Stamped once for all readers: what is committed is shared by them. */
const stamped = new WeakMap<readonly PlacedEntry[], readonly RunEvent[]>()

function stampAll(entries: readonly PlacedEntry[], source: RunSource): readonly RunEvent[] {
  let events = stamped.get(entries)
  if (!events) {
    events = entries.map(({ entry, index, at }) => stampEvent(entry.event, entry.source ?? source, index, at))
    stamped.set(entries, events)
  }
  return events
}

/** A generator that nobody has read from yet does not run its `finally` when it is returned; this does. */
class Closing<Value> implements AsyncIterableIterator<Value, void> {
  constructor(
    private readonly generator: AsyncGenerator<Value, void, void>,
    private readonly leave: () => void,
  ) {}

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Value, void>> {
    return this.generator.next()
  }

  return(): Promise<IteratorResult<Value, void>> {
    this.leave()
    return this.generator.return()
  }
}

function onlyThose(events: readonly RunEvent[], runId: string | undefined): readonly RunEvent[] {
  return runId === undefined ? events : events.filter((event) => event.runId === runId)
}
