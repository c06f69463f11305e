import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { WebHandler } from '../src/http/web-handler.js'
import type { BodySource } from './node-body.js'
import { NodeRequest } from './node-request.js'
import { sendResponse } from './node-response.js'

/** A request that can't be expressed as a Web request. Hosts read `status` or `statusCode` off an error. */
export class MalformedRequestError extends Error {
  override readonly name = 'MalformedRequestError'
  readonly code = 'MALFORMED_REQUEST'
  readonly expose = true
  readonly status = 400
  readonly statusCode = 400
}

/** What a host knows about a request besides Node's own objects. */
export interface HostRequest {
  /** The request target as the client sent it, mount prefix included. */
  url: string
  /** `http` or `https`, as the client sees it. */
  protocol: string
  basePath: string
  /** Address of the client, where the host knows better than the connection. */
  clientAddress?: string | undefined
  /** The headers and the body, where a host's parser has read them before us. */
  headers?: IncomingHttpHeaders
  body?: BodySource
}

/** The one way from a Node request to a Web response and back, whatever the host. */
export async function bridge(
  handler: WebHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  host: HostRequest,
): Promise<void> {
  const response = await respond(handler, incoming, outgoing, host)
  if (response !== undefined) await sendResponse(response, outgoing)
}

/** The handler's response, or none when the client went before there was one. */
export async function respond(
  handler: WebHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  host: HostRequest,
): Promise<Response | undefined> {
  const request = toWebRequest(incoming, outgoing, host)
  // Of a body that was not read to its end Node discards the rest only if nothing of it was read, and until then the
  // connection serves no other request.
  outgoing.once('finish', () => {
    if (!incoming.complete) incoming.resume()
  })
  try {
    const { basePath, clientAddress = incoming.socket.remoteAddress } = host
    const response = await handler.fetch(request, { basePath, clientAddress })
    return forbidden.has(incoming.method ?? '') ? notAllowed(response, incoming.method ?? '') : response
  } catch (error) {
    // What fails because its client went away is not a fault of the host, and nobody is there to be told.
    if (request.signal.aborted && isAbort(error)) return undefined
    throw error
  }
}

/** Methods that no Web request may have. In their place is asked which ones the path has. */
const forbidden = new Set(['TRACE', 'TRACK', 'CONNECT'])

function notAllowed(asked: Response, method: string): Response {
  if (asked.status >= 400) return asked
  const allow = asked.headers.get('allow') ?? ''
  const requestId = asked.headers.get('x-request-id') ?? ''
  const detail = `${method} is not possible here; allowed: ${allow}.`
  return Response.json(
    { detail, error_code: 'METHOD_NOT_ALLOWED', request_id: requestId },
    { status: 405, headers: { allow, 'x-request-id': requestId } },
  )
}

function toWebRequest(incoming: IncomingMessage, outgoing: ServerResponse, host: HostRequest): NodeRequest {
  const headers = host.headers ?? incoming.headers
  const method = forbidden.has(incoming.method ?? '') ? 'OPTIONS' : (incoming.method ?? 'GET')
  const source = host.body === undefined ? (hasBody(incoming) ? incoming : null) : host.body
  try {
    return new NodeRequest(absoluteUrl(incoming, host), { method, headers: webHeaders(headers) }, source, outgoing)
  } catch (error) {
    if (error instanceof MalformedRequestError) throw error
    throw new MalformedRequestError(`${method} ${host.url} is not a valid request.`, { cause: error })
  }
}

export function absoluteUrl(incoming: IncomingMessage, { url, protocol }: HostRequest): string {
  // A proxy's client names the whole URL in its request line.
  if (/^https?:\/\//i.test(url)) return url
  const authority = incoming.headers[':authority'] ?? incoming.headers.host ?? 'localhost'
  // Anything else in a Host header would move the path, and with it whose request it is.
  if (typeof authority !== 'string' || !/^[\w.~%:[\]-]+$/.test(authority) || !url.startsWith('/')) {
    throw new MalformedRequestError(`The request target ${url} on host ${String(authority)} is not a URL.`)
  }
  return `${protocol}://${authority}${url}`
}

export function webHeaders(headers: IncomingHttpHeaders): Headers | Record<string, string> {
  // Node joins repeated headers by their own rules. Only set-cookie stays a list, and HTTP/2 has its pseudo headers.
  const isPlain = headers['set-cookie'] === undefined && headers[':method'] === undefined
  if (isPlain) return headers as Record<string, string>
  const copy = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue
    for (const item of Array.isArray(value) ? value : [value]) copy.append(name, item)
  }
  return copy
}

function hasBody(incoming: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = incoming.headers
  return encoding !== undefined || (length !== undefined && length !== '0') || incoming.httpVersionMajor > 1
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
