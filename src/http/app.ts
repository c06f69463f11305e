import { AccessPolicy } from '../core/access.js'
import { anonymousCaller } from '../core/caller.js'
import type { Caller } from '../core/caller.js'
import { NotFoundError } from '../core/errors.js'
import { newId } from '../core/ids.js'
import { consoleLogger } from '../core/logger.js'
import type { Logger } from '../core/logger.js'
import type { UploadedFile } from './body-fields.js'
import { defaultBodyLimits } from './body-limits.js'
import type { BodyLimits } from './body-limits.js'
import { readBody } from './body.js'
import { compileRoute } from './compiled-route.js'
import type { CompiledRoute } from './compiled-route.js'
import { errorAnswer, MethodNotAllowedError } from './error-response.js'
import { parseDecoded, parseWire } from './parse-wire.js'
import { decodeParam, queryRecord, requestTarget, trimPath } from './request-target.js'
import { Respond } from './respond.js'
import { RouteTable } from './route-table.js'
import type { Route, RouteContext } from './route.js'
import { watchedStream } from './watched-stream.js'
import type { MountOptions, WebHandler } from './web-handler.js'

export interface HttpAppOptions<Services> {
  routes: readonly Route<Services>[]
  /**
   * Who calls. Throws `UnauthorizedError`. Asked for every route but public ones; what returns at once costs no promise.
   *
   * @param address of the client, where the host has told it.
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

  const callRoute = async (
    target: CompiledRoute<Services>,
    rawParams: readonly string[],
    search: string,
    request: Request,
    { basePath = '', address }: MountOptions,
    requestId: string,
  ): Promise<unknown> => {
    const { route } = target
    let caller = publicCallers.get(route)!
    if (!target.isPublic) {
      const authenticated = options.authenticate(request, address)
      caller = authenticated instanceof Promise ? await authenticated : authenticated
    }
    const named: Record<string, string> = {}
    for (let at = 0; at < rawParams.length; at++)
      named[target.paramNames[at]!] = decodeParam(target.paramNames[at]!, rawParams[at]!)
    const checking = target.isPublic ? undefined : target.checkScope(access, caller, named)
    if (checking) await checking
    const context = new RequestContext(request, caller, basePath, requestId, options)
    if (route.params) context.params = parseDecoded(route.params, named)
    if (route.query) context.query = parseWire(route.query, queryRecord(search))
    if (target.body) {
      const { value, files } = await readBody(request, target.body, limits)
      context.files = files
      context.body = parseWire(route.body!, value)
    }
    const result = route.handler(context)
    if (caller.kind !== 'service_account') return result
    return watchedStream(await result, caller, () => options.authenticate(request, address))
  }

  return {
    matches: (pathname) => table.match(trimPath(pathname)) !== undefined,
    async fetch(request: Request, mount: MountOptions = {}): Promise<Response> {
      const requestId = requestIdOf(request)
      const respond = new Respond(requestId, request.method === 'HEAD')
      try {
        const { path, search } = requestTarget(request.url, mount.basePath ?? '')
        const match = table.match(path)
        if (!match) throw new NotFoundError('ROUTE_NOT_FOUND', `There is no route ${request.method} ${path}.`)
        const { entry, params } = match
        const target = entry.methods.get(request.method === 'HEAD' ? 'GET' : request.method)
        if (!target) {
          if (request.method === 'OPTIONS') return respond.empty(204, { allow: entry.allow })
          throw new MethodNotAllowedError(request.method, path, entry.allow)
        }
        return respond.result(target, await callRoute(target, params, search, request, mount, requestId))
      } catch (error) {
        if (request.signal.aborted && error instanceof Error && error.name === 'AbortError')
          return respond.empty(CLIENT_GONE)
        const { status, body, headers } = errorAnswer(error, requestId, logger)
        return respond.json(status, JSON.stringify(body), headers)
      }
    },
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
    readonly basePath: string,
    readonly requestId: string,
    private readonly options: Pick<HttpAppOptions<Services>, 'services'>,
  ) {}

  get os(): Services {
    return (this.bound ??= this.options.services(this.caller))
  }

  get signal(): AbortSignal {
    return this.request.signal
  }

  get headers(): Headers {
    return this.request.headers
  }
}
