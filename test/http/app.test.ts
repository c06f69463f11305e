import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openAccess } from '../../src/core/access.js'
import type { Caller } from '../../src/core/caller.js'
import { ConflictError, TooManyRequestsError, UnauthorizedError, UnavailableError } from '../../src/core/errors.js'
import { silentLogger } from '../../src/core/logger.js'
import { createHttpApp } from '../../src/http/app.js'
import type { HttpAppOptions } from '../../src/http/app.js'
import { queryInt } from '../../src/http/query.js'
import { reply } from '../../src/http/reply.js'
import { routesFor } from '../../src/http/route.js'

const route = routesFor<{ calledBy: string | undefined }>()
const Thing = z.object({ thingId: z.string(), by: z.string().optional() })
const thingParams = z.object({ thingId: z.string() })
const facts = { summary: 'Test', tags: ['Test'] } as const
const failures: Record<string, () => never> = {
  conflict: () => {
    throw new ConflictError('THING_EXISTS', 'Thing "conflict" exists.')
  },
  busy: () => {
    throw new TooManyRequestsError('QUEUE_FULL', 'The queue is full.', 2.2)
  },
  away: () => {
    throw new UnavailableError('DATABASE_UNAVAILABLE', 'Storage is away.')
  },
  bug: () => {
    throw new Error('secret: SELECT * FROM users')
  },
  zod: () => z.object({ runId: z.string() }).parse({}) as never,
}

const routes = [
  route({
    ...facts,
    method: 'get',
    path: '/health',
    operationId: 'health',
    scope: 'public',
    response: { 200: Thing },
    handler: ({ caller }) => ({ thingId: String(caller.admin) }),
  }),
  route({
    ...facts,
    method: 'get',
    path: '/things',
    operationId: 'list',
    scope: { scope: 'agents:read', list: true },
    query: z.object({ limit: queryInt(1, 10, 5) }),
    response: { 200: z.array(Thing) },
    handler: ({ query }) => [{ thingId: String(query.limit) }],
  }),
  route({
    ...facts,
    method: 'get',
    path: '/things/{thing_id}',
    operationId: 'get',
    scope: { scope: 'agents:read', component: 'thingId' },
    params: thingParams,
    response: { 200: Thing },
    handler: ({ params, os }) => ({ thingId: params.thingId, by: os.calledBy }),
  }),
  route({
    ...facts,
    method: 'get',
    path: '/things/{thing_id}/versions/current',
    operationId: 'current',
    scope: 'any',
    params: thingParams,
    response: { 200: Thing },
    handler: () => ({ thingId: 'current' }),
  }),
  route({
    ...facts,
    method: 'get',
    path: '/things/{thing_id}/versions/{version}',
    operationId: 'version',
    scope: 'any',
    params: z.object({ thingId: z.string(), version: queryInt(1, 99) }),
    response: { 200: Thing },
    handler: ({ params }) => ({ thingId: `${params.thingId}@${params.version}` }),
  }),
  route({
    ...facts,
    method: 'delete',
    path: '/things/{thing_id}',
    operationId: 'delete',
    scope: ['agents:delete', 'sessions:delete'],
    params: thingParams,
    body: z.object({ why: z.string().optional() }),
    response: { 204: null },
    handler: ({ body }) => reply(204, undefined, { headers: { 'X-Why': body.why ?? '' } }),
  }),
  route({
    ...facts,
    method: 'post',
    path: '/failures/{name}',
    operationId: 'fail',
    scope: 'any',
    params: z.object({ name: z.string() }),
    response: { 204: null },
    handler: ({ params }) => failures[params.name]!(),
  }),
]

const caller = (scopes: string[], more: Partial<Caller> = {}): Caller => ({
  kind: 'user',
  userId: 'ada',
  scopes,
  admin: false,
  scoped: false,
  ...more,
})

function appFor(options: Partial<HttpAppOptions<{ calledBy: string | undefined }>> & { as?: Caller } = {}) {
  return createHttpApp({
    routes,
    authenticate: () => options.as ?? caller([], { admin: true }),
    services: ({ userId }) => ({ calledBy: userId }),
    logger: silentLogger,
    ...options,
  })
}
async function ask(path: string, init: RequestInit = {}, options: Parameters<typeof appFor>[0] = {}) {
  const response = await appFor(options).fetch(new Request(`http://host${path}`, init))
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  }
}

