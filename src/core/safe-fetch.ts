import type { IncomingMessage } from 'node:http'
import { ValidationError } from './errors.js'
import { FetchError } from './fetch-error.js'
import { sendPinned, type PinnedRequest } from './pinned-request.js'
import { checkRedirect, safeTarget, type SafeFetchPolicy, type SafeTarget } from './safe-target.js'

export interface SafeFetchOptions {
  method?: string
  headers?: HeadersInit
  body?: Uint8Array | string
  signal?: AbortSignal
  /** For everything together: names, redirects and body. Default 15 s. */
  timeoutMs?: number
  /** Size limit of the body. Default 25 MiB. */
  maxBytes?: number
  /** Default 3. */
  maxRedirects?: number
}

export interface SafeFetchResponse {
  status: number
  headers: Headers
  /** Where the body came from, after redirects. */
  url: string
  body: Uint8Array
}

export type SafeFetch = (url: string | URL, options?: SafeFetchOptions) => Promise<SafeFetchResponse>

/**
 * Makes a fetch for URLs that a caller named. It reaches the public internet only: every name is resolved here, every
 * address checked, the connection made to exactly those addresses, and each redirect checked anew.
 *
 * The fetch throws a `ValidationError` with code `URL_FORBIDDEN` for a URL that it refuses, a `FetchError` for one that
 * brings nothing, and the signal's reason when it is aborted. Any status is an answer, as with the built-in `fetch`.
 *
 * @example
 * ```ts
 * const fetchInside = createSafeFetch({ allowedHosts: ['hooks.corp.example:8443'] })
 * const { status } = await fetchInside('https://hooks.corp.example:8443/run-ended', { method: 'POST', body: '{}' })
 * ```
 */
export function createSafeFetch(policy: SafeFetchPolicy = {}): SafeFetch {
  return (url, options = {}) => fetchWith(policy, url, options)
}

/** The safe fetch with nothing allowed beyond the public internet. */
export const safeFetch: SafeFetch = createSafeFetch()

async function fetchWith(
  policy: SafeFetchPolicy,
  input: string | URL,
  options: SafeFetchOptions,
): Promise<SafeFetchResponse> {
  const { timeoutMs = 15_000, maxBytes = 25 * 1024 * 1024, maxRedirects = 3 } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
  let request: PinnedRequest = {
    method: options.method?.toUpperCase() ?? 'GET',
    headers: outgoingHeaders(options.headers),
    body: options.body,
    signal,
  }
  try {
    let target = await unlessAborted(safeTarget(input, policy), signal)
    for (let redirects = 0; ; redirects += 1) {
      const response = await sendPinned(target, request)
      const location = redirectLocation(response)
      if (location === undefined) return await readResponse(response, request.method, target, maxBytes)
      response.destroy()
      if (redirects >= maxRedirects) {
        throw new FetchError('too_many_redirects', `The URL redirects more than ${maxRedirects} times.`)
      }
      const redirected = resolveLocation(location, target.url)
      checkRedirect(target.url, redirected)
      const next = await unlessAborted(safeTarget(redirected, policy), signal)
      request = followUp(request, response.statusCode ?? 0, target.url.origin === next.url.origin)
      target = next
    }
  } catch (cause) {
    options.signal?.throwIfAborted()
    if (timeout.aborted) throw new FetchError('timeout', `The URL did not answer within ${timeoutMs} ms.`, { cause })
    if (isOurs(cause)) throw cause
    throw new FetchError('connection', 'The connection to the URL failed.', { cause })
  }
}

/** Headers that the connection needs to get right by itself. */
const managedHeaders = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'expect',
]

function outgoingHeaders(given: HeadersInit | undefined): Headers {
  const headers = new Headers(given)
  for (const name of managedHeaders) headers.delete(name)
  // Unpacked, a small answer can grow past any limit.
  headers.set('accept-encoding', 'identity')
  if (!headers.has('accept')) headers.set('accept', '*/*')
  if (!headers.has('user-agent')) headers.set('user-agent', 'agentos-sdk')
  return headers
}

function redirectLocation(response: IncomingMessage): string | undefined {
  const isRedirect = [301, 302, 303, 307, 308].includes(response.statusCode ?? 0)
  return isRedirect ? response.headers.location : undefined
}

function resolveLocation(location: string, base: URL): URL {
  if (!URL.canParse(location, base)) {
    throw new FetchError('invalid_response', 'The URL redirects to something that is no URL.')
  }
  return new URL(location, base)
}

/** Headers that tell nothing of who asks: only these go on to another origin. */
const harmlessHeaders = new Set(['accept', 'accept-encoding', 'accept-language', 'content-type', 'user-agent'])

function followUp(request: PinnedRequest, status: number, isSameOrigin: boolean): PinnedRequest {
  const becomesGet = status === 303 ? request.method !== 'HEAD' : status < 303 && request.method === 'POST'
  const headers = new Headers()
  for (const [name, value] of request.headers) {
    const isDropped = (!isSameOrigin && !harmlessHeaders.has(name)) || (becomesGet && name.startsWith('content-'))
    if (!isDropped) headers.append(name, value)
  }
  return becomesGet ? { method: 'GET', headers, signal: request.signal } : { ...request, headers }
}

async function readResponse(
  response: IncomingMessage,
  method: string,
  target: SafeTarget,
  maxBytes: number,
): Promise<SafeFetchResponse> {
  const headers = new Headers()
  for (const [name, values] of Object.entries(response.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  const encoding = headers.get('content-encoding')
  if (encoding !== null && encoding !== 'identity') {
    response.destroy()
    throw new FetchError('invalid_response', `The URL answers in the encoding "${encoding}", which was not asked for.`)
  }
  const body = await readBody(response, method, maxBytes)
  return { status: response.statusCode ?? 0, headers, url: target.url.href, body }
}

async function readBody(response: IncomingMessage, method: string, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = new FetchError('too_large', `The URL's body is larger than ${maxBytes} bytes.`)
  if (method !== 'HEAD' && Number(response.headers['content-length'] ?? 0) > maxBytes) {
    response.destroy()
    throw tooLarge
  }
  const chunks: Buffer[] = []
  let size = 0
  // Leaving the loop destroys the response and its connection.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

function isOurs(error: unknown): boolean {
  return error instanceof FetchError || error instanceof ValidationError
}

/** A resolver can't be interrupted, but nobody has to wait for it. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
