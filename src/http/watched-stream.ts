import type { Caller } from '../core/caller.js'
import { TooManyRequestsError, UnauthorizedError } from '../core/errors.js'

/** How often a stream looks whether its caller's token is still good. Mostly that is remembered. */
const LOOK_EVERY_MS = 1000

/**
 * A stream that ends when its caller's token does: who was let in once must not read on for hours.
 *
 * @param authenticate says once more who calls.
 * @returns what is no stream as it is.
 */
export function watchedStream(result: unknown, caller: Caller, authenticate: () => Caller | Promise<Caller>): unknown {
  if (!(result instanceof Response) || !result.body) return result
  if (!result.headers.get('content-type')?.startsWith('text/event-stream')) return result
  const source = new WatchedSource(result.body, () => isStill(caller, authenticate))
  const { status, headers } = result
  return new Response(new ReadableStream(source, { highWaterMark: 0 }), { status, headers })
}

class WatchedSource implements UnderlyingDefaultSource<Uint8Array> {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>
  private timer: NodeJS.Timeout | undefined

  constructor(
    body: ReadableStream<Uint8Array>,
    private readonly isGood: () => Promise<boolean>,
  ) {
    this.reader = body.getReader()
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.timer = setTimeout(() => void this.look(controller), LOOK_EVERY_MS).unref()
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      const { done, value } = await this.reader.read()
      if (this.timer === undefined) return
      if (!done) return controller.enqueue(value)
      this.stop()
      controller.close()
    } catch (error) {
      this.stop()
      throw error
    }
  }

  async cancel(reason: unknown): Promise<void> {
    this.stop()
    await this.reader.cancel(reason)
  }

  private async look(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const isGood = await this.isGood()
    if (this.timer === undefined) return
    if (isGood) return void this.timer.refresh()
    this.stop()
    controller.close()
    await this.reader.cancel().catch(() => undefined)
  }

  private stop(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }
}

/** While nobody can tell, whoever was let in stays. */
async function isStill(caller: Caller, authenticate: () => Caller | Promise<Caller>): Promise<boolean> {
  try {
    const now = await authenticate()
    return now.kind === caller.kind && now.userId === caller.userId
  } catch (error) {
    return !(error instanceof UnauthorizedError || error instanceof TooManyRequestsError)
  }
}
