import type { WebHandler } from '../src/http/web-handler.js'

export interface RouteHandlersOptions {
  /** Where the catch-all route lies, such as `/api/os` for `app/api/os/[[...path]]/route.ts`. */
  basePath: string
}

type RouteHandler = (request: Request) => Promise<Response>

/** The exports of a Next.js route file. */
export type RouteHandlers = Record<'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS', RouteHandler>

/**
 * The route handlers of a Next.js app-router catch-all, `app/api/os/[[...path]]/route.ts`.
 *
 * @example
 * ```ts
 * export const runtime = 'nodejs'
 * export const dynamic = 'force-dynamic'
 * export const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = createRouteHandlers(agentOS, { basePath: '/api/os' })
 * ```
 */
export function createRouteHandlers(agentOS: WebHandler, { basePath }: RouteHandlersOptions): RouteHandlers {
  const handle: RouteHandler = (request) => agentOS.fetch(request, { basePath, canUpgrade: false })
  return { GET: handle, POST: handle, PUT: handle, PATCH: handle, DELETE: handle, HEAD: handle, OPTIONS: handle }
}
