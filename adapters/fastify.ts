import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import type { SocketHandler, WebHandler } from '../src/http/web-handler.js'
import type { BodySource } from './node-body.js'
import { respond } from './node-bridge.js'
import { serveSockets } from './node-sockets.js'
import { nodeHeaders, plainBodyOf, sendResponse } from './node-response.js'
import { pathBelow } from './paths.js'

export interface AgentOSPluginOptions {
  agentOS: WebHandler & Partial<SocketHandler>
}

const methods: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * Mounts an AgentOS in a Fastify app, under a prefix or at the root, and its sockets on the app's server. What is not its own goes to the app's handler of
 * unknown routes, and what it throws to the app's error handler.
 *
 * @example
 * ```ts
 * app.register(agentOSPlugin, { agentOS, prefix: '/os' })
 * ```
 */
export const agentOSPlugin: FastifyPluginAsync<AgentOSPluginOptions> = async (scope, { agentOS }) => {
  // In this scope only: every body goes to the AgentOS unread. The app's own parsers stay as they are.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  const handler = (request: FastifyRequest, reply: FastifyReply) => serve(agentOS, scope.prefix, request, reply)
  for (const method of methods) {
    // At the root the app may answer one of these for every path already, as a CORS plugin does for OPTIONS.
    if (!hasCatchAll(scope, method)) scope.route({ method, url: '/*', handler, exposeHeadRoute: false })
  }
  if (hasSockets(agentOS)) {
    const stopSockets = serveSockets(scope.server, agentOS, { basePath: scope.prefix })
    // The server does not close while sockets are open.
    scope.addHook('preClose', async () => stopSockets())
  }
}

function hasSockets(agentOS: Partial<SocketHandler>): agentOS is SocketHandler {
  return agentOS.connect !== undefined
}

function hasCatchAll(scope: FastifyInstance, method: HTTPMethods): boolean {
  return ['/*', '*'].some((url) => scope.hasRoute({ method, url: scope.prefix + url }))
}

async function serve(agentOS: WebHandler, basePath: string, request: FastifyRequest, reply: FastifyReply) {
  const path = pathBelow(basePath, request.originalUrl)
  if (path === undefined || !agentOS.matches(path)) {
    reply.callNotFound()
    return reply
  }
  const host = { url: request.originalUrl, protocol: request.protocol, basePath, clientAddress: request.ip }
  const body = (request.body as BodySource | undefined) ?? null
  const response = await respond(agentOS, request.raw, reply.raw, { ...host, body })
  if (response === undefined) return reply.hijack()
  const plain = plainBodyOf(response)
  if (plain !== undefined) {
    // As bytes: to text of type JSON Fastify would add a charset.
    const bytes = typeof plain === 'string' ? Buffer.from(plain) : plain
    return reply.code(response.status).headers(nodeHeaders(response, reply.raw)).send(bytes)
  }
  // A stream goes straight to the socket, past the hooks that would hold it back, with the headers that the app set.
  reply.hijack()
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value)
  try {
    await sendResponse(response, reply.raw)
  } catch (error) {
    request.log.error(error, 'The response stream failed.')
  }
  return reply
}
