import { ModelError } from './model-error.js'

/** How often, and how patiently, a failed model request is sent again. */
export interface RetryPolicy {
  /** Requests in all, the first one included. 1 never retries. */
  attempts: number
  /** Upper bound of the first wait, in milliseconds; it doubles with each attempt. */
  baseMs: number
  /** No wait is longer than this, in milliseconds. A provider that asks for more is not asked again. */
  maxMs: number
}

/** Three requests in all, first wait up to half a second, none above 30 seconds. */
export const defaultRetryPolicy: Readonly<RetryPolicy> = Object.freeze({ attempts: 3, baseMs: 500, maxMs: 30_000 })

/** 2 to this power exceeds every sensible maximum, and stays far from infinity. */
const maxDoublings = 30

/**
 * How long to wait before the request is sent again, in milliseconds; `undefined` when it should not be.
 *
 * The wait is exponential with full jitter (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture
 * Blog, 2015): uniform between zero and the doubled bound, which spreads clients that failed at the same moment.
 * What the provider asked for in Retry-After is a lower bound, the jitter comes on top of it.
 *
 * @param attempt which request has just failed, counted from 1.
 * @param options `attempts`, where given, ends the retries; `random` replaces `Math.random` in tests.
 *
 * @example
 * ```ts
 * const delay = retryDelay(error, attempt, { ...defaultRetryPolicy })
 * if (delay === undefined) throw error
 * ```
 */
export function retryDelay(
  error: unknown,
  attempt: number,
  options: Partial<RetryPolicy> & { random?: () => number } = {},
): number | undefined {
  const {
    attempts,
    baseMs = defaultRetryPolicy.baseMs,
    maxMs = defaultRetryPolicy.maxMs,
    random = Math.random,
  } = options
  if (!(error instanceof ModelError) || !error.retryable) return undefined
  if (attempts !== undefined && attempt >= attempts) return undefined

  const bound = Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(attempt - 1, 0), maxDoublings))
  if (error.retryAfterMs === undefined) return Math.floor(random() * bound)
  if (error.retryAfterMs > maxMs) return undefined
  return error.retryAfterMs + Math.floor(random() * Math.min(bound, maxMs - error.retryAfterMs))
}
