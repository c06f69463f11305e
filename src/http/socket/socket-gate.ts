import type { Caller } from '../../core/caller.js'
import { ForbiddenError, UnauthorizedError } from '../../core/errors.js'
import type { MountOptions } from '../web-handler.js'

/** Who may use sockets: the same as over HTTP, asked by the same door. */
export interface SocketGate {
  /** Who calls, by a request's header or cookie. Throws `UnauthorizedError`, with `TOKEN_MISSING` where there is none. */
  authenticate(request: Request, mount: MountOptions): Caller | Promise<Caller>
  /** Whether the caller may run the workflow. Throws `InsufficientScopeError`. */
  checkRun(caller: Caller, workflowId: string): void | Promise<void>
  /** Counts a run that the caller starts or continues. Throws `TooManyRequestsError` for one too many. */
  takeRun(caller: Caller, credential: Credential): void | Promise<void>
  /** Where a token is read from, for those that come in a frame. */
  readonly tokenHeader: string
  /** Whose pages may connect, beside the server's own. */
  readonly trustedOrigins: ReadonlySet<string>
}

/**
 * Refuses a page of another site: a browser sends its user's cookie along to any server, and a server on this machine
 * may be reached by any page. Programs send no origin.
 *
 * @throws ForbiddenError `CSRF_REJECTED`
 */
export function checkOrigin({ headers, url }: Request, trustedOrigins: ReadonlySet<string>): void {
  const origin = headers.get('origin')
  if (origin === null || trustedOrigins.has(origin) || isOwn(origin, new URL(url), headers.get('host'))) return
  const detail = `Pages of ${origin} may not open a socket here. Have the origin trusted, or connect from this server's own pages.`
  throw new ForbiddenError('CSRF_REJECTED', detail)
}

/** A proxy may have ended TLS, so that the page is https where we see http; never the other way round. */
function isOwn(origin: string, { host: urlHost, protocol }: URL, hostHeader: string | null): boolean {
  if (!URL.canParse(origin)) return false
  const page = new URL(origin)
  const isDowngraded = protocol === 'https:' && page.protocol !== 'https:'
  return !isDowngraded && page.host === (hostHeader?.toLowerCase() ?? urlHost)
}

/** What a client shows: the request for the socket, or a token in a frame. */
export interface Credential {
  request: Request
  mount: MountOptions
}

/** A token of a frame, as if the request for the socket had it, and nothing else that says who calls. */
export function withToken({ request, mount }: Credential, token: string, tokenHeader: string): Credential {
  const headers = new Headers(request.headers)
  headers.delete('cookie')
  headers.delete('authorization')
  try {
    headers.set(tokenHeader, /^authorization$/i.test(tokenHeader) ? `Bearer ${token}` : token)
  } catch (cause) {
    throw new UnauthorizedError('TOKEN_INVALID', 'The token is not valid here. Get a new one.', { cause })
  }
  return { request: new Request(request.url, { headers }), mount }
}
