import type { Facts, LogEntry } from '../agents/log/entry.js'
import type { RunEventBody } from '../agents/log/events.js'
import type { RunSource } from '../agents/log/source.js'
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
  /** Whose entry it is, if not the log's own: in full for the first one of a segment, and then by id. */
  s?: RunSource | string
}

/** Consecutive entries as one segment. */
export function toSegment(entries: readonly PlacedEntry[], attempt: number): Segment {
  const told = new Set<string>()
  const stored: StoredEntry[] = entries.map(({ at, entry: { event, facts, source } }) => {
    const one: StoredEntry = facts ? { t: at, e: event, f: facts } : { t: at, e: event }
    if (!source) return one
    const isTold = told.has(source.runId)
    told.add(source.runId)
    return { ...one, s: isTold ? source.runId : source }
  })
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
  const sources = new Map<string, RunSource>()
  return (JSON.parse(entries) as StoredEntry[]).map(({ t, e, f, s }, offset) => {
    const entry: LogEntry = f ? { event: e, facts: f } : { event: e }
    if (typeof s === 'object') sources.set(s.runId, s)
    const source = typeof s === 'string' ? sources.get(s) : s
    return { index: firstIndex + offset, at: t, entry: source ? { ...entry, source } : entry }
  })
}
