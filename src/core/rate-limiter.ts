import type { Clock } from './clock.js'
import { RecentMap } from './recent-map.js'

/** How much of something a key may use: so many, spread over so long, all of them at once if need be. */
export interface RateLimit {
  count: number
  /** Milliseconds. */
  windowMs: number
}

/**
 * Counts what callers use. One over several machines keeps one number per key, as {@link MemoryRateLimiter} does, and
 * changes it in one statement.
 */
export interface RateLimiter {
  /** Takes one. Returns how many milliseconds to wait when there is none left, 0 when it was taken. */
  take(key: string, limit: RateLimit): number | Promise<number>
}

/**
 * Counts in this process. It keeps one number per key and at most `maxKeys` of them: when there are more, those unused
 * for longest are forgotten, so that whoever invents keys costs a bounded amount of memory.
 */
export class MemoryRateLimiter implements RateLimiter {
  /** When the use of each key will be paid off: a use costs `windowMs / count` (a leaky bucket, kept as a time). */
  private readonly paidOffAt: RecentMap<string, number>

  constructor(
    private readonly clock: Clock,
    maxKeys = 10_000,
  ) {
    this.paidOffAt = new RecentMap(maxKeys)
  }

  get size(): number {
    return this.paidOffAt.size
  }

  take(key: string, { count, windowMs }: RateLimit): number {
    const now = this.clock.now()
    const paidOffAt = Math.max(this.paidOffAt.get(key) ?? 0, now) + windowMs / count
    const wait = Math.ceil(paidOffAt - now - windowMs)
    if (wait > 0) return wait
    this.paidOffAt.set(key, paidOffAt)
    return 0
  }
}
