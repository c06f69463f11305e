import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { clientGone } from './node-body.js'
import { isGone } from './node-connection.js'

/** Under this key a response may hold its body as it is, which saves the way through a stream. */
const plainBody = Symbol.for('agentos-sdk.plainBody')

/** The body of a response that is not a stream, when the response says so. */
export function plainBodyOf(response: Response): string | Uint8Array | undefined {
  return (response as { [plainBody]?: string | Uint8Array })[plainBody]
}

/** Headers that HTTP/2 forbids: they speak of a connection that it shares. */
const connectionHeaders = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']

/**
 * Writes a Web response to Node's response, and returns when all of it was handed over or the client is gone.
 *
 * @throws what the response's own stream throws. Once headers were sent the connection is cut first, since a client
 * must not take a torn body for a whole one.
 */
export async function sendResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  const plain = plainBodyOf(response)
  if (outgoing.headersSent || isGone(outgoing)) {
    // The client left, or the host answered in our place, with a timeout for example: there is nobody to tell.
    if (plain === undefined) await response.body?.cancel(clientGone())
    return
  }
  const headers = nodeHeaders(response, outgoing)
  const isBodiless = response.status === 204 || response.status === 304
  const isBodySent = !isBodiless && outgoing.req.method !== 'HEAD'
  if (plain !== undefined) {
    if (!isBodiless) headers['content-length'] ??= Buffer.byteLength(plain)
    writeHead(response, outgoing, headers)
    outgoing.end(isBodySent ? plain : undefined)
    return
  }
  const { body } = response
  writeHead(response, outgoing, headers)
  if (body === null) {
    outgoing.end()
  } else if (!isBodySent) {
    outgoing.end()
    await body.cancel()
  } else {
    // A stream's first chunk may be long in coming; that it was opened is news already.
    outgoing.flushHeaders()
    await pump(body, outgoing)
  }
}

/** The response's headers for Node, added to what the host has set where a header is a list. */
export function nodeHeaders(
  response: Response,
  outgoing: Pick<ServerResponse, 'getHeader' | 'req'>,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {}
  for (const [name, value] of response.headers) headers[name] = value
  if (headers['set-cookie'] !== undefined) {
    headers['set-cookie'] = [...listed(outgoing.getHeader('set-cookie')), ...response.headers.getSetCookie()]
  }
  if (headers.vary !== undefined) headers.vary = [...listed(outgoing.getHeader('vary')), headers.vary].join(', ')
  if (outgoing.req.httpVersionMajor > 1) for (const name of connectionHeaders) delete headers[name]
  return headers
}

function listed(value: number | string | readonly string[] | undefined): string[] {
  if (value === undefined) return []
  return Array.isArray(value) ? [...(value as readonly string[])] : [String(value)]
}

function writeHead(response: Response, outgoing: ServerResponse, headers: OutgoingHttpHeaders): void {
  if (response.statusText === '' || outgoing.req.httpVersionMajor > 1) outgoing.writeHead(response.status, headers)
  else outgoing.writeHead(response.status, response.statusText, headers)
}

/** Copies a stream to the socket, no faster than the socket takes it. */
async function pump(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader()
  let wake: (() => void) | undefined
  let cancelled: Promise<void> | undefined
  const onDrain = () => wake?.()
  const onClose = () => {
    cancelled = reader.cancel(clientGone())
    wake?.()
  }
  outgoing.on('drain', onDrain).once('close', onClose)
  // What the `compression` middleware adds: without it, it holds chunks back until it has enough of them.
  const { flush } = outgoing as { flush?: () => void }
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (isGone(outgoing)) break
      const hasRoom = outgoing.write(next.value)
      flush?.call(outgoing)
      if (!hasRoom && !isGone(outgoing)) await new Promise<void>((resolve) => (wake = resolve))
      wake = undefined
    }
    if (isGone(outgoing)) await (cancelled ?? reader.cancel(clientGone()))
    else outgoing.end()
  } catch (error) {
    outgoing.destroy()
    throw error
  } finally {
    outgoing.off('drain', onDrain).off('close', onClose)
  }
}
