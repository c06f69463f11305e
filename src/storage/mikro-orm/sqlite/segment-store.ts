import type { Segment } from '../../../runs/run-repository.js'
import type { NativeDatabase, Statement } from './native.js'

interface SegmentRow {
  first_index: number
  last_index: number
  attempt: number
  format: number
  entries: string
}

/** Writes segments of a log, from inside a unit. */
export class SegmentWriter {
  private readonly insertOne: Statement<[string, number, number, number, number, string], never>
  private readonly selectOne: Statement<[runId: string, firstIndex: number], SegmentRow>

  constructor(database: NativeDatabase) {
    this.insertOne = database.prepare(`INSERT INTO agentos_segments
      (run_id, first_index, last_index, attempt, format, entries) VALUES (?, ?, ?, ?, ?, ?)`)
    this.selectOne = database.prepare(`SELECT first_index, last_index, attempt, format, entries
      FROM agentos_segments WHERE run_id = ? AND first_index = ?`)
  }

  insert(runId: string, { firstIndex, lastIndex, attempt, format, entries }: Segment): void {
    this.insertOne.run(runId, firstIndex, lastIndex, attempt, format, entries)
  }

  /** Whether this very segment is stored already. */
  has(runId: string, segment: Segment): boolean {
    const row = this.selectOne.get(runId, segment.firstIndex)
    return row !== undefined && row.attempt === segment.attempt && row.entries === segment.entries
  }
}

/** Reads segments of a log. */
export class SegmentReader {
  private readonly selectFrom: Statement<[string, string, number, number, number], SegmentRow>

  constructor(database: NativeDatabase) {
    // Starts at the segment that holds the index, found by the primary key, and not at the beginning of the log.
    this.selectFrom = database.prepare(`SELECT first_index, last_index, attempt, format, entries
      FROM agentos_segments
      WHERE run_id = ? AND first_index >= ifnull(
        (SELECT max(first_index) FROM agentos_segments WHERE run_id = ? AND first_index <= ?), 0)
        AND last_index >= ?
      ORDER BY first_index LIMIT ?`)
  }

  from(runId: string, fromIndex: number, limit: number): Segment[] {
    return this.selectFrom.all(runId, runId, fromIndex, fromIndex, limit).map((row) => ({
      firstIndex: row.first_index,
      lastIndex: row.last_index,
      attempt: row.attempt,
      format: row.format,
      entries: row.entries,
    }))
  }
}
