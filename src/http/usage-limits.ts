import { networkOf } from '../core/address-ranges.js'
import type { Caller } from '../core/caller.js'
import { ConfigurationError, TooManyRequestsError } from '../core/errors.js'
import type { RateLimiter } from '../core/rate-limiter.js'

/** How much one caller may use. Without a number there is no limit. */
export interface RateLimits {
  /** Runs that a caller may start or continue in a minute; all of them at once, if it likes. */
  runsPerMinute?: number
  /** Event streams that a caller may have open at once in this process. */
  streamsPerUser?: number
  /** Counts `runsPerMinute`. Default: the storage's, which counts for all processes on PostgreSQL; else in this process. */
  limiter?: RateLimiter
}

const MINUTE = 60_000
/** When a stream that is open will end nobody knows; asking again this soon costs little. */
const STREAM_RETRY_SECONDS = 5

/** Refuses what is too much for one caller, before anything is done about it. */
export class UsageLimits {
  private readonly openStreams = new Map<string, number>()

  /** @throws ConfigurationError when a number is none. */
  constructor(
    private readonly limits: RateLimits,
    private readonly limiter: RateLimiter,
  ) {
    for (const name of ['runsPerMinute', 'streamsPerUser'] as const) {
      const limit = limits[name]
      if (limit !== undefined && !(Number.isInteger(limit) && limit > 0)) {
        throw new ConfigurationError(`rateLimits.${name} must be a whole number from 1 up, but is ${limit}.`)
      }
    }
  }

  /** @throws TooManyRequestsError `RATE_LIMITED` */
  async takeRun(key: string): Promise<void> {
    const { runsPerMinute: count } = this.limits
    if (count === undefined) return
    const wait = await this.limiter.take(`runs:${key}`, { count, windowMs: MINUTE })
    if (wait > 0) throw tooMany(`${count} runs a minute are all that one caller may start`, wait / 1000)
  }

  /**
   * Takes the place of one open stream.
   *
   * @returns gives it back; calling it again does nothing. Undefined where there is no limit.
   * @throws TooManyRequestsError `RATE_LIMITED`
   */
  takeStream(key: string): (() => void) | undefined {
    const { streamsPerUser: count } = this.limits
    if (count === undefined) return undefined
    const open = this.openStreams.get(key) ?? 0
    if (open >= count) throw tooMany(`${count} open streams are all that one caller may have`, STREAM_RETRY_SECONDS)
    this.openStreams.set(key, open + 1)
    let isOpen = true
    return () => {
      if (isOpen) this.closeStream(key)
      isOpen = false
    }
  }

  private closeStream(key: string): void {
    const open = this.openStreams.get(key)! - 1
    if (open > 0) this.openStreams.set(key, open)
    else this.openStreams.delete(key)
  }
}

function tooMany(what: string, retryAfterSeconds: number): TooManyRequestsError {
  const seconds = Math.max(1, Math.ceil(retryAfterSeconds))
  return new TooManyRequestsError('RATE_LIMITED', `${what}. Try again in ${seconds} s.`, seconds)
}

/** Who uses: a user or a service account wherever it calls from, everybody else by address. */
export function usageKey(caller: Caller, address: string | undefined): string {
  return caller.userId === undefined ? `address:${networkOf(address ?? 'unknown')}` : `user:${caller.userId}`
}

/** An answer that gives a stream's place back when the stream ends, fails, or is left by its client. */
export function heldOpen(response: Response, close: () => void): Response {
  const { body } = response
  if (body === null) {
    close()
    return response
  }
  const reader = body.getReader()
  const held = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          close()
          controller.close()
        } catch (error) {
          close()
          controller.error(error)
        }
      },
      cancel(reason) {
        close()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(held, { status: response.status, headers: response.headers })
}
