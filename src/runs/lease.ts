import type { Logger } from '../core/logger.js'
import type { RunRepository } from './run-repository.js'

export interface LeaseParts {
  runs: RunRepository
  logger: Logger
  executorId: string
  /** How long the process is believed to live without a word from it. */
  leaseMs: number
}

/** A process says three times per lease that it is alive. */
const RENEWALS = 3
/** After two of them have failed it must take itself for dead: others soon will. */
const SAFE_PART = 2 / 3

/**
 * This process's word that it is alive. While it holds, no other process takes over what this one executes; a process
 * that can't renew it starts nothing that can't be undone.
 */
export class Lease {
  private renewedAt = Number.NEGATIVE_INFINITY
  private timer: NodeJS.Timeout | undefined
  private first: Promise<void> | undefined

  constructor(private readonly parts: LeaseParts) {}

  /** Whether others still believe that this process lives, with time to spare. */
  get isSafe(): boolean {
    return performance.now() - this.renewedAt < this.parts.leaseMs * SAFE_PART
  }

  /** Takes the lease once and keeps it. Undefined when it is held already, so that nobody has to wait. */
  hold(): Promise<void> | undefined {
    if (this.isSafe) return undefined
    this.timer ??= setInterval(() => {
      this.renew().catch((error: unknown) => {
        this.parts.logger.error({ err: error }, 'The lease of this process could not be renewed')
      })
    }, this.parts.leaseMs / RENEWALS).unref()
    this.first ??= this.renew().finally(() => (this.first = undefined))
    return this.first
  }

  /** Gives the lease up: whatever is left can be taken over at once. */
  async end(): Promise<void> {
    clearInterval(this.timer)
    this.timer = undefined
    if (this.renewedAt === Number.NEGATIVE_INFINITY) return
    this.renewedAt = Number.NEGATIVE_INFINITY
    try {
      await this.parts.runs.endLease(this.parts.executorId)
    } catch (error) {
      // The storage is away. A lease that nobody renews runs out by itself.
      this.parts.logger.warn({ err: error }, 'The lease of this process could not be given up')
    }
  }

  private async renew(): Promise<void> {
    // Counted from before: the storage may have counted from then on.
    const asked = performance.now()
    await this.parts.runs.renewLease(this.parts.executorId, this.parts.leaseMs)
    this.renewedAt = asked
  }
}
