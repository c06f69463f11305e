import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AgentOS } from 'agentos-sdk'
import { agentOSRouter } from 'agentos-sdk/express'
import { agentOSPlugin } from 'agentos-sdk/fastify'
import { agentOSHono } from 'agentos-sdk/hono'
import { createRouteHandlers } from 'agentos-sdk/next'
import { createNodeHandler, serveSockets } from 'agentos-sdk/node'
import { RawClient, until } from '../adapters/client.js'
import { TestSocket } from './client.js'
import { serveOn, testOS } from './support.js'

interface Host {
  url: string
  server: Server
}

async function listening(server: Server): Promise<Host> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Each host as its app writes it: the mount, one line for sockets, and a route of its own at `/hello`. */
const hosts: Record<string, (agentOS: AgentOS, basePath: string) => Promise<Host>> = {
  async 'Express 5'(agentOS, basePath) {
    const app = express()
    app.get('/hello', (_req, res) => void res.send('hello'))
    app.use(basePath || '/', agentOSRouter(agentOS))
    const server = createServer(app)
    serveSockets(server, agentOS, { basePath })
    return listening(server)
  },
  async 'Fastify 5'(agentOS, basePath) {
    const app = fastify()
    app.get('/hello', () => 'hello')
    await app.register(agentOSPlugin, { agentOS, prefix: basePath })
    await app.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => app.close())
    return { server: app.server, url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` }
  },
  async Hono(agentOS, basePath) {
    const app = new Hono()
    app.get('/hello', (context) => context.text('hello'))
    app.use(`${basePath}/*`, agentOSHono(agentOS))
    const listener = createNodeHandler({ fetch: async (request) => app.fetch(request), matches: () => true })
    const server = createServer(listener)
    serveSockets(server, agentOS, { basePath })
    return listening(server)
  },
  async 'node:http'(agentOS, basePath) {
    const handler = createNodeHandler(agentOS, { basePath })
    const server = createServer((req, res) => handler(req, res, () => void res.end('hello')))
    serveSockets(server, agentOS, { basePath })
    return listening(server)
  },
}

const upgrade = (path: string, protocol = 'websocket') =>
  `GET ${path} HTTP/1.1\r\nHost: host\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

describe.each(Object.keys(hosts))('the socket on %s', (name) => {
  it.each(['', '/os'])('runs, pauses, continues and follows a workflow below "%s"', async (basePath) => {
    const { agentOS } = testOS()
    const { url } = await hosts[name]!(agentOS, basePath)
    const socket = await TestSocket.open(`${url}${basePath}/workflows/ws`)
    socket.send({ action: 'start-workflow', workflow_id: 'asks', run_id: 'mine', message: 'Ada' })
    const [{ step_id }] = (await socket.until('WorkflowPaused')).at(-1)!.step_requirements as [{ step_id: string }]
    const step_requirements = [{ step_id, confirmed: true }]
    socket.send({ action: 'continue-workflow', workflow_id: 'asks', run_id: 'mine', step_requirements })
    await socket.until('WorkflowCompleted')
    const other = await TestSocket.open(`${url}${basePath}/workflows/ws/`)
    other.send({ action: 'reconnect', run_id: 'mine' })
    await other.until('WorkflowCompleted')
    const events = ({ frames }: TestSocket) => frames.filter(({ event_index }) => event_index !== undefined)
    expect(events(other)).toEqual(events(socket))
  })

  it('leaves the app what is its own, and says how a page gets to the socket', async () => {
    const { agentOS } = testOS()
    const { url } = await hosts[name]!(agentOS, '/os')
    expect(await (await fetch(`${url}/hello`)).text()).toBe('hello')
    const page = await fetch(`${url}/os/workflows/ws`)
    expect([page.status, page.headers.get('upgrade')]).toEqual([426, 'websocket'])
    expect(await page.json()).toMatchObject({
      error_code: 'UPGRADE_REQUIRED',
      detail: expect.stringContaining('WebSocket'),
    })
    // Clients that ask for another protocol, and those that ask for one where there is none, get the page.
    for (const request of [upgrade('/hello', 'h2c'), upgrade('/hello')]) {
      const client = await RawClient.open(url)
      client.send(request)
      expect(await client.receives('hello')).toMatch(/^HTTP\/1\.1 200 /)
      client.close()
    }
  })

  it('is closed by the end of the AgentOS, and tells clients to come again', async () => {
    const { agentOS, release } = testOS()
    const { url } = await hosts[name]!(agentOS, '')
    const [idle, busy] = [await TestSocket.open(`${url}/workflows/ws`), await TestSocket.open(`${url}/workflows/ws`)]
    busy.send({ action: 'start-workflow', workflow_id: 'held', run_id: 'mine', message: 'Ada' })
    await busy.until('WorkflowStarted')
    const stopping = agentOS.stop()
    expect((await idle.closed).code).toBe(1012)
    const late = await RawClient.open(url)
    late.send(upgrade('/workflows/ws'))
    expect(await late.receives('SHUTTING_DOWN')).toMatch(/^HTTP\/1\.1 503 /)
    // What goes on is shown to its end.
    release()
    await busy.until('WorkflowCompleted')
    expect((await busy.closed).code).toBe(1012)
    await stopping
  })
})

describe('a host with sockets of its own', () => {
  it('keeps them', async () => {
    const { agentOS } = testOS()
    const { server, url } = await serveOn(agentOS)
    server.on('upgrade', ({ url: path }: IncomingMessage, socket) => {
      if (path === '/mine') socket.end('HTTP/1.1 418 Mine\r\n\r\n')
    })
    const client = await RawClient.open(url)
    client.send(upgrade('/mine'))
    expect(await client.receives('\r\n\r\n')).toContain('418 Mine')
    const socket = await TestSocket.open(`${url}/workflows/ws`)
    expect(await socket.next()).toMatchObject({ event: 'connected' })
  })
})

describe('a host that was not told of the sockets', () => {
  it('answers 501 and says what is missing', async () => {
    const { agentOS } = testOS()
    const { url } = await listening(createServer(createNodeHandler(agentOS)))
    const client = await RawClient.open(url)
    client.send(upgrade('/workflows/ws'))
    const answer = await client.receives('serveSockets')
    expect(answer).toMatch(/^HTTP\/1\.1 501 /)
    expect(answer).toContain('CAPABILITY_NOT_SUPPORTED')
  })
})

describe('Fastify', () => {
  it('closes, though sockets are open', async () => {
    const { agentOS } = testOS()
    const app = fastify()
    await app.register(agentOSPlugin, { agentOS })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const socket = await TestSocket.open(`${url}/workflows/ws`)
    await app.close()
    expect((await socket.closed).code).toBe(1012)
  })
})

describe('Next.js', () => {
  it('answers 501 and says so, whatever asks', async () => {
    const { agentOS } = testOS()
    const { GET } = createRouteHandlers(agentOS, { basePath: '/api/os' })
    for (const headers of [new Headers(), new Headers({ upgrade: 'websocket', connection: 'Upgrade' })]) {
      const response = await GET(new Request('http://host/api/os/workflows/ws', { headers }))
      expect(response.status).toBe(501)
      expect(await response.json()).toMatchObject({
        error_code: 'CAPABILITY_NOT_SUPPORTED',
        detail: expect.stringContaining("can't upgrade a connection"),
      })
    }
  })
})

describe('a connection that breaks', () => {
  it('before or during its upgrade, does no harm', async () => {
    const { agentOS } = testOS()
    const { url } = await serveOn(agentOS)
    for (let at = 0; at < 20; at++) {
      const client = await RawClient.open(url)
      client.send(upgrade('/workflows/ws'))
      if (at % 2 === 0) await client.receives('101')
      client.close()
      await until('it is closed', () => client.isClosed)
    }
    const socket = await TestSocket.open(`${url}/workflows/ws`)
    expect(await socket.next()).toMatchObject({ event: 'connected' })
  })
})
