import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { newId } from '../src/core/ids.js'
import type { WebHandler } from '../src/http/web-handler.js'
import { bridge } from './node-bridge.js'
import { isGone } from './node-connection.js'
import { pathBelow } from './paths.js'

export { serveSockets } from './node-sockets.js'
export type { SocketOptions, StopSockets } from './node-sockets.js'
export type { UpgradingServer } from './upgrades.js'

export interface NodeHandlerOptions {
  /** Prefix under which the AgentOS answers, such as `/os`. Default: the root. */
  basePath?: string
  /** Gets what the AgentOS threw, when there is no `next` to give it to. Default: `console.error`. */
  onError?: (error: unknown) => void
}

/** A listener for `http.createServer`, which also serves as a Connect middleware. */
export type NodeHandler = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  next?: (error?: unknown) => void,
) => void

/**
 * Serves an AgentOS from a plain Node server. Without `next`, a path that is not its own gets its 404.
 *
 * @example
 * ```ts
 * createServer(createNodeHandler(agentOS)).listen(8000)
 * ```
 */
export function createNodeHandler(agentOS: WebHandler, options: NodeHandlerOptions = {}): NodeHandler {
  // A server without a logger has nothing else to tell it to.
  // oxlint-disable-next-line no-console
  const { basePath = '', onError = console.error } = options
  return (incoming, outgoing, next) => {
    const url = incoming.url ?? '/'
    if (next !== undefined) {
      const path = pathBelow(basePath, url)
      if (path === undefined || !agentOS.matches(path)) {
        next()
        return
      }
    }
    const protocol = (incoming.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'
    bridge(agentOS, incoming, outgoing, { url, protocol, basePath }).catch((error: unknown) => {
      if (next !== undefined) next(error)
      else fail(error, outgoing, onError)
    })
  }
}

function fail(error: unknown, outgoing: ServerResponse, onError: (error: unknown) => void): void {
  const { status = 500, code, message } = error as { status?: number; code?: string; message?: string }
  if (status >= 500) onError(error)
  if (outgoing.headersSent || isGone(outgoing)) return
  const requestId = newId('req')
  const said =
    status >= 500
      ? { detail: 'Internal server error', error_code: 'INTERNAL_ERROR' }
      : { detail: message, error_code: code }
  outgoing
    .writeHead(status, { 'content-type': 'application/json', 'x-request-id': requestId })
    .end(JSON.stringify({ ...said, request_id: requestId }))
}
