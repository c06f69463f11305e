import type { Readable } from 'node:stream'

/** Where a request's body comes from: the connection, what a host's parser left of it, or nowhere. */
export type BodySource = Readable | Uint8Array | null

/** What an aborted body or signal says. */
export function clientGone(): DOMException {
  return new DOMException('The client closed the connection.', 'AbortError')
}

/** Reads a source to its end. */
export function collect(source: Readable): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const finish = () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
    listen(source, { chunk: (chunk) => chunks.push(chunk), end: finish, fail: reject })
  })
}

/**
 * A source as a Web stream that reads no further ahead than it is asked to.
 *
 * Cancelling it stops the reading and leaves the connection open, so that an early answer (413) can still be sent.
 */
export function streamOf(
  source: Readable | Uint8Array,
  onDisturbed: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let stop: (() => void) | undefined
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        onDisturbed()
        if (source instanceof Uint8Array) {
          if (source.byteLength > 0) controller.enqueue(new Uint8Array(source))
          controller.close()
          return
        }
        if (stop !== undefined) {
          source.resume()
          return
        }
        stop = listen(source, {
          chunk(chunk) {
            controller.enqueue(chunk as Uint8Array<ArrayBuffer>)
            if ((controller.desiredSize ?? 0) <= 0) source.pause()
          },
          end: () => controller.close(),
          fail: (error) => controller.error(error),
        })
      },
      cancel() {
        onDisturbed()
        stop?.()
        if (!(source instanceof Uint8Array)) source.pause()
      },
    },
    { highWaterMark: 0 },
  )
}

/** UTF-8 as the platform decodes it: a byte order mark is dropped. */
export function decode(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

interface Listener {
  chunk(chunk: Buffer): void
  end(): void
  fail(error: unknown): void
}

/** Starts a source flowing into a listener, whose `end` or `fail` is called once. Returns what takes it off again. */
function listen(source: Readable, listener: Listener): () => void {
  const onData = (chunk: Buffer | string) =>
    listener.chunk(typeof chunk === 'string' ? Buffer.from(chunk, source.readableEncoding ?? 'utf8') : chunk)
  const onEnd = () => {
    stop()
    listener.end()
  }
  const onError = (error: Error) => {
    stop()
    listener.fail('code' in error && error.code === 'ECONNRESET' ? clientGone() : error)
  }
  // A connection that goes away may close without an error.
  const onClose = () => {
    stop()
    listener.fail(clientGone())
  }
  const stop = () => {
    source.off('data', onData).off('end', onEnd).off('close', onClose)
    // The error listener stays: an error of the connection after this point is nobody's, and must not throw.
  }
  source.on('error', onError)
  if (source.readableEnded) queueMicrotask(onEnd)
  else if (source.destroyed) queueMicrotask(() => onError(source.errored ?? clientGone()))
  else source.on('end', onEnd).on('close', onClose).on('data', onData)
  return stop
}
