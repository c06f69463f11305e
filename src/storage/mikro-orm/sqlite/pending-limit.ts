import { queueFull } from '../accept-rules.js'
import type { NativeDatabase, Statement } from './native.js'

const FRESH_MS = 1000

/**
 * Bounds the pending runs of the database. Counting a long backlog for each further run would cost more than the run,
 * so a count counts for a second, or until a quarter of the room that it found is used up: exact where it is tight,
 * and at worst somewhat late with several processes.
 */
export class PendingLimit {
  private readonly count: Statement<[limit: number], { pending: number }>
  private room = 0
  private countedAt = 0

  constructor(database: NativeDatabase) {
    this.count = database.prepare(`SELECT count(*) AS pending FROM (SELECT 1 FROM agentos_runs
      WHERE status IN ('pending', 'running') AND status = 'pending' LIMIT ?)`)
  }

  /** @throws TooManyRequestsError `QUEUE_FULL` when one more pending run is one too many. */
  check(max: number): void {
    const now = performance.now()
    if (this.room > 0 && now - this.countedAt < FRESH_MS) {
      this.room--
      return
    }
    const { pending } = this.count.get(max)!
    if (pending >= max) throw queueFull(max)
    this.room = Math.floor((max - pending) / 4)
    this.countedAt = now
  }
}
