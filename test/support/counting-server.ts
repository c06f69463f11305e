import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An HTTP server on loopback that counts what reaches it. */
export interface CountingServer extends AsyncDisposable {
  port: number
  connections: number
  requests: IncomingMessage[]
}

/** Starts an HTTP server on a free port of 127.0.0.1; `await using` closes it. */
export async function countingServer(listener: RequestListener): Promise<CountingServer> {
  const server = createServer((request, response) => {
    counting.requests.push(request)
    listener(request, response)
  })
  const counting: CountingServer = {
    port: 0,
    connections: 0,
    requests: [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  server.on('connection', () => (counting.connections += 1))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  counting.port = (server.address() as AddressInfo).port
  return counting
}
