import { isDurable } from '../agents/log/entry.js'
import type { LogEntry, StatePatch } from '../agents/log/entry.js'
import type { FoldState } from '../agents/log/fold-state.js'
import type { RunFold } from '../agents/log/fold.js'
import type { SessionState } from '../agents/session-state.js'
import { RunFailedError } from '../agents/run-failure.js'
import type { Caller } from '../core/caller.js'
import type { Clock } from '../core/clock.js'
import { UnavailableError } from '../core/errors.js'
import type { EventBus } from './event-bus.js'
import type { LegEnd } from './leg-end.js'
import { nestedChange, nestedRows } from './nested-rows.js'
import type { NestedChange } from './nested-rows.js'
import type { Appended, AppendUnit, RunRepository } from './run-repository.js'
import { toSegment } from './segment.js'
import type { PlacedEntry } from './segment.js'
import { isSnapshotDue, toSnapshot } from './snapshot.js'
import { holdsMedia } from './stored-media.js'
import type { StoredMedia } from './stored-media.js'

/** Somebody else executes the run now, or it is gone: this process must not touch it any more. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

/** The run is to be cancelled: storage takes nothing of it but its end. */
export class CancelRequestedError extends Error {
  override readonly name = 'CancelRequestedError'
}

export interface RunLogParts {
  runs: RunRepository
  media: StoredMedia
  events: EventBus
  clock: Clock
  runId: string
  attempt: number
  /** Who has started the run. */
  caller: Caller
  fold: RunFold
  state: SessionState
  /** Somebody reads along: deltas are written as they come. */
  isStreaming: boolean
  /** Called when writing in between has failed; the next `append` or `commit` throws it as well. */
  onFailure: (error: unknown) => void
}

/** Deltas of one run are committed at most this often. */
const DELTA_INTERVAL_MS = 5
/** Nobody reads along: what is no durable point may wait for the next one, but not for long. */
const QUIET_INTERVAL_MS = 50
/** Entries that may wait to be written before the run has to wait for them. */
const MAX_PENDING = 512
/** Longest time between two attempts to reach a storage that is away. */
const MAX_RETRY_MS = 1000
/** A process that could not write for as long as its lease lasts has lost it. */
const LEASE_MS = 30_000

/**
 * Writes the log of one run: gives each entry its index, folds it, and commits entries in segments. What is committed
 * is announced on the bus; nothing is ever shown before.
 */
export class RunLog {
  private pending: PlacedEntry[] = []
  /** What the pending entries change in rows of runs inside of this one. */
  private nested: NestedChange[] = []
  private writing: Promise<void> | undefined
  private lastWrite = Number.NEGATIVE_INFINITY
  private timer: NodeJS.Timeout | undefined
  private failure: Error | undefined
  private isCommitting = false
  private isStateLost = false
  /** What the last snapshot holds. */
  private snapshot: FoldState | undefined

  constructor(private readonly parts: RunLogParts) {
    this.snapshot = parts.fold.restoredFrom
  }

  /** Whether entries come faster than they are written. */
  get isFull(): boolean {
    return this.pending.length >= MAX_PENDING
  }

  /** Adds an entry. It is in the fold at once, and on disk after the next `commit()` at the latest. */
  append(entry: LogEntry): void {
    if (this.failure !== undefined) throw this.failure
    const { fold, clock } = this.parts
    // Only there: comparing the state costs its size, and a run has many more deltas than durable points.
    const statePatch = isDurable(entry) ? this.takePatch() : undefined
    const whole = statePatch ? { ...entry, facts: { ...entry.facts, statePatch } } : entry
    const placed = { index: fold.lastIndex + 1, at: clock.now(), entry: whole }
    fold.apply(whole, placed.index, placed.at)
    this.pending.push(placed)
    const change = nestedChange(placed, fold)
    if (change) this.nested.push(change)
  }

  /** @throws RunFailedError once, when a tool has put something into the state that can't be stored. */
  private takePatch(): StatePatch | undefined {
    if (this.isStateLost) return undefined
    try {
      return this.parts.state.takePatch()
    } catch (cause) {
      this.isStateLost = true
      throw unstorable("The session's state", cause)
    }
  }

  /** Writes what has been added soon, without making the run wait. */
  schedule(): void {
    if (this.isCommitting || this.writing || this.timer || this.pending.length === 0) return
    const interval = this.parts.isStreaming ? DELTA_INTERVAL_MS : QUIET_INTERVAL_MS
    const due = this.parts.isStreaming ? this.lastWrite + interval - performance.now() : interval
    if (due <= 0) this.writeInBackground()
    else this.timer = setTimeout(() => this.writeInBackground(), due).unref()
  }

  /** Waits until everything that has been added is on disk. */
  async commit(end?: LegEnd): Promise<void> {
    this.stopTimer()
    // What is added now is for this commit to write: written in between, the end of a leg would go without its record.
    this.isCommitting = true
    try {
      await this.writing
      if (this.failure !== undefined) throw this.failure
      if (this.pending.length > 0) await this.write(end)
    } finally {
      this.isCommitting = false
    }
  }

