import { AgentOSClientError } from './client-error.js'

/** How often and when something is tried again. */
export interface RetryOptions {
  /** Further tries after the first one. */
  retries: number
  /** Milliseconds before the first of them; doubled for each further one. */
  baseDelayMs: number
  /** Upper bound of that. */
  maxDelayMs: number
}

/** A server that wants to be left alone for longer is not waited for. */
const LONGEST_RETRY_AFTER_S = 60

const PASSING = new Set([0, 408, 425, 429, 502, 503, 504])

/** Whether a further try may succeed: there was no answer, or one that says so. */
export function mayPass(error: unknown): error is AgentOSClientError {
  if (!(error instanceof AgentOSClientError) || !PASSING.has(error.status)) return false
  return (error.retryAfter ?? 0) <= LONGEST_RETRY_AFTER_S
}

/**
 * Milliseconds to wait before a further try, counted from 1. Spread at random over the upper half of the delay, so that
 * the clients of a server that comes up again do not come all at once.
 */
export function delayBefore(
  attempt: number,
  { baseDelayMs, maxDelayMs }: RetryOptions,
  error: AgentOSClientError,
  random: () => number = Math.random,
): number {
  const delay = Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1))
  return Math.max((error.retryAfter ?? 0) * 1000, delay * (0.5 + random() / 2))
}

/** Waits, and rejects with the signal's reason when that aborts first. */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Tries until it succeeds, fails for good, or has been tried often enough. */
export async function retrying<Value>(
  attempt: () => Promise<Value>,
  options: RetryOptions,
  signal: AbortSignal | undefined,
): Promise<Value> {
  for (let count = 1; ; count++) {
    try {
      return await attempt()
    } catch (error) {
      signal?.throwIfAborted()
      if (!mayPass(error) || count > options.retries) throw error
      await pause(delayBefore(count, options, error), signal)
    }
  }
}
