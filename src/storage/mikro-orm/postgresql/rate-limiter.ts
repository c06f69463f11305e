import { createHash } from 'node:crypto'
import type { RateLimit, RateLimiter } from '../../../core/rate-limiter.js'
import type { PostgresDatabase } from './database.js'
import { NOW_EXACT } from './leases.js'

// As in MemoryRateLimiter: one number per key, the time at which its use is paid off. Who comes at the same time waits
// for the row, so that none is taken twice. How long to wait is read from the row as it was before the statement.
const TAKE = {
  name: 'agentos_take_of_rate',
  text: `WITH clock AS MATERIALIZED (SELECT ${NOW_EXACT} AS now),
    taken AS (INSERT INTO agentos_rate_limits AS stored (key, paid_off_at) SELECT $1, now + $2::float8 FROM clock
      ON CONFLICT (key) DO UPDATE SET paid_off_at = greatest(stored.paid_off_at, ${NOW_EXACT}) + $2::float8
        WHERE greatest(stored.paid_off_at, ${NOW_EXACT}) + $2::float8 <= ${NOW_EXACT} + $3::float8
      RETURNING 1)
    SELECT EXISTS (SELECT 1 FROM taken) AS is_taken,
      (SELECT ceil(paid_off_at + $2::float8 - now - $3::float8) FROM agentos_rate_limits WHERE key = $1) AS wait
      FROM clock`,
}
const FORGET = {
  name: 'agentos_forget_rates',
  text: `DELETE FROM agentos_rate_limits WHERE paid_off_at < ${NOW_EXACT}`,
}
/** Rows that are paid off say nothing: they go now and then, so that there is one per caller of the last minutes. */
const TAKES_BETWEEN_SWEEPS = 1000

/** Counts what callers use for all processes on one database, by the database's clock. */
export class PostgresRateLimiter implements RateLimiter {
  private takes = 0

  constructor(private readonly database: PostgresDatabase) {}

  async take(key: string, { count, windowMs }: RateLimit): Promise<number> {
    if (++this.takes % TAKES_BETWEEN_SWEEPS === 0) await this.database.query(FORGET, [])
    // Whatever a key is made of, it has one length in the table, and shows nobody's address or name.
    const hash = createHash('sha256').update(key).digest('base64url')
    const [row] = await this.database.query<{ is_taken: boolean; wait: number | null }>(TAKE, [
      hash,
      windowMs / count,
      windowMs,
    ])
    return row!.is_taken ? 0 : Math.max(1, row!.wait ?? 0)
  }
}
