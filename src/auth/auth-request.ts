import type { TokenSource } from './auth-options.js'

/** A request as far as it says who calls: a Web request, or that of Node, Express or Fastify. */
export interface AuthRequest {
  readonly method?: string
  readonly url?: string
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>
  /** Of the client, as Express and Fastify know it. */
  readonly ip?: string | undefined
  readonly socket?: { readonly remoteAddress?: string | undefined }
}

/** A token, and where it was. */
export interface SentToken {
  token: string
  from: 'header' | 'cookie'
}

export interface TokenPlace {
  source: TokenSource
  header: string
  cookie: string
}

/** The token of a request: the header first, then the cookie. Never from the URL, which ends up in logs. */
export function readToken({ headers }: Request, { source, header, cookie }: TokenPlace): SentToken | undefined {
  const inHeader = source === 'cookie' ? undefined : bearer(headers.get(header))
  if (inHeader !== undefined) return { token: inHeader, from: 'header' }
  const inCookie = source === 'header' ? undefined : cookieOf(headers.get('cookie'), cookie)
  return inCookie === undefined ? undefined : { token: inCookie, from: 'cookie' }
}

function bearer(value: string | null): string | undefined {
  const token = value?.replace(/^\s*bearer(?:\s+|$)/i, '').trim()
  return token === '' ? undefined : token
}

function cookieOf(header: string | null, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=')
    if (at === -1 || pair.slice(0, at).trim() !== name) continue
    const value = pair
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1')
    if (value !== '') return value
  }
  return undefined
}

/** The request as a Web request, which is what authentication of hosts works with. */
export function toWebRequest(request: AuthRequest): Request {
  if (request instanceof Request) return request
  const headers = new Headers()
  for (const [name, value] of entriesOf(request.headers)) {
    // HTTP/2 keeps its pseudo headers among the others.
    if (value === undefined || name.startsWith(':')) continue
    for (const one of Array.isArray(value) ? (value as string[]) : [value as string]) headers.append(name, one)
  }
  const url = new URL(request.url ?? '/', `http://${headers.get('host') ?? 'localhost'}`)
  return new Request(url, { method: request.method ?? 'GET', headers })
}

/** Where a request comes from, as far as it says. */
export function addressOf({ ip, socket }: AuthRequest): string | undefined {
  return ip ?? socket?.remoteAddress
}

function entriesOf(headers: AuthRequest['headers']): Iterable<[string, string | readonly string[] | undefined]> {
  return headers instanceof Headers ? headers.entries() : Object.entries(headers)
}
