import type { Caller } from '../../core/caller.js'
import type { Clock } from '../../core/clock.js'
import { TooManyRequestsError, UnauthorizedError } from '../../core/errors.js'

export interface TokenWatchParts {
  caller: Caller
  /** Says once more whom the token stands for. */
  again(): Caller | Promise<Caller>
  clock: Clock
  /** The token is no longer good. */
  onEnd(): void
}

/** How often a token is looked at that may be revoked at any time. Mostly that is remembered. */
const LOOK_EVERY_MS = 1000
/** Timers take no more than 24 days. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1000

/** Tells when a caller's token ends: who was let in once must not stay for days. */
export class TokenWatch {
  private timer: NodeJS.Timeout | undefined
  private isStopped = false

  constructor(private readonly parts: TokenWatchParts) {
    this.wait()
  }

  stop(): void {
    this.isStopped = true
    clearTimeout(this.timer)
  }

  private wait(): void {
    const delay = this.delay()
    if (delay !== undefined) this.timer = setTimeout(() => void this.look(), delay).unref()
  }

  /** Of what says nothing of its end nobody waits for it. */
  private delay(): number | undefined {
    const { caller, clock } = this.parts
    if (caller.kind === 'service_account') return LOOK_EVERY_MS
    const expiresAt = caller.claims?.exp
    if (typeof expiresAt !== 'number') return undefined
    const left = expiresAt * 1000 - clock.now()
    // It may count for a tolerance after its end.
    return left > 0 ? Math.min(left, MAX_WAIT_MS) : LOOK_EVERY_MS
  }

  private async look(): Promise<void> {
    const isGood = await this.isGood()
    if (this.isStopped) return
    if (isGood) this.wait()
    else this.parts.onEnd()
  }

  /** While nobody can tell, whoever was let in stays. */
  private async isGood(): Promise<boolean> {
    try {
      return isSame(await this.parts.again(), this.parts.caller)
    } catch (error) {
      return !(error instanceof UnauthorizedError || error instanceof TooManyRequestsError)
    }
  }
}

export function isSame(one: Caller, other: Caller): boolean {
  return one.kind === other.kind && one.userId === other.userId
}
