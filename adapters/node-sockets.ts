import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Peer } from 'crossws'
import nodeAdapter from 'crossws/adapters/node'
import type { OpenSocket, SocketHandler, SocketListener } from '../src/http/web-handler.js'
import { CrosswsPeer } from './crossws-peer.js'
import { absoluteUrl, webHeaders } from './node-bridge.js'
import { pathBelow } from './paths.js'
import { claimUpgrades } from './upgrades.js'
import type { UpgradingServer } from './upgrades.js'

export interface SocketOptions {
  /** Prefix under which the AgentOS answers, such as `/os`. Default: the root. */
  basePath?: string
}

/** Takes the sockets off a server again. Those that are open are closed, with a code that has clients connect again. */
export type StopSockets = () => void

const MAX_FRAME = 1024 * 1024
/** The server restarts. */
const RESTART = 1012

/**
 * Serves the sockets of an AgentOS from the server that an app listens on. Requests for other paths are left to the
 * app, and to its own listeners for `upgrade`.
 *
 * @example
 * ```ts
 * const server = app.listen(8000)
 * serveSockets(server, agentOS, { basePath: '/os' })
 * ```
 */
export function serveSockets(
  server: UpgradingServer,
  agentOS: SocketHandler,
  { basePath = '' }: SocketOptions = {},
): StopSockets {
  const sockets = nodeAdapter({
    serverOptions: { maxPayload: MAX_FRAME },
    hooks: {
      async upgrade(request) {
        const { connection } = (request as unknown as { context: SocketContext }).context
        const answer = await agentOS.connect(request, { basePath, clientAddress: connection.remoteAddress })
        return answer instanceof Response ? answer : { context: { open: answer } }
      },
      open: (peer) => {
        const context = contextOf(peer)
        context.listener = context.open!(new CrosswsPeer(peer, context.connection))
      },
      message: (peer, { rawData }) =>
        contextOf(peer).listener?.receive(typeof rawData === 'string' ? rawData : undefined),
      drain: (peer) => contextOf(peer).listener?.drained(),
      close: (peer) => contextOf(peer).listener?.closed(),
    },
  })
  const release = claimUpgrades(server, {
    isOurs: ({ url = '/', headers }) => {
      const path = headers.upgrade?.toLowerCase() === 'websocket' ? pathBelow(basePath, url) : undefined
      return path !== undefined && agentOS.matchesSocket(path)
    },
    upgrade: (incoming, connection, head) => {
      const context: SocketContext = { connection: connection as Socket }
      const request = Object.assign(requestOf(incoming, basePath), { context })
      void sockets.handleUpgrade(incoming, connection, head, request)
    },
  })
  return () => {
    release()
    void sockets.close(RESTART, 'The server restarts; connect again.')
  }
}

/** What crossws carries along with a connection. */
interface SocketContext {
  connection: Socket
  open?: OpenSocket
  listener?: SocketListener
}

function contextOf(peer: Peer): SocketContext {
  return peer.context as unknown as SocketContext
}

function requestOf(incoming: IncomingMessage, basePath: string): Request {
  const isEncrypted = (incoming.socket as Partial<TLSSocket>).encrypted === true
  const host = { url: incoming.url ?? '/', protocol: isEncrypted ? 'https' : 'http', basePath }
  return new Request(absoluteUrl(incoming, host), { headers: webHeaders(incoming.headers) })
}
