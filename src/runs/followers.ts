import type { Logger } from '../core/logger.js'
import type { RunRepository } from './run-repository.js'

export interface FollowersParts {
  runs: RunRepository
  logger: Logger
  /** How long a streamed run goes on when nobody reads it any more. */
  disconnectGraceMs: number
  /** Whether this process executes a run, and so knows its readers anyway. */
  isLocal: (runId: string) => boolean
}

const MAX_INTERVAL_MS = 5_000

/**
 * The streamed runs that somebody reads through this process. Where another process executes one, that process can't
 * know: so as long as there are readers here, the run's row says that it is followed.
 */
export class Followers {
  private readonly counts = new Map<string, number>()
  private readonly intervalMs: number
  private ticker: NodeJS.Timeout | undefined

  constructor(private readonly parts: FollowersParts) {
    this.intervalMs = Math.min(MAX_INTERVAL_MS, parts.disconnectGraceMs / 3)
  }

  /** Counts a reader in; the returned function counts it out. */
  add(runId: string): () => void {
    this.counts.set(runId, (this.counts.get(runId) ?? 0) + 1)
    this.ticker ??= setInterval(() => void this.tell(this.counts.keys()), this.intervalMs).unref()
    let isHere = true
    return () => {
      if (!isHere) return
      isHere = false
      this.remove(runId)
    }
  }

  /** Says that these runs are followed, for the grace period from now on and until the next time that it is said. */
  async tell(runIds: Iterable<string>): Promise<void> {
    const { runs, logger, disconnectGraceMs, isLocal } = this.parts
    const elsewhere = Array.from(runIds).filter((runId) => !isLocal(runId))
    if (elsewhere.length === 0) return
    try {
      await runs.keepFollowed(elsewhere, disconnectGraceMs + this.intervalMs)
    } catch (error) {
      logger.warn({ err: error }, 'It could not be stored that runs are followed here')
    }
  }

  private remove(runId: string): void {
    const count = this.counts.get(runId)! - 1
    if (count > 0) this.counts.set(runId, count)
    else this.counts.delete(runId)
    if (this.counts.size > 0) return
    clearInterval(this.ticker)
    this.ticker = undefined
  }
}
