import type { z } from 'zod'
import type { Caller } from '../core/caller.js'
import { ConfigurationError } from '../core/errors.js'
import type { Reply } from './reply.js'
import type { Scope } from '../core/scopes.js'
import type { UploadedFile } from './body-fields.js'
import { codeName, wireName } from './wire-names.js'

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** A scope of one component, named by a path parameter (as it is spelled in code), or of a list that per-id scopes narrow. */
export type ScopeRequirement<Param extends string = string> =
  Scope | { scope: Scope; component: Param } | { scope: Scope; list: true }

/**
 * Who may call a route: `'public'` anybody without a token, `'any'` every caller that authenticates, else the holders
 * of the scope, or of all scopes in a list.
 */
export type RouteScope<Param extends string = string> =
  'public' | 'any' | ScopeRequirement<Param> | readonly ScopeRequirement<Param>[]

/** What a status carries: a value of a schema, server-sent events, a body of another type, or nothing. */
export type ResponseSpec = z.ZodType | 'stream' | { contentType: string } | null
export type ResponseMap = Readonly<Record<number, ResponseSpec>>

/** What a handler gets. `os` holds the services, bound to the caller. */
export interface RouteContext<Services, Params = unknown, Query = unknown, Body = unknown> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Uploads of a multipart body; empty for every other request. */
  readonly files: readonly UploadedFile[]
  readonly caller: Caller
  readonly os: Services
  readonly request: Request
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
  readonly headers: Headers
  /** Prefix of the mount without a trailing slash. */
  readonly basePath: string
  /** Whether the host could make a socket of the request. */
  readonly canUpgrade: boolean
  readonly requestId: string
}

type ValueOf<Spec> = Spec extends z.ZodType ? z.output<Spec> : Spec extends null ? void | undefined : never

type FirstStatus<Responses> = {
  [Status in 200 | 201 | 202 | 204]: Status extends keyof Responses ? Status : never
} extends infer Known extends Record<200 | 201 | 202 | 204, unknown>
  ? [Known[200]] extends [never]
    ? [Known[201]] extends [never]
      ? [Known[202]] extends [never]
        ? Known[204]
        : 202
      : 201
    : 200
  : never

type ReplyOf<Responses> = {
  [Status in keyof Responses & number]: Reply<Status, ValueOf<Responses[Status]>>
}[keyof Responses & number]

/** What a handler may return: the value of the lowest declared status, a `reply()`, or a `Response` such as a stream. */
export type HandlerResult<Responses> =
  ValueOf<Responses[FirstStatus<Responses> & keyof Responses]> | ReplyOf<Responses> | Response

/** The parts of a definition that do not depend on its schemas' types. */
interface RouteFacts {
  method: Method
  /** Parameters in braces, spelled as on the wire: `/schedules/{schedule_id}/trigger`. */
  path: string
  /** Unique over all routes; verb and noun in snake_case. */
  operationId: string
  summary: string
  description?: string
  tags: readonly string[]
  /** Takes urlencoded and multipart bodies beside JSON. Their empty strings count as absent. */
  form?: boolean
  /** Names of the file fields of a multipart body; implies `form`. */
  uploads?: readonly string[]
  /** Schema of the events, where status 200 may also be a stream. */
  stream?: z.ZodType
  /** Error codes by status, beside those that every route has. */
  errors?: Readonly<Record<number, readonly string[]>>
  /** Spelled as on the wire. */
  examples?: { request?: unknown; response?: unknown }
  /** Calls a model, and so counts against a caller's runs per minute. */
  startsRun?: boolean
  /** Left out of the API description. */
  hidden?: boolean
  /** Path of the route that this one belongs to: a host that opens that one opens this one with it. */
  partOf?: string
  /** The scope that the route has by itself, where the host asks for another one, or for none. */
  declaredScope?: RouteScope
  /** Scopes that callers of a route have which the host has opened to everybody. */
  grants?: readonly Scope[]
}

export interface RouteDefinition<
  Services,
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Responses extends ResponseMap,
> extends RouteFacts {
  scope: RouteScope<Extract<keyof z.output<Params>, string>>
  /** Keys in camelCase; strings as they stand in the path, so numbers need `queryInt`. */
  params?: Params
  query?: Query
  body?: Body
  response: Responses
  handler(
    context: RouteContext<Services, z.output<Params>, z.output<Query>, z.output<Body>>,
  ): HandlerResult<Responses> | Promise<HandlerResult<Responses>>
}

/** A route whose types have been checked and are no longer told apart. */
export interface Route<Services> extends RouteFacts {
  scope: RouteScope
  params?: z.ZodType
  query?: z.ZodType
  body?: z.ZodType
  response: ResponseMap
  handler(context: RouteContext<Services>): unknown
}

/** Checks a definition and returns it as a route. */
export type RouteFactory<Services> = <
  Params extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
  const Responses extends ResponseMap = ResponseMap,
>(
  definition: RouteDefinition<Services, Params, Query, Body, Responses>,
) => Route<Services>

/**
 * The `route()` of handlers that use these services.
 *
 * @example
 * const route = routesFor<{ schedules: Bound<Scheduler> }>()
 * export const triggerSchedule = route({
 *   method: 'post', path: '/schedules/{schedule_id}/trigger', operationId: 'trigger_schedule',
 *   summary: 'Run a schedule now', tags: ['Schedules'], scope: 'schedules:write',
 *   params: z.object({ scheduleId: z.string() }),
 *   response: { 202: Run },
 *   handler: ({ params, os }) => os.schedules.trigger(params.scheduleId),
 * })
 */
export function routesFor<Services>(): RouteFactory<Services> {
  return (definition) => {
    const route = definition as unknown as Route<Services>
    checkPath(route)
    return route
  }
}

/** The names of a path's parameters as they are spelled in code. */
export function pathParams(path: string): string[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), (match) => codeName(match[1]!))
}

function checkPath(route: Route<never>): void {
  const inPath = pathParams(route.path)
  const shape = (route.params as z.ZodObject | undefined)?.shape ?? {}
  const declared = Object.keys(shape)
  const odd = inPath.find((name) => !declared.includes(name)) ?? declared.find((name) => !inPath.includes(name))
  if (odd !== undefined) {
    throw new ConfigurationError(
      `Route ${route.method} ${route.path}: "${wireName(odd)}" must stand in both the path and the params.`,
    )
  }
  if (!route.path.startsWith('/') || (route.path !== '/' && route.path.endsWith('/'))) {
    throw new ConfigurationError(`Route path "${route.path}" must begin, and may not end, with "/".`)
  }
}
