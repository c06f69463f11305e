import type { RunEvent } from '../agents/log/events.js'
import type { StreamedRun } from '../runs/run-stream.js'
import { connectionFailed } from './client-error.js'
import { RunFollower } from './run-follower.js'
import type { FollowParts } from './run-follower.js'

export interface ClientRunStreamParts extends Omit<FollowParts, 'signal' | 'onAccepted'> {
  /** Of the caller. */
  signal?: AbortSignal
  /** Ends the run, when the caller's signal is to do that. */
  cancel?: () => Promise<unknown>
}

/**
 * The events of a run, each once and in order, to the end of the leg. It connects again by itself where the connection
 * breaks. The run begins at once, not with the first read; the stream can be read once.
 *
 * @example
 * ```ts
 * const stream = client.runs.stream({ agentId: 'support', message: 'Where is order 7?' })
 * for await (const event of stream) {
 *   if (event.event === 'RunContent') show(event.content)
 * }
 * ```
 */
export class ClientRunStream implements AsyncIterable<RunEvent> {
  /** Resolves when the server has stored the run; rejects with what refused it. */
  readonly accepted: Promise<StreamedRun>
  private readonly controller = new AbortController()
  private readonly events: AsyncGenerator<RunEvent, void, void>
  private first: Promise<IteratorResult<RunEvent, void>> | undefined
  private cancelled: Promise<unknown> | undefined

  constructor(parts: ClientRunStreamParts) {
    const { signal } = this.controller
    let onAccepted: (run: StreamedRun) => void = () => undefined
    const accepted = new Promise<StreamedRun>((resolve) => (onAccepted = resolve))
    this.events = new RunFollower({ ...parts, signal, onAccepted }).events()
    this.abortWith(parts)
    this.first = this.events.next()
    const ended = this.first.then(() => {
      signal.throwIfAborted()
      throw connectionFailed(new Error('the stream was empty'))
    })
    this.accepted = Promise.race([accepted, ended])
    // Whoever reads the events learns of a refusal there.
    this.accepted.catch(() => undefined)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<RunEvent, void> {
    return {
      next: () => this.next(),
      return: async () => {
        await this.close()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  /** Leaves the stream; the run goes on as it does for one whose client is gone. */
  async close(): Promise<void> {
    this.controller.abort()
    await this.events.return()
  }

  private async next(): Promise<IteratorResult<RunEvent, void>> {
    const { first } = this
    this.first = undefined
    const result = await (first ?? this.events.next())
    if (result.done) {
      await this.cancelled
      this.controller.abort()
    }
    return result
  }

  private abortWith({ signal, cancel }: ClientRunStreamParts): void {
    if (!signal) return
    const onAbort = (): void => {
      this.controller.abort(signal.reason)
      this.cancelled = cancel?.()
      // Whoever reads the events learns of a failure there.
      this.cancelled?.catch(() => undefined)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true, signal: this.controller.signal })
  }
}
