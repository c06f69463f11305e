import type { RunEvent } from '../agents/log/events.js'
import type { RunStatus } from '../agents/log/run-record.js'

/** Names the run that a stream shows, once it is accepted. */
export interface StreamedRun {
  runId: string
  sessionId: string
}

/** What a stream is made of. */
export interface StreamSource {
  /** Rejects with what refused the run. */
  accepted: Promise<StreamedRun>
  /** Events as they were committed, together. */
  batches: AsyncIterableIterator<readonly RunEvent[]>
  resumed?: ResumedFrom
}

/** How far a run was when somebody began to follow it. */
export interface ResumedFrom {
  status: RunStatus
  /** Events that the log held. */
  eventCount: number
  /** Index of the last event that the follower knows; -1 for none. */
  after: number
}

/**
 * The events of a run as they are committed, each once and in order, to the end of the leg. It can be read once.
 *
 * @example
 * ```ts
 * for await (const event of agentOS.runs.stream({ agentId: 'support', message: 'Hello' })) {
 *   if (event.event === 'RunContent') process.stdout.write(String(event.content ?? ''))
 * }
 * ```
 */
export class RunStream implements AsyncIterable<RunEvent> {
  /** Resolves when the run is stored; rejects with what refused it. */
  readonly accepted: Promise<StreamedRun>
  /** Of a stream that `resume` has returned. */
  readonly resumed?: ResumedFrom

  constructor(
    /** Of the run that was asked for. When the request repeats an earlier one, `accepted` names that one's run. */
    readonly runId: string,
    readonly sessionId: string,
    private readonly source: StreamSource,
  ) {
    this.resumed = source.resumed
    this.accepted = source.accepted
    // Whoever reads the events learns of a refusal there.
    this.accepted.catch(() => undefined)
  }

  /** The events in the groups in which they were committed; cheaper than one by one. */
  batches(): AsyncIterableIterator<readonly RunEvent[]> {
    return this.source.batches
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RunEvent, void, void> {
    for await (const batch of this.source.batches) yield* batch
  }
}

/** The events of a run of one's own or, once it turns out to be a repetition, those of the run that it repeats. */
export function ownOrRepeated(
  own: AsyncIterableIterator<readonly RunEvent[]>,
  shown: Promise<RunStream | undefined>,
): AsyncIterableIterator<readonly RunEvent[]> {
  let batches: AsyncIterableIterator<readonly RunEvent[]> | undefined
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      batches ??= (await shown)?.batches() ?? own
      return batches.next()
    },
    async return() {
      await own.return?.()
      await batches?.return?.()
      return { done: true, value: undefined }
    },
  }
}
