import { describe, expect, it, onTestFinished } from 'vitest'
import { Agent, AgentOS } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { createRouteHandlers } from '../../adapters/next.js'
import { silentLogger } from '../../src/core/logger.js'
import type { WebHandler } from '../../src/http/web-handler.js'
import type { StartHost } from '../adapters/adapter-conformance.js'
import { expressHost } from '../adapters/hosts/express.js'
import { fastifyHost } from '../adapters/hosts/fastify.js'
import { honoHost } from '../adapters/hosts/hono.js'
import { nodeHost } from '../adapters/hosts/node.js'
import { jwks, signer, token } from './support.js'

const key = signer()

function guarded(): AgentOS {
  const agentOS = new AgentOS({
    agents: [new Agent({ id: 'my-agent', model: scripted('Hi') })],
    storage: sqlite(':memory:'),
    logger: silentLogger,
    auth: { jwks: jwks(key), authorization: true },
  })
  onTestFinished(() => agentOS.stop())
  return agentOS
}

const hosts: [string, StartHost][] = [
  ['Express 5', expressHost('express')],
  ['Express 4', expressHost('express4')],
  ['Fastify', fastifyHost],
  ['Hono', honoHost],
  ['node:http', nodeHost],
]

async function start(startHost: StartHost, handler: WebHandler, basePath: string) {
  const host = await startHost(handler, { basePath })
  onTestFinished(() => host.close())
  return async (path: string, init: RequestInit = {}) => {
    const response = await fetch(host.url + path, init)
    return { status: response.status, text: await response.text(), headers: response.headers }
  }
}

describe.each(hosts)('in %s', (name, startHost) => {
  it.each(['', '/os'])('a guarded AgentOS at "%s" asks for tokens on its own paths, and on no others', async (base) => {
    const ask = await start(startHost, guarded(), base)
    expect(await ask('/host/hello')).toMatchObject({ status: 200, text: 'hello from the host' })
    expect(await ask('/host/hello', { headers: { authorization: 'Bearer rubbish' } })).toMatchObject({ status: 200 })
    for (const path of [
      '/nobody',
      `${base}/nobody`,
      `${base}/agents/my-agent/nobody`,
      `${base}//agents`,
      '/host/agents',
    ]) {
      const { status, text, headers } = await ask(path)
      expect([status, text], path).toEqual([404, 'host 404'])
      expect(headers.has('www-authenticate'), path).toBe(false)
    }
    for (const path of [
      '/agents',
      '/agents/',
      '/agents?x=1',
      '/x/../agents',
      '/./agents',
      '/docs',
      '/info',
      '/sessions/a',
    ]) {
      expect((await ask(base + path)).status, path).toBe(401)
    }
    for (const path of ['/health', '/openapi.json']) expect((await ask(base + path)).status).toBe(200)
    const headers = { authorization: `Bearer ${await token(key, { scopes: ['agents:read'] })}` }
    expect((await ask(`${base}/agents`, { headers })).status).toBe(200)
    expect((await ask(`${base}/agents`, { headers, method: 'HEAD' })).status).toBe(200)
    expect(
      (await ask(`${base}/agents/my-agent/runs`, { headers, method: 'POST', body: '{"message":"Hi"}' })).status,
    ).toBe(403)
  })

  it('tells the address of the client, where it has one', async () => {
    const addresses: (string | undefined)[] = []
    const ask = await start(
      startHost,
      {
        matches: () => true,
        fetch: async (_request, mount) => (addresses.push(mount?.clientAddress), new Response('ok')),
      },
      '/os',
    )
    await ask('/os/x')
    expect(addresses).toHaveLength(1)
    const loopback = /^(?:(?:::ffff:)?127\.0\.0\.1|::1)$/
    expect(String(addresses[0])).toMatch(name === 'Hono' ? /^undefined$/ : loopback)
  })
})

it('route handlers of Next.js ask for a token, and say 404 where nothing of ours is', async () => {
  const { GET } = createRouteHandlers(guarded(), { basePath: '/api/os' })
  const ask = async (path: string, headers = {}) =>
    (await GET(new Request(`http://h.example${path}`, { headers }))).status
  expect(await ask('/api/os/agents')).toBe(401)
  expect(await ask('/api/os/nobody')).toBe(404)
  const authorization = `Bearer ${await token(key, { scopes: ['agents:read'] })}`
  expect(await ask('/api/os/agents', { authorization })).toBe(200)
})
