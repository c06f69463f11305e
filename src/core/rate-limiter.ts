import type { Clock } from './clock.js'

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
  private readonly paidOffAt = new Map<string, number>()

  constructor(
    private readonly clock: Clock,
    private readonly maxKeys = 10_000,
  ) {}

  get size(): number {
    return this.paidOffAt.size
  }

  take(key: string, { count, windowMs }: RateLimit): number {
    const now = this.clock.now()
    const paidOffAt = Math.max(this.paidOffAt.get(key) ?? 0, now) + windowMs / count
    const wait = Math.ceil(paidOffAt - now - windowMs)
    if (wait > 0) return wait
    // Set anew, a key moves to the end: the first one is the one that was used longest ago.
    this.paidOffAt.delete(key)
    this.paidOffAt.set(key, paidOffAt)
    if (this.paidOffAt.size > this.maxKeys) this.paidOffAt.delete(this.paidOffAt.keys().next().value!)
    return 0
  }
}
