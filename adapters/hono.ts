import type { Context, MiddlewareHandler } from 'hono'
import { cloneRawRequest } from 'hono/request'
import { routePath } from 'hono/route'
import type { WebHandler } from '../src/http/web-handler.js'
import { pathBelow } from './paths.js'

export interface HonoOptions {
  /**
   * The address that a request comes from, for rate limits: each runtime tells it in a way of its own. Default: that of
   * the socket, where the app is served by `@hono/node-server`.
   */
  clientAddress?: (context: Context) => string | undefined
}

/**
 * Mounts an AgentOS in a Hono app, under a prefix or at the root. What is not its own goes to the next handler, and
 * what it throws to the app's `onError`.
 *
 * @example
 * ```ts
 * app.use('/os/*', agentOSHono(agentOS))
 * ```
 */
export function agentOSHono(
  agentOS: WebHandler,
  { clientAddress = socketAddress }: HonoOptions = {},
): MiddlewareHandler {
  return async (context, next) => {
    const basePath = mountOf(context)
    const path = pathBelow(basePath, new URL(context.req.url).pathname)
    if (path === undefined || !agentOS.matches(path)) return next()
    // A middleware of the app may have read the body: Hono keeps what came of it.
    const request = context.req.raw.bodyUsed ? await cloneRawRequest(context.req) : context.req.raw
    return agentOS.fetch(request, { basePath, clientAddress: clientAddress(context) })
  }
}

/** What `@hono/node-server` hands on: the request of Node. */
interface NodeBindings {
  incoming?: { socket?: { remoteAddress?: string } }
}

function socketAddress({ env }: Context): string | undefined {
  return (env as NodeBindings | undefined)?.incoming?.socket?.remoteAddress
}

/** The part of the path that the route's pattern holds before its wildcard: `/t/7/os` for `/t/:tenant/os/*`. */
function mountOf(context: Context): string {
  const prefix = routePath(context).replace(/\/?\*$/, '')
  return context.req.path.split('/').slice(0, prefix.split('/').length).join('/')
}
