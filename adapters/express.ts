import type { Request as ExpressRequest, RequestHandler } from 'express'
import type { WebHandler } from '../src/http/web-handler.js'
import { bridge } from './node-bridge.js'
import { pathBelow } from './paths.js'
import { parsedBody } from './parsed-body.js'

export { serveSockets } from './node-sockets.js'
export type { SocketOptions, StopSockets } from './node-sockets.js'
export type { UpgradingServer } from './upgrades.js'

/**
 * Mounts an AgentOS in an Express app (5 or 4), under a prefix or at the root. What is not its own goes to the next
 * handler, and what it throws to the app's error handler.
 *
 * @example
 * ```ts
 * app.use('/os', agentOSRouter(agentOS))
 * ```
 */
export function agentOSRouter(agentOS: WebHandler): RequestHandler {
  return (req, res, next) => {
    const path = pathBelow(req.baseUrl, req.originalUrl)
    if (path === undefined || !agentOS.matches(path)) {
      next()
      return
    }
    serve(agentOS, req, res).catch(next)
  }
}

async function serve(agentOS: WebHandler, req: ExpressRequest, res: Parameters<RequestHandler>[1]): Promise<void> {
  const host = { url: req.originalUrl, protocol: req.protocol, basePath: req.baseUrl, clientAddress: req.ip }
  await bridge(agentOS, req, res, req.readableDidRead ? { ...host, ...parsedBody(req) } : host)
}
