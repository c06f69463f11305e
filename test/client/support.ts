import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { AgentOS } from 'agentos-sdk'
import { AgentOSClient } from 'agentos-sdk/client'
import type { AgentOSClientOptions } from 'agentos-sdk/client'
import { createNodeHandler } from 'agentos-sdk/node'

/** Something on a port that can be taken off it, and put there again. */
export interface OnPort {
  port: number
  url: string
  close(): Promise<void>
}

/** Serves on a port, closed when the test ends. */
export async function serve(listener: RequestListener, port = 0): Promise<OnPort> {
  const server = createServer(listener)
  await listening(server, port)
  const at = (server.address() as AddressInfo).port
  const close = async (): Promise<void> => {
    if (!server.listening) return
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
  onTestFinished(close)
  return { port: at, url: `http://127.0.0.1:${at}`, close }
}

/** An AgentOS on a real port, below a prefix, and a client of it. */
export async function served(agentOS: AgentOS, options: Partial<AgentOSClientOptions> = {}) {
  const host = await serve(createNodeHandler(agentOS, { basePath: '/os' }))
  return { host, client: clientOf(host.url, options) }
}

export function clientOf(url: string, options: Partial<AgentOSClientOptions> = {}): AgentOSClient {
  const quick = { retries: 1_000, baseDelayMs: 1, maxDelayMs: 5 }
  return new AgentOSClient({ baseUrl: `${url}/os`, retry: quick, reconnect: quick, ...options })
}

export interface CuttingProxy extends OnPort {
  connections: number
  cuts: number
}

/**
 * A TCP proxy that cuts connections.
 *
 * @param cutAfter asked for each connection: how many bytes of the answers go through; undefined lets it be.
 */
export async function cuttingProxy(target: number, cutAfter: () => number | undefined): Promise<CuttingProxy> {
  const open = new Set<Socket>()
  const server = createTcpServer((client) => {
    proxy.connections += 1
    const upstream = connect(target, '127.0.0.1')
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => undefined).on('close', () => open.delete(socket))
    }
    let left = cutAfter()
    client.pipe(upstream)
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
    upstream.on('data', (bytes: Buffer) => {
      if (left === undefined) return void client.write(bytes)
      const passed = bytes.subarray(0, left)
      left -= passed.length
      if (left > 0) return void client.write(passed)
      proxy.cuts += 1
      left = Number.POSITIVE_INFINITY
      upstream.destroy()
      // Now in an orderly way, now without a word.
      if (proxy.cuts % 2 === 0) client.end(passed)
      else client.write(passed, () => client.resetAndDestroy())
    })
  })
  await listening(server, 0)
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    for (const socket of open) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  const proxy: CuttingProxy = { port, url: `http://127.0.0.1:${port}`, connections: 0, cuts: 0, close }
  onTestFinished(close)
  return proxy
}

function listening(server: TcpServer, port: number): Promise<void> {
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
}