  /** Forgets what has been added and not been written: somebody else writes this run now. */
  abandon(): void {
    this.stopTimer()
    this.pending = []
    this.nested = []
    this.failure ??= new LeaseLostError('The log was given up.')
  }

  private dropEnd(): void {
    this.pending.pop()
    this.parts.fold.lastIndex -= 1
  }

  /**
   * Makes ready for the entries that end the run, whatever has failed before: entries that were refused because the
   * run is to be cancelled go with them.
   *
   * @throws LeaseLostError when it was refused because somebody else executes the run.
   */
  async reopen(): Promise<void> {
    this.stopTimer()
    this.isCommitting = true
    await this.writing
    this.isCommitting = false
    if (this.failure instanceof LeaseLostError) throw this.failure
    this.failure = undefined
  }

  private writeInBackground(): void {
    this.timer = undefined
    this.writing = this.write()
      .catch((error: unknown) => {
        this.failure = error instanceof Error ? error : new Error('The log could not be written.', { cause: error })
        this.parts.onFailure(error)
      })
      .finally(() => {
        this.writing = undefined
        if (this.failure === undefined) this.schedule()
      })
  }

  private async write(end?: LegEnd): Promise<void> {
    const { runs, events, runId, fold, clock } = this.parts
    const entries = this.pending
    const { nested } = this
    this.pending = []
    this.nested = []
    this.lastWrite = performance.now()
    let unit: AppendUnit
    let appended: Appended
    try {
      const snapshot = this.takeSnapshot(end)
      unit = await this.unitOf(entries, nested, end)
      if (snapshot) unit.snapshot = await snapshot
      appended = await this.untilAnswered(() => runs.append(unit), clock)
    } catch (error) {
      // What could not be written is not in the log: whatever ends the run follows what is.
      this.pending = []
      this.nested = []
      fold.lastIndex = entries[0]!.index - 1
      throw error
    }
    if (appended.outcome === 'cancel_requested') {
      // The end takes them along: what was said before somebody cancelled stays said.
      this.pending = [...entries, ...this.pending]
      this.nested = [...nested, ...this.nested]
      if (end) this.dropEnd()
      throw new CancelRequestedError('The run is to be cancelled.')
    }
    if (appended.outcome === 'lease_lost') throw new LeaseLostError(`Run ${runId} is not executed here any more.`)
    events.committed(runId, unit.segment.lastIndex, entries)
    if (appended.next !== undefined) events.turnCame(appended.next)
  }

  /**
   * Taken before anything is waited for, when the fold is what the entries come to that are written now. An end needs
   * none: it stores the record.
   */
  private takeSnapshot(end: LegEnd | undefined): Promise<string> | undefined {
    const { fold, runId, media } = this.parts
    const last = this.snapshot
    if (end || !isSnapshotDue(fold, last)) return undefined
    this.snapshot = fold.state()
    return toSnapshot(runId, last, this.snapshot, media)
  }

  private async unitOf(
    entries: readonly PlacedEntry[],
    nested: readonly NestedChange[],
    end: LegEnd | undefined,
  ): Promise<AppendUnit> {
    const { media, runId, attempt, fold, caller } = this.parts
    const stored = entries.some((placed) => holdsMedia(placed)) ? await media.aside(runId, entries) : entries
    const statePatches = entries.flatMap(({ entry }) => entry.facts?.statePatch ?? [])
    const at = entries.at(-1)!.at
    return {
      runId,
      segment: storable('What the run has yielded', () => toSegment(stored, attempt)),
      at,
      ...(nested.length > 0 && { nested: await nestedRows(nested, caller, media) }),
      ...(statePatches.length > 0 && { statePatches }),
      // Not before: until the new answer is there, the old one stands.
      ...(end?.status === 'completed' && fold.replaces !== undefined && { replaces: fold.replaces }),
      ...(end && { end, body: await this.bodyOf(end, at) }),
    }
  }

  private async bodyOf({ status }: LegEnd, at: number): Promise<string> {
    const body = this.parts.fold.body(at)
    try {
      return JSON.stringify(await this.parts.media.aside(this.parts.runId, body))
    } catch (cause) {
      if (status === 'completed') throw unstorable("The run's record", cause)
      // A run that ends for this very reason keeps what can be kept of it.
      const { contentType, error } = body
      return JSON.stringify({ contentType, error })
    }
  }

  /** Asks again while storage is away; an append that was done already counts as done. */
  private async untilAnswered<Answer>(ask: () => Promise<Answer>, clock: Clock): Promise<Answer> {
    const deadline = clock.now() + LEASE_MS
    for (let wait = 20; ; wait = Math.min(wait * 2, MAX_RETRY_MS)) {
      try {
        return await ask()
      } catch (error) {
        if (!(error instanceof UnavailableError) || clock.now() > deadline) throw error
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
  }

  private stopTimer(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }
}

function storable<Value>(what: string, make: () => Value): Value {
  try {
    return make()
  } catch (cause) {
    throw unstorable(what, cause)
  }
}

function unstorable(what: string, cause: unknown): RunFailedError {
  const message = `${what} holds something that JSON can't hold, such as a BigInt or a cycle.`
  return new RunFailedError({ errorCode: 'INTERNAL_ERROR', message, retryable: false }, { cause })
}
