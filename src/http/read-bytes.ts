import { BadRequestError, PayloadTooLargeError } from '../core/errors.js'
import { showBytes } from './body-limits.js'

/**
 * All bytes of a body. It stops reading as soon as the limit is passed, and does not start when the sender announces
 * more than that.
 *
 * @throws PayloadTooLargeError
 */
export async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length'))
  if (announced > limit) {
    await request.body?.cancel()
    throw tooLarge(limit)
  }
  const reader = request.body?.getReader()
  if (!reader) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.byteLength
      if (length > limit) throw tooLarge(limit)
      chunks.push(next.value)
    }
  } catch (error) {
    await reader.cancel().catch(() => undefined)
    if (error instanceof PayloadTooLargeError) throw error
    throw new BadRequestError('MALFORMED_BODY', 'The request body ended before it was complete.', { cause: error })
  }
  return chunks.length === 1 ? chunks[0]! : joined(chunks, length)
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}

function tooLarge(limit: number): PayloadTooLargeError {
  return new PayloadTooLargeError('PAYLOAD_TOO_LARGE', `The request body is larger than ${showBytes(limit)}.`)
}