describe('matching', () => {
  it('prefers fixed segments to parameters, and drops a trailing slash', async () => {
    expect((await ask('/things/a/versions/current/')).body).toEqual({ thing_id: 'current' })
    expect((await ask('/things/a/versions/7')).body).toEqual({ thing_id: 'a@7' })
  })

  it('tells an unknown path from a wrong method', async () => {
    expect(await ask('/nothing')).toMatchObject({
      status: 404,
      body: { error_code: 'ROUTE_NOT_FOUND', request_id: expect.stringMatching(/^req_/) },
    })
    const wrong = await ask('/things/a', { method: 'PUT' })
    expect(wrong).toMatchObject({ status: 405, body: { error_code: 'METHOD_NOT_ALLOWED' } })
    expect(wrong.headers.get('allow')).toBe('GET, DELETE, HEAD, OPTIONS')
    expect((await ask('/things//versions/1')).status).toBe(404)
  })

  it('answers OPTIONS with the methods, and HEAD as GET without a body', async () => {
    const options = await ask('/things/a', { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, DELETE, HEAD, OPTIONS'])
    const head = await ask('/things', { method: 'HEAD' })
    expect([head.status, head.body, head.headers.get('content-type')]).toEqual([200, undefined, 'application/json'])
    expect((await ask('/things', { method: 'HEAD' }, { as: caller([]) })).status).toBe(403)
  })

  it('says which paths are its own', () => {
    const app = appFor()
    expect(['/things', '/things/', '/things/a', '/health'].every((path) => app.matches(path))).toBe(true)
    expect(['/', '/thing', '/things/a/b'].some((path) => app.matches(path))).toBe(false)
  })

  it('works under a prefix', async () => {
    const response = await appFor().fetch(new Request('http://host/os/things/a'), { basePath: '/os' })
    expect(response.status).toBe(200)
  })

  it('decodes parameters, and refuses those that can be no id', async () => {
    expect((await ask('/things/a%2Fb%20%C3%A9')).body).toMatchObject({ thing_id: 'a/b é' })
    for (const bad of ['%', '%C3', '%00', 'a%0Ab', 'x'.repeat(256)]) {
      expect(await ask(`/things/${bad}`)).toMatchObject({ status: 422, body: { errors: [{ path: 'thing_id' }] } })
    }
    expect((await ask('/things/__proto__')).body).toMatchObject({ thing_id: '__proto__' })
  })

  it('refuses two routes of one method and path, or of one operation id', () => {
    expect(() => appFor({ routes: [routes[0]!, { ...routes[0]!, operationId: 'other' }] })).toThrow('GET /health')
    expect(() => appFor({ routes: [routes[0]!, { ...routes[0]!, path: '/other' }] })).toThrow('health')
  })
})

describe('request ids', () => {
  it('are taken over when sane, and stand in every answer', async () => {
    const withId = (id: string) => ask('/nothing', { headers: { 'x-request-id': id } })
    expect((await withId('trace:1.2-a_B')).headers.get('x-request-id')).toBe('trace:1.2-a_B')
    for (const odd of ['a b', 'x'.repeat(129), 'a"b'])
      expect((await withId(odd)).headers.get('x-request-id')).toMatch(/^req_/)
  })
})

describe('callers', () => {
  it('need the scope of the route, for this component', async () => {
    expect((await ask('/things/a', {}, { as: caller(['agents:a:read']) })).body).toEqual({ thing_id: 'a', by: 'ada' })
    const refused = await ask('/things/b', {}, { as: caller(['agents:a:read']) })
    expect(refused).toMatchObject({
      status: 403,
      body: {
        error_code: 'INSUFFICIENT_SCOPE',
        detail: 'Insufficient permissions. Required scope(s): agents:read',
        required_scopes: ['agents:read'],
      },
    })
    expect(refused.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope", scope="agents:read"')
  })

  it('need all scopes of several, and any per-id scope for a list', async () => {
    expect((await ask('/things/a', { method: 'DELETE' }, { as: caller(['agents:delete']) })).status).toBe(403)
    expect(
      (await ask('/things/a', { method: 'DELETE' }, { as: caller(['agents:delete', 'sessions:delete']) })).status,
    ).toBe(204)
    expect((await ask('/things', {}, { as: caller(['agents:a:read']) })).status).toBe(200)
    expect((await ask('/things', {}, { as: caller(['agents:run']) })).status).toBe(403)
  })

  it('are refused before anything is validated', async () => {
    expect((await ask('/things?limit=0', {}, { as: caller([]) })).status).toBe(403)
  })

  it('need no scope while authorization is off, but for service accounts', async () => {
    expect((await ask('/things/a', {}, { access: openAccess, as: caller([]) })).status).toBe(200)
    expect(
      (await ask('/things/a', {}, { access: openAccess, as: caller([], { kind: 'service_account' }) })).status,
    ).toBe(403)
  })

  it('are not asked for on public routes, which get no rights from that', async () => {
    const authenticate = () => Promise.reject(new UnauthorizedError('TOKEN_MISSING', 'Send a token.'))
    expect((await ask('/health', {}, { authenticate })).body).toEqual({ thing_id: 'false' })
    const refused = await ask('/things', {}, { authenticate })
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  })
})

describe('errors', () => {
  const fail = (name: string, logger = silentLogger) => ask(`/failures/${name}`, { method: 'POST' }, { logger })

  it('map to their status, with the code and the request id', async () => {
    expect(await fail('conflict')).toMatchObject({
      status: 409,
      body: { detail: 'Thing "conflict" exists.', error_code: 'THING_EXISTS' },
    })
    const busy = await fail('busy')
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([429, '3'])
    expect((await fail('away')).headers.get('retry-after')).toBe('1')
    expect(await fail('zod')).toMatchObject({ status: 422, body: { errors: [{ path: 'run_id' }] } })
  })

  it('say nothing of a fault of ours, and log it', async () => {
    const logged: object[] = []
    const { status, body } = await fail('bug', { ...silentLogger, error: (fields) => logged.push(fields) })
    expect(status).toBe(500)
    expect(JSON.stringify(body)).not.toContain('SELECT')
    expect(logged).toEqual([{ err: expect.any(Error), requestId: (body as { request_id: string }).request_id }])
  })

  it('name the query parameter', async () => {
    expect(await ask('/things?limit=11')).toMatchObject({
      status: 422,
      body: { error_code: 'VALIDATION_ERROR', errors: [{ path: 'limit', message: expect.stringContaining('got 11') }] },
    })
    expect((await ask('/things?limit=')).body).toEqual([{ thing_id: '5' }])
  })
})
