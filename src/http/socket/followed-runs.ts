import { TooManyRequestsError } from '../../core/errors.js'
import type { SocketOutput } from './socket-output.js'

type Frames = AsyncIterableIterator<readonly string[]>

/** Runs that one socket follows at once. */
const MAX_RUNS = 100
const RETRY_AFTER_SECONDS = 5

/**
 * The runs whose events go out over one socket. Each is read only as fast as the client takes what is sent; whoever falls
 * behind is served from the log.
 */
export class FollowedRuns {
  private readonly byRun = new Map<string, Frames>()
  private isClosed = false

  constructor(
    private readonly output: SocketOutput,
    /** Called when one has come to its end, or could not be shown to its end. */
    private readonly onLeft: (runId: string, failure: unknown) => void,
  ) {}

  get isEmpty(): boolean {
    return this.byRun.size === 0
  }

  /** @throws TooManyRequestsError `RATE_LIMITED` when there is no room for another one. */
  checkRoom(): void {
    if (this.byRun.size < MAX_RUNS) return
    const detail = `This socket follows ${MAX_RUNS} runs. Wait until one ends, or open another socket.`
    throw new TooManyRequestsError('RATE_LIMITED', detail, RETRY_AFTER_SECONDS)
  }

  /** Shows a run to the end of its leg, in the place of an earlier follow of the same run. */
  follow(runId: string, frames: Frames): void {
    void this.byRun.get(runId)?.return?.()
    this.byRun.delete(runId)
    if (this.isClosed) {
      void frames.return?.()
      return
    }
    this.byRun.set(runId, frames)
    void this.show(runId, frames)
  }

  /** The runs themselves go on. */
  close(): void {
    this.isClosed = true
    for (const frames of this.byRun.values()) void frames.return?.()
    this.byRun.clear()
  }

  private async show(runId: string, frames: Frames): Promise<void> {
    const isFollowed = (): boolean => this.byRun.get(runId) === frames
    let failure: unknown
    try {
      for await (const texts of frames) {
        for (const text of texts) {
          if (!isFollowed()) return
          const full = this.output.send(text)
          if (full) await full
        }
      }
    } catch (error) {
      failure = error
    }
    if (!isFollowed()) return
    this.byRun.delete(runId)
    this.onLeft(runId, failure)
  }
}
