import type { Segment, StoredSnapshot } from '../../../runs/run-repository.js'
import type { NativeDatabase, Statement } from './native.js'

interface SegmentRow {
  first_index: number
  last_index: number
  attempt: number
  format: number
  entries: string
}

/** Writes segments of a log and snapshots of what it comes to, from inside a unit. */
export class SegmentWriter {
  private readonly insertOne: Statement<[string, number, number, number, number, string], never>
  private readonly selectOne: Statement<[runId: string, firstIndex: number], SegmentRow>
  private readonly insertSnapshot: Statement<[runId: string, lastIndex: number, state: string], never>

  constructor(database: NativeDatabase) {
    this.insertOne = database.prepare(`INSERT INTO agentos_segments
      (run_id, first_index, last_index, attempt, format, entries) VALUES (?, ?, ?, ?, ?, ?)`)
    this.selectOne = database.prepare(`SELECT first_index, last_index, attempt, format, entries
      FROM agentos_segments WHERE run_id = ? AND first_index = ?`)
    this.insertSnapshot = database.prepare(`INSERT INTO agentos_snapshots (run_id, last_index, state) VALUES (?, ?, ?)`)
  }

  insert(runId: string, { firstIndex, lastIndex, attempt, format, entries }: Segment): void {
    this.insertOne.run(runId, firstIndex, lastIndex, attempt, format, entries)
  }

  storeSnapshot(runId: string, lastIndex: number, text: string): void {
    this.insertSnapshot.run(runId, lastIndex, text)
  }

  /** Whether this very segment is stored already. */
  has(runId: string, segment: Segment): boolean {
    const row = this.selectOne.get(runId, segment.firstIndex)
    return row !== undefined && row.attempt === segment.attempt && row.entries === segment.entries
  }
}

/** Reads segments of a log, and its snapshots. */
export class SegmentReader {
  private readonly selectFrom: Statement<[string, string, number, number, number], SegmentRow>
  private readonly selectSnapshots: Statement<[runId: string, upTo: number], { last_index: number; state: string }>

  constructor(database: NativeDatabase) {
    // Starts at the segment that holds the index, found by the primary key, and not at the beginning of the log.
    this.selectFrom = database.prepare(`SELECT first_index, last_index, attempt, format, entries
      FROM agentos_segments
      WHERE run_id = ? AND first_index >= ifnull(
        (SELECT max(first_index) FROM agentos_segments WHERE run_id = ? AND first_index <= ?), 0)
        AND last_index >= ?
      ORDER BY first_index LIMIT ?`)
    this.selectSnapshots = database.prepare(`SELECT last_index, state FROM agentos_snapshots
      WHERE run_id = ? AND last_index <= ? ORDER BY last_index`)
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
  snapshots(runId: string, upTo: number): StoredSnapshot[] {
    return this.selectSnapshots.all(runId, upTo).map((row) => ({ lastIndex: row.last_index, text: row.state }))
  }
}
