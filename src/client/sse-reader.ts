import { SseParser } from './sse-parser.js'
import type { SseFrame } from './sse-parser.js'

/**
 * The frames of a body as they come. Ends with the body, and rejects with what `read` rejects with. Leaving it lets go
 * of the connection.
 *
 * @param guard waits for a read; may give up first.
 */
export async function* readFrames(
  body: ReadableStream<Uint8Array>,
  guard: <Value>(pending: Promise<Value>) => Promise<Value>,
): AsyncGenerator<SseFrame, void, void> {
  const reader = body.getReader()
  const parser = new SseParser()
  try {
    for (;;) {
      const { done, value } = await guard(reader.read())
      if (done) return
      yield* parser.push(value)
    }
  } finally {
    // What is wrong with a connection that nobody reads any more is nobody's concern.
    reader.cancel().catch(() => undefined)
  }
}
