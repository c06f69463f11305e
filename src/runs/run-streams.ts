import type { EventSource } from '../agents/log/stamp.js'
import type { AcceptedRun, PreparedRun } from './run-acceptance.js'
import type { Followers } from './followers.js'
import type { RunExecutor } from './run-executor.js'
import type { RunReader } from './run-reader.js'
import type { RunHead } from './run-repository.js'
import { ownOrRepeated, RunStream } from './run-stream.js'
import { sourceOf } from './stored-run.js'

export interface RunStreamsParts {
  reader: RunReader
  executor: RunExecutor
  followers: Followers
}

/** Makes the streams in which callers follow runs, and counts their readers. */
export class RunStreams {
  constructor(private readonly parts: RunStreamsParts) {}

  /**
   * Of a run that is about to be accepted.
   *
   * @param accept stores the run, and has it executed.
   * @param resume the stream of the run that the same request has made before.
   */
  ofNew(
    { runId, sessionId, runnable, mode }: PreparedRun,
    signal: AbortSignal | undefined,
    accept: () => Promise<AcceptedRun | { repeated: string }>,
    resume: (runId: string) => Promise<RunStream>,
  ): RunStream {
    const { reader } = this.parts
    // Listening before the run is stored: then everything comes by message, and nothing has to be read back.
    const tail = reader.open(runId, 0, true)
    let unfollow: (() => void) | undefined
    let hasLeft = false
    const onLeave = (): void => {
      hasLeft = true
      unfollow?.()
    }
    const own = reader.read(
      tail,
      { runId, sessionId, agentId: runnable.id, agentName: runnable.name },
      { signal, onLeave },
    )
    const shown = accept().then(
      async (accepted): Promise<RunStream | undefined> => {
        if ('repeated' in accepted) {
          await own.return?.()
          return resume(accepted.repeated)
        }
        if (mode === 'stream') unfollow = this.follow(runId)
        if (hasLeft) unfollow?.()
        return undefined
      },
      async (error: unknown) => {
        await own.return?.()
        throw error
      },
    )
    return new RunStream(runId, sessionId, {
      accepted: shown.then((repeated) => repeated?.accepted ?? { runId, sessionId }),
      batches: ownOrRepeated(own, shown),
    })
  }

  /** Of a run that is stored, after an index. */
  async ofStored(head: RunHead, after: number, signal: AbortSignal | undefined): Promise<RunStream> {
    const { runId, sessionId, status, lastIndex, mode } = head
    const isFollowed = mode === 'stream' && (status === 'pending' || status === 'running')
    const unfollow = isFollowed ? this.follow(runId) : undefined
    // Before anybody can have taken the run for one without readers.
    if (isFollowed) await this.parts.followers.tell([runId])
    const batches = this.read(runId, after + 1, sourceOf(head), signal, unfollow)
    const resumed = { status, eventCount: lastIndex + 1, after }
    return new RunStream(runId, sessionId, { accepted: Promise.resolve({ runId, sessionId }), batches, resumed })
  }

  /** Of a leg that has just begun here. */
  ofLeg(runId: string, firstIndex: number, source: EventSource, signal: AbortSignal | undefined): RunStream {
    const accepted = { runId, sessionId: source.sessionId }
    const batches = this.read(runId, firstIndex, source, signal, this.follow(runId))
    return new RunStream(accepted.runId, accepted.sessionId, { accepted: Promise.resolve(accepted), batches })
  }

  private read(
    runId: string,
    from: number,
    source: EventSource,
    signal: AbortSignal | undefined,
    onLeave: (() => void) | undefined,
  ) {
    const { reader } = this.parts
    return reader.read(reader.open(runId, from), source, { signal, onLeave })
  }

  /** Counts a reader in, for whoever executes the run; the returned function counts it out. */
  private follow(runId: string): () => void {
    const leave = [this.parts.followers.add(runId), this.parts.executor.follow(runId)]
    return () => {
      for (const one of leave) one?.()
    }
  }
}
