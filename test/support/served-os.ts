import { AccessPolicy } from '../../src/core/access.js'
import { anonymousCaller, bindCaller } from '../../src/core/caller.js'
import type { Caller } from '../../src/core/caller.js'
import type { Clock } from '../../src/core/clock.js'
import { silentLogger } from '../../src/core/logger.js'
import type { Runnable } from '../../src/agents/runnable.js'
import { componentRoutes } from '../../src/http/components.js'
import { createHttpApp } from '../../src/http/app.js'
import { docsRoutes } from '../../src/http/docs.js'
import type { Route } from '../../src/http/route.js'
import type { ServerDescription, Services } from '../../src/http/services.js'
import { sessionRoutes } from '../../src/http/sessions.js'
import { systemRoutes } from '../../src/http/system.js'
import { Catalog } from '../../src/runs/catalog.js'
import { RunManager } from '../../src/runs/run-manager.js'
import { SessionStore } from '../../src/sessions/session-store.js'
import { sqlite } from '../../src/storage/index.js'
import { plainAgent } from './plain-agent.js'

/** A caller as a token makes it: nothing but these scopes. */
export function userCaller(userId: string, more: Partial<Caller> = {}): Caller {
  return { kind: 'user', userId, scopes: [], admin: false, scoped: false, ...more }
}

/** Sees its own rows only, and may do everything with them. */
export function scopedCaller(userId: string, scopes?: string[]): Caller {
  const all = ['sessions:read', 'sessions:write', 'sessions:delete', 'agents:read', 'agents:run', 'config:read']
  return userCaller(userId, { scopes: scopes ?? all, scoped: true })
}

/** A clock that moves when it is told to, and a millisecond with every look, so that times differ. */
export class TestClock implements Clock {
  constructor(private at = Date.parse('2026-04-24T20:15:00.000Z')) {}

  now(): number {
    return this.at++
  }

  advance(milliseconds: number): void {
    this.at += milliseconds
  }
}

export interface Answer {
  status: number
  headers: Headers
  // eslint-disable-next-line typescript/no-explicit-any -- tests look into bodies of all forms
  body: any
}

export interface ServedOptions {
  agents?: Runnable[]
  server?: Partial<ServerDescription>
}

/** The routes over a real database in memory, asked as any caller. */
export function serve({ agents = [plainAgent()], server }: ServedOptions = {}) {
  const storage = sqlite(':memory:')
  const clock = new TestClock()
  const catalog = new Catalog(agents)
  const runs = new RunManager({
    runs: storage.runs,
    media: storage.media,
    events: storage.events,
    catalog,
    clock,
    logger: silentLogger,
  })
  const sessions = new SessionStore(
    storage.sessions,
    {
      list: (caller, filter) => runs.list(caller, filter),
      get: (caller, runId) => runs.get(caller, runId),
      cancel: (caller, runId) => runs.cancel(caller, runId),
      activeOf: (sessionId) => storage.runs.active(sessionId),
    },
    clock,
  )
  const description: ServerDescription = {
    id: 'shop',
    version: '1.0.0',
    startedAt: '2026-04-24T20:00:00.000Z',
    catalog,
    database: storage,
    furtherDatabases: [],
    logger: silentLogger,
    authMode: 'none',
    access: new AccessPolicy({ enforcesScopes: true }),
    ...server,
  }
  const routes: Route<Services>[] = [...componentRoutes, ...sessionRoutes, ...systemRoutes]
  routes.push(...docsRoutes(() => routes))
  const app = createHttpApp({
    routes,
    authenticate: (request) => JSON.parse(request.headers.get('x-caller')!) as Caller,
    services: (caller) => ({
      runs: bindCaller(runs, caller),
      sessions: bindCaller(sessions, caller),
      server: description,
    }),
    logger: silentLogger,
  })

  /** `ask('POST /sessions?type=agent', { body, as })` */
  async function ask(
    line: string,
    { body, as = anonymousCaller, headers }: { body?: unknown; as?: Caller; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const [method = 'GET', path = '/'] = line.split(/ (.*)/)
    const response = await app.fetch(
      new Request(`http://host${path}`, {
        method,
        headers: {
          'x-caller': JSON.stringify(as),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    )
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }

  return { ask, app, runs, sessions, storage, clock, close: () => storage.close() }
}
