import { z } from 'zod'
import type { ZodOpenApiOperationObject, ZodOpenApiRequestBodyObject, ZodOpenApiResponseObject } from 'zod-openapi'
import { ErrorSchema } from './openapi-error.js'
import type { Route, RouteScope } from './route.js'
import { requirementsOf, scopeName } from './route-access.js'
import { wireName } from './wire-names.js'

/** One route as an OpenAPI operation. */
export function operationOf(route: Route<never>): ZodOpenApiOperationObject {
  const parameters = { path: parametersOf(route.params), query: parametersOf(route.query) }
  const body = requestBodyOf(route)
  return {
    operationId: route.operationId,
    summary: route.summary,
    description: [route.description, scopeText(route.scope)].filter(Boolean).join('\n\n'),
    tags: [...route.tags],
    ...((parameters.path ?? parameters.query) && {
      requestParams: {
        ...(parameters.path && { path: parameters.path }),
        ...(parameters.query && { query: parameters.query }),
      },
    }),
    ...(body && { requestBody: body }),
    responses: { ...successes(route), ...failures(route) },
    ...(route.scope === 'public' && { security: [] }),
  }
}

/** zod-openapi takes parameters' names from the shape, so that the shape itself is spelled as on the wire. */
function parametersOf(schema: z.ZodType | undefined): z.ZodObject | undefined {
  if (!(schema instanceof z.ZodObject)) return undefined
  const entries = Object.entries(schema.shape)
  return entries.length === 0
    ? undefined
    : z.object(Object.fromEntries(entries.map(([key, field]) => [wireName(key), field])))
}

function requestBodyOf(route: Route<never>): ZodOpenApiRequestBodyObject | undefined {
  if (!route.body) return undefined
  const schema = route.body
  const example = route.examples?.request
  const shown = example === undefined ? {} : { example }
  const content: ZodOpenApiRequestBodyObject['content'] = { 'application/json': { schema, ...shown } }
  if (route.form || route.uploads) {
    content['application/x-www-form-urlencoded'] = { schema }
    content['multipart/form-data'] = { schema: withUploads(schema, route.uploads ?? []) }
  }
  return { content, required: !schema.safeParse({}).success }
}

function withUploads(schema: z.ZodType, uploads: readonly string[]): z.ZodType {
  if (uploads.length === 0 || !(schema instanceof z.ZodObject)) return schema
  const file = z.string().meta({ format: 'binary' })
  const fields = Object.fromEntries(uploads.map((name) => [name, z.array(file).optional()]))
  return z.object({ ...(schema.shape as Record<string, z.ZodType>), ...fields })
}

function successes(route: Route<never>): Record<string, ZodOpenApiResponseObject> {
  const responses: Record<string, ZodOpenApiResponseObject> = {}
  const first = Math.min(...Object.keys(route.response).map(Number))
  for (const [status, spec] of Object.entries(route.response)) {
    const isFirst = Number(status) === first
    const content: NonNullable<ZodOpenApiResponseObject['content']> = {}
    if (spec instanceof z.ZodType) {
      const example = isFirst ? route.examples?.response : undefined
      content['application/json'] = { schema: spec, ...(example !== undefined && { example }) }
    } else if (spec !== null && spec !== 'stream') {
      content[spec.contentType] = { schema: z.string() }
    }
    if (spec === 'stream' || (isFirst && route.stream))
      content['text/event-stream'] = { schema: route.stream ?? z.string() }
    responses[status] = {
      description: descriptions[Number(status)] ?? 'Done.',
      ...(Object.keys(content).length > 0 && { content }),
    }
  }
  return responses
}

const descriptions: Readonly<Record<number, string>> = {
  200: 'Done.',
  201: 'Created.',
  202: 'Accepted; the work goes on.',
  204: 'Done; there is nothing to return.',
}

const TOKEN_ERRORS = [
  'TOKEN_MISSING',
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',
  'TOKEN_AUDIENCE_INVALID',
  'TOKEN_SUBJECT_INVALID',
  'TOKEN_SUBJECT_REQUIRED',
  'SERVICE_ACCOUNT_TOKEN_INVALID',
  'SERVICE_ACCOUNTS_UNAVAILABLE',
]

function failures(route: Route<never>): Record<string, ZodOpenApiResponseObject> {
  const codes = new Map<number, string[]>()
  const add = (status: number, ...more: readonly string[]): void => {
    codes.set(status, [...new Set([...(codes.get(status) ?? []), ...more])])
  }
  if (route.scope !== 'public') {
    add(401, ...TOKEN_ERRORS)
    if (route.method !== 'get') add(403, 'CSRF_REJECTED')
    if (route.scope !== 'any') add(403, 'INSUFFICIENT_SCOPE')
    add(429, 'AUTH_THROTTLED')
    add(503, 'AUTH_UNAVAILABLE')
  }
  if (route.body) {
    add(400, 'MALFORMED_BODY')
    add(413, 'PAYLOAD_TOO_LARGE')
    add(415, 'UNSUPPORTED_MEDIA_TYPE')
  }
  if (route.body || route.query || route.params) add(422, 'VALIDATION_ERROR')
  if (route.query || route.params) add(414, 'URI_TOO_LONG')
  if (route.startsRun || route.stream) add(429, 'RATE_LIMITED')
  if (route.form || route.uploads) add(422, 'INVALID_JSON_FIELD')
  for (const [status, more] of Object.entries(route.errors ?? {})) add(Number(status), ...more)
  add(500, 'INTERNAL_ERROR')
  return Object.fromEntries(
    [...codes]
      .sort(([a], [b]) => a - b)
      .map(([status, names]) => [
        String(status),
        {
          description: names.map((name) => `\`${name}\``).join(', '),
          content: { 'application/json': { schema: ErrorSchema } },
        },
      ]),
  )
}

function scopeText(scope: RouteScope): string {
  if (scope === 'public') return 'Public.'
  if (scope === 'any') return 'Any caller.'
  const names = requirementsOf(scope).map((one) => `\`${scopeName(one)}\``)
  return `Scope: ${names.join(' and ')}.`
}
