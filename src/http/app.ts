import { AccessPolicy } from '../core/access.js'
import { anonymousCaller } from '../core/caller.js'
import type { Caller } from '../core/caller.js'
import { NotFoundError } from '../core/errors.js'
import { newId } from '../core/ids.js'
import { consoleLogger } from '../core/logger.js'
import type { Logger } from '../core/logger.js'
import type { UploadedFile } from './body-fields.js'
import type { Audit, AuditedOutcome, AuditedRequest } from './audit.js'
import { defaultBodyLimits } from './body-limits.js'
import type { BodyLimits } from './body-limits.js'
import { readBody } from './body.js'
import { clientAddress } from './client-address.js'
import { compileRoute } from './compiled-route.js'
import type { CompiledRoute } from './compiled-route.js'
import type { Cors } from './cors.js'
import { errorAnswer, MethodNotAllowedError, UriTooLongError } from './error-response.js'
import { parseDecoded, parseWire } from './parse-wire.js'
import { decodeParam, queryRecord, requestTarget, trimPath } from './request-target.js'
import { Respond } from './respond.js'
import { RouteTable } from './route-table.js'
import type { Route, RouteContext } from './route.js'
import { heldOpen, usageKey } from './usage-limits.js'
import type { UsageLimits } from './usage-limits.js'
import { watchedStream } from './watched-stream.js'
import type { MountOptions, WebHandler } from './web-handler.js'

export interface HttpAppOptions<Services> {
  routes: readonly Route<Services>[]
  /**
   * Who calls, from the client's address. Throws `UnauthorizedError`. Asked for every route but public ones; what
   * returns at once costs no promise.
   */
  authenticate(request: Request, address: string | undefined): Caller | Promise<Caller>
  /** The services as this caller may use them. Asked when a handler first reads `os`. */
  services(caller: Caller): Services
  /** What callers may do. Default: what their scopes say. */
  access?: AccessPolicy
  logger?: Logger
  limits?: Partial<BodyLimits>
  /** `agno` writes marked fields as the origin's client library expects them. */
  compatibility?: 'agno'
  /** Without it, no header speaks of other origins. */
  cors?: Cors
  /** How much one caller may use. */
  usage?: UsageLimits
  /** Hears of what was denied, and of administrative actions. */
  audit?: Audit
  /** Where the client's address stands, when a proxy is in front of every request. */
  trustedProxyHeader?: string
}

/** Whoever calls a public route: nobody has looked at a token, so it may do nothing but what the route is for. */
function publicCaller({ grants = [] }: Pick<Route<never>, 'grants'>): Caller {
  return Object.freeze({ ...anonymousCaller, scopes: Object.freeze([...grants]), admin: false, scoped: true })
}

/**
 * Everything between a request and a handler: match, authenticate, check the scope, validate, call, answer.
 *
 * @example
 * const app = createHttpApp({ routes, authenticate: () => anonymousCaller, services: (caller) => os.as(caller) })
 * const response = await app.fetch(new Request('http://host/agents'))
 */
