import { queueFull } from '../accept-rules.js'
import type { Query } from './work.js'

const FRESH_MS = 1000
const COUNT = {
  name: 'agentos_count_pending',
  text: `SELECT count(*)::int AS pending FROM (SELECT 1 FROM agentos_runs
    WHERE status IN ('pending', 'running') AND status = 'pending' LIMIT $1) AS counted`,
}

/** Bounds the pending runs of the database, as that of SQLite does: a count counts for a second, or a quarter of its room. */
export class PendingLimit {
  private room = 0
  private countedAt = 0

  /** @throws TooManyRequestsError `QUEUE_FULL` when one more pending run is one too many. */
  async check(query: Query, max: number): Promise<void> {
    const now = performance.now()
    if (this.room > 0 && now - this.countedAt < FRESH_MS) {
      this.room--
      return
    }
    const [row] = await query<{ pending: number }>(COUNT, [max])
    const { pending } = row!
    if (pending >= max) throw queueFull(max)
    this.room = Math.floor((max - pending) / 4)
    this.countedAt = now
  }
}
