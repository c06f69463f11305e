import type { Segment, StoredSnapshot } from '../../../runs/run-repository.js'
import type { Query } from './work.js'

interface SegmentRow {
  first_index: number
  last_index: number
  attempt: number
  format: number
  entries: string
}

// Starts at the segment that holds the index, found by the primary key, and not at the beginning of the log.
const SELECT_FROM = {
  name: 'agentos_segments_from',
  text: `SELECT first_index, last_index, attempt, format, entries FROM agentos_segments
    WHERE run_id = $1 AND first_index >= coalesce(
      (SELECT max(first_index) FROM agentos_segments WHERE run_id = $1 AND first_index <= $2), 0)
      AND last_index >= $2
    ORDER BY first_index LIMIT $3`,
}
const SELECT_SAME = {
  name: 'agentos_same_segment',
  text: `SELECT 1 FROM agentos_segments WHERE run_id = $1 AND first_index = $2 AND attempt = $3 AND entries = $4`,
}

/** Segments of a log that hold an index from `fromIndex` on. */
export async function readSegments(query: Query, runId: string, fromIndex: number, limit: number): Promise<Segment[]> {
  const rows = await query<SegmentRow>(SELECT_FROM, [runId, fromIndex, limit])
  return rows.map((row) => ({
    firstIndex: row.first_index,
    lastIndex: row.last_index,
    attempt: row.attempt,
    format: row.format,
    entries: row.entries,
  }))
}

/** Whether this very segment is stored already. */
export async function hasSegment(query: Query, runId: string, segment: Segment): Promise<boolean> {
  const { firstIndex, attempt, entries } = segment
  return (await query(SELECT_SAME, [runId, firstIndex, attempt, entries])).length > 0
}

const SELECT_SNAPSHOTS = {
  name: 'agentos_snapshots',
  text: 'SELECT last_index, state FROM agentos_snapshots WHERE run_id = $1 AND last_index <= $2 ORDER BY last_index',
}

/** Snapshots of what a log comes to, up to an index. */
export async function readSnapshots(query: Query, runId: string, upTo: number): Promise<StoredSnapshot[]> {
  const index = Math.min(upTo, 2 ** 31 - 1)
  const rows = await query<{ last_index: number; state: string }>(SELECT_SNAPSHOTS, [runId, index])
  return rows.map(({ last_index: lastIndex, state: text }) => ({ lastIndex, text }))
}
