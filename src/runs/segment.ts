import type { Facts, LogEntry } from '../agents/log/entry.js'
import type { RunEventBody } from '../agents/log/events.js'
import { UnavailableError } from '../core/errors.js'
import type { Segment } from './run-repository.js'

/** Version of the form in which entries are stored. A reader understands it and all older ones. */
const FORMAT = 1

/** An entry with its place in the log. */
export interface PlacedEntry {
  index: number
  /** Milliseconds. */
  at: number
  entry: LogEntry
}

/** An entry as it is stored: its index follows from its place in the segment, who says it from the run's row. */
interface StoredEntry {
  t: number
  e: RunEventBody
  f?: Facts
}

/** Consecutive entries as one segment. */
export function toSegment(entries: readonly PlacedEntry[], attempt: number): Segment {
  const stored: StoredEntry[] = entries.map(({ at, entry: { event, facts } }) =>
    facts ? { t: at, e: event, f: facts } : { t: at, e: event },
  )
  return {
    firstIndex: entries[0]!.index,
    lastIndex: entries.at(-1)!.index,
    attempt,
    format: FORMAT,
    entries: JSON.stringify(stored),
  }
}

/**
 * The entries of a segment.
 *
 * @throws UnavailableError when a newer version of the library wrote it.
 */
export function fromSegment({ firstIndex, format, entries }: Segment): PlacedEntry[] {
  if (format > FORMAT) {
    throw new UnavailableError('DATABASE_UNAVAILABLE', 'The run was written by a newer version of this server.')
  }
  return (JSON.parse(entries) as StoredEntry[]).map(({ t, e, f }, offset) => ({
    index: firstIndex + offset,
    at: t,
    entry: f ? { event: e, facts: f } : { event: e },
  }))
}
