import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { AgentOS, approval, sequence, step, Workflow } from 'agentos-sdk'
import type { AgentOSOptions } from 'agentos-sdk'
import { createNodeHandler, serveSockets } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'
import { silentLogger } from '../../src/core/logger.js'
import type { SocketHandler } from '../../src/http/web-handler.js'
import { gate } from '../support/agent-os.js'
import { TestSocket } from './client.js'

/** Workflows of each kind that the socket meets, and the gate that holds `held`. */
export function workflows() {
  const { opened, open } = gate()
  const greet = new Workflow({
    id: 'greet',
    steps: step({ name: 'greet', output: z.string(), run: (name: string) => `Hello ${name}` }),
  })
  const asks = new Workflow({
    id: 'asks',
    steps: sequence(
      'asks',
      step({ name: 'draft', output: z.string(), run: (text: string) => `${text}!` }),
      approval<string>({ name: 'approve' }),
      step({ name: 'publish', output: z.string(), run: (text: string) => `Published ${text}` }),
    ),
  })
  const held = new Workflow({
    id: 'held',
    steps: sequence(
      'held',
      step({ name: 'first', output: z.string(), run: (text: string) => text }),
      step({
        name: 'second',
        output: z.string(),
        run: async (text: string, { signal }) => {
          await Promise.race([opened, new Promise((resolve) => signal.addEventListener('abort', resolve))])
          return text
        },
      }),
    ),
  })
  return { workflows: [greet, asks, held], release: open }
}

export function testOS(options: Partial<AgentOSOptions> = {}) {
  const { workflows: served, release } = workflows()
  const agentOS = new AgentOS({ workflows: served, storage: sqlite(':memory:'), logger: silentLogger, ...options })
  onTestFinished(async () => {
    release()
    await agentOS.stop({ deadlineMs: 1000 })
  })
  return { agentOS, release }
}

export interface Served {
  url: string
  server: Server
}

/** A plain Node server with the sockets of a handler. */
export async function serveOn(handler: SocketHandler, basePath = '', app?: AgentOS): Promise<Served> {
  const server = createServer(app ? createNodeHandler(app, { basePath }) : (_req, res) => void res.end('the app'))
  serveSockets(server, handler, { basePath })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A socket to an AgentOS of its own, past its `connected`. */
export async function connected(options: Partial<AgentOSOptions> = {}) {
  const { agentOS, release } = testOS(options)
  const { url, server } = await serveOn(agentOS, '', agentOS)
  const open = async (): Promise<TestSocket> => {
    const socket = await TestSocket.open(`${url}/workflows/ws`)
    await socket.next()
    return socket
  }
  return { agentOS, release, url, server, open, socket: await open() }
}