export function createHttpApp<Services>(options: HttpAppOptions<Services>): WebHandler {
  const limits = { ...defaultBodyLimits, ...options.limits }
  const logger = options.logger ?? consoleLogger
  const access = options.access ?? new AccessPolicy({ enforcesScopes: true })
  const compiled = options.routes.map((route) => compileRoute(route, options.compatibility ?? 'standard', limits))
  const table = new RouteTable(compiled)
  const publicCallers = new Map(compiled.map(({ route }) => [route, publicCaller(route)]))

  const callRoute = async (call: RouteCall<Services>, mount: MountOptions): Promise<unknown> => {
    const { target, request, search } = call
    const { route } = target
    if (!target.isPublic) {
      const authenticated = options.authenticate(request, call.address)
      call.caller = authenticated instanceof Promise ? await authenticated : authenticated
    }
    const { caller, params } = call
    for (let at = 0; at < call.rawParams.length; at++)
      params[target.paramNames[at]!] = decodeParam(target.paramNames[at]!, call.rawParams[at]!)
    const checking = target.isPublic ? undefined : target.checkScope(access, caller, params)
    if (checking) await checking
    const context = new RequestContext(request, caller, mount, call.requestId, options)
    if (route.params) context.params = parseDecoded(route.params, params)
    if (route.query) context.query = call.query = parseWire(route.query, queryRecord(search, limits.fields))
    if (target.body) {
      const { value, files } = await readBody(request, target.body, limits)
      context.files = files
      context.body = call.body = parseWire(route.body!, value)
    }
    const result = options.usage ? callWithin(options.usage, call, context) : route.handler(context)
    if (caller.kind !== 'service_account') return result
    return watchedStream(await result, caller, () => options.authenticate(request, call.address))
  }

  const audited = (call: RouteCall<Services>, outcome: AuditedOutcome): void =>
    options.audit?.record(call, outcome, call.target.isAdministrative)

  const answer = async (request: Request, requestId: string, mount: MountOptions): Promise<Response> => {
    const { basePath = '' } = mount
    const respond = new Respond(requestId, request.method === 'HEAD')
    let call: RouteCall<Services> | undefined
    try {
      if (request.url.length > limits.urlLength) throw new UriTooLongError(limits.urlLength)
      const { path, search } = requestTarget(request.url, basePath)
      const match = table.match(path)
      if (!match) throw new NotFoundError('ROUTE_NOT_FOUND', `There is no route ${request.method} ${path}.`)
      const { entry, params } = match
      const target = entry.methods.get(request.method === 'HEAD' ? 'GET' : request.method)
      if (!target) {
        if (request.method === 'OPTIONS') return respond.empty(204, { allow: entry.allow })
        throw new MethodNotAllowedError(request.method, path, entry.allow)
      }
      const address = clientAddress(request.headers, mount.clientAddress, options.trustedProxyHeader)
      const anybody = publicCallers.get(target.route)!
      call = new RouteCall(target, anybody, params, search, request, basePath, requestId, address)
      const result = await callRoute(call, mount)
      const response = respond.result(target, result)
      audited(call, { status: response.status, result })
      return response
    } catch (error) {
      if (request.signal.aborted && error instanceof Error && error.name === 'AbortError')
        return respond.empty(CLIENT_GONE)
      const { status, body, headers } = errorAnswer(error, requestId, logger)
      if (call) audited(call, { status, errorCode: body.error_code })
      return respond.json(status, JSON.stringify(body), headers)
    }
  }

  return {
    matches: (pathname) => table.match(trimPath(pathname)) !== undefined,
    async fetch(request: Request, mount: MountOptions = {}): Promise<Response> {
      const requestId = requestIdOf(request)
      const { cors } = options
      if (!cors) return answer(request, requestId, mount)
      return cors.preflight(request, requestId) ?? cors.apply(request, await answer(request, requestId, mount))
    },
  }
}

/** A request that has found its route, as far as it has come. */
class RouteCall<Services> implements AuditedRequest {
  readonly params: Record<string, string> = {}
  query: unknown
  body: unknown

  constructor(
    readonly target: CompiledRoute<Services>,
    public caller: Caller,
    readonly rawParams: readonly string[],
    readonly search: string,
    readonly request: Request,
    readonly basePath: string,
    readonly requestId: string,
    readonly address: string | undefined,
  ) {}

  get operationId(): string {
    return this.target.route.operationId
  }

  get method(): string {
    return this.request.method
  }
}

/** Calls the handler when the caller has not used too much already. */
async function callWithin<Services>(
  usage: UsageLimits,
  { target, caller, address, body, request }: RouteCall<Services>,
  context: RouteContext<Services>,
): Promise<unknown> {
  const key = usageKey(caller, address)
  const close = target.opensStream(body) ? usage.takeStream(key) : undefined
  try {
    if (target.route.startsRun) await usage.takeRun(key)
    const result = await target.route.handler(context)
    if (!close) return result
    if (!(result instanceof Response)) {
      close()
      return result
    }
    // A host that never reads the answer of a client that has gone tells by the signal.
    request.signal.addEventListener('abort', close, { once: true })
    return heldOpen(result, close)
  } catch (error) {
    close?.()
    throw error
  }
}

/** Nobody reads it; access logs know the number. */
const CLIENT_GONE = 499

const saneId = /^[A-Za-z0-9._:-]{1,128}$/

function requestIdOf(request: Request): string {
  const given = request.headers.get('x-request-id')
  return given !== null && saneId.test(given) ? given : newId('req')
}

class RequestContext<Services> implements RouteContext<Services> {
  params: unknown
  query: unknown
  body: unknown
  files: readonly UploadedFile[] = []
  private bound: Services | undefined

  constructor(
    readonly request: Request,
    readonly caller: Caller,
    private readonly mount: MountOptions,
    readonly requestId: string,
    private readonly options: Pick<HttpAppOptions<Services>, 'services'>,
  ) {}

  get os(): Services {
    return (this.bound ??= this.options.services(this.caller))
  }

  get basePath(): string {
    return this.mount.basePath ?? ''
  }

  get canUpgrade(): boolean {
    return this.mount.canUpgrade ?? true
  }

  get signal(): AbortSignal {
    return this.request.signal
  }

  get headers(): Headers {
    return this.request.headers
  }
}
