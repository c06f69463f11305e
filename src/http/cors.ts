import { ConfigurationError } from '../core/errors.js'

/** Which pages of other origins may read answers: their origins, or `'*'` for all of them, without credentials. */
export type CorsOrigins = '*' | readonly string[]

/** Pages that clients of the origin are served from. */
const agnoOrigins = ['http://localhost:3000', 'https://os.agno.com', 'https://app.agno.com']

const exposed = [
  'X-Request-Id',
  'X-Run-Id',
  'X-Session-Id',
  'Retry-After',
  'ETag',
  'X-Total-Count',
  'X-Next-Cursor',
].join(', ')
const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
const MAX_AGE_SECONDS = '600'

/** Header names with commas between them; anything else is not echoed. */
const headerNames = /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/
const MAX_ECHOED = 1024

/**
 * Which origins are allowed: the option, else `CORS_ORIGIN_LIST` (a JSON array), and with them those of the origin's
 * clients where they are to be served. Undefined when there is no list at all: then no header is sent.
 *
 * @throws ConfigurationError when the variable is no JSON array of texts.
 */
export function corsOrigins(
  option: CorsOrigins | undefined,
  compatibility: 'agno' | undefined,
  environment: string | undefined,
): CorsOrigins | undefined {
  const given = option ?? fromEnvironment(environment)
  if (given === '*' || compatibility !== 'agno') return given
  // An empty list is a list: it says that no page is wanted.
  return given?.length === 0 ? given : [...agnoOrigins, ...(given ?? [])]
}

function fromEnvironment(text: string | undefined): CorsOrigins | undefined {
  if (text === undefined || text.trim() === '') return undefined
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    list = undefined
  }
  if (Array.isArray(list) && list.every((origin) => typeof origin === 'string')) return list
  throw new ConfigurationError('CORS_ORIGIN_LIST must be a JSON array of origins: ["https://app.example.com"].')
}

/** What browsers are told about pages of other origins. */
export class Cors {
  /** Pages that may send credentials. */
  readonly named: ReadonlySet<string>
  private readonly allowsAny: boolean

  /** @throws ConfigurationError when an entry is no origin. */
  constructor(allowed: CorsOrigins) {
    const list = allowed === '*' ? ['*'] : allowed
    this.allowsAny = list.includes('*')
    this.named = new Set(list.filter((entry) => entry !== '*').map(checkOrigin))
  }

  /** The answer to a browser that asks before it sends; undefined when this is no such question. */
  preflight(request: Request, requestId: string): Response | undefined {
    if (request.method !== 'OPTIONS' || !request.headers.has('access-control-request-method')) return undefined
    const response = this.apply(request, new Response(null, { status: 204, headers: { 'x-request-id': requestId } }))
    const { headers } = response
    headers.append('vary', 'Access-Control-Request-Headers')
    if (!headers.has('access-control-allow-origin')) return response
    headers.set('access-control-allow-methods', methods)
    headers.set('access-control-max-age', MAX_AGE_SECONDS)
    const asked = request.headers.get('access-control-request-headers')
    if (asked !== null && asked.length <= MAX_ECHOED && headerNames.test(asked)) {
      headers.set('access-control-allow-headers', asked)
    }
    // A page on the internet that talks to a server in the private network, such as localhost, asks for that too.
    if (request.headers.get('access-control-request-private-network') === 'true') {
      headers.set('access-control-allow-private-network', 'true')
    }
    return response
  }

  /** Adds what an answer needs so that the page that asked can read it. Its headers must be changeable. */
  apply(request: Request, response: Response): Response {
    const { headers } = response
    headers.append('vary', 'Origin')
    const origin = request.headers.get('origin')
    if (origin === null) return response
    const isNamed = this.named.has(origin)
    if (!isNamed && !this.allowsAny) return response
    headers.set('access-control-allow-origin', isNamed ? origin : '*')
    if (isNamed) headers.set('access-control-allow-credentials', 'true')
    headers.set('access-control-expose-headers', exposed)
    return response
  }
}

function checkOrigin(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined
  const isOrigin = url !== undefined && url.origin !== 'null' && `${url.origin}/` === url.href
  if (isOrigin) return url.origin
  throw new ConfigurationError(
    `"${given}" is no origin for cors; write scheme, host and port: https://app.example.com.`,
  )
}
