import { csrfRejected } from './auth-errors.js'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses a request that another site has a browser send: a cookie comes along by itself, so that it proves nothing of
 * who has made the request. What only reads passes, since the other site does not get the answer.
 *
 * @throws ForbiddenError `CSRF_REJECTED`
 */
export function checkOrigin({ method, headers, url }: Request, trustedOrigins: ReadonlySet<string>): void {
  if (SAFE.has(method)) return
  const origin = headers.get('origin') ?? originOf(headers.get('referer'))
  if (origin !== null && (trustedOrigins.has(origin) || isOwn(origin, new URL(url), headers.get('host')))) return
  throw csrfRejected(origin)
}

/** A proxy may have ended TLS, so that the page is https where we see http; never the other way round. */
function isOwn(origin: string, { host: urlHost, protocol }: URL, hostHeader: string | null): boolean {
  if (!URL.canParse(origin)) return false
  const page = new URL(origin)
  const isDowngraded = protocol === 'https:' && page.protocol !== 'https:'
  return !isDowngraded && page.host === (hostHeader?.toLowerCase() ?? urlHost)
}

function originOf(referer: string | null): string | null {
  return referer !== null && URL.canParse(referer) ? new URL(referer).origin : null
}
