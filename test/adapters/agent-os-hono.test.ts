import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { describe, expect, it } from 'vitest'
import { agentOSHono, type HonoOptions } from 'agentos-sdk/hono'
import { scripted } from 'agentos-sdk/models'
import { testAgentOS } from '../support/agent-os.js'
import { agentOSInHost } from './agent-os-conformance.js'
import { honoHost } from './hosts/hono.js'

agentOSInHost('Hono', honoHost, [{ basePath: '/os' }, { basePath: '' }])

describe('the address of a client of a Hono app', () => {
  /** What a run is counted under when it comes over the network. */
  async function countedAs(options?: HonoOptions): Promise<string[]> {
    const keys: string[] = []
    const limiter = { take: (key: string) => (keys.push(key), 0) }
    const agentOS = testAgentOS(scripted('Hello!'), { rateLimits: { runsPerMinute: 1, limiter } })
    const app = new Hono().use('/os/*', agentOSHono(agentOS, options))
    const server = createAdaptorServer({ fetch: app.fetch })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const headers = { 'content-type': 'application/json', 'fly-client-ip': '192.0.2.9' }
    const body = '{"message":"Hi"}'
    const response = await fetch(`http://127.0.0.1:${port}/os/agents/my-agent/runs`, { method: 'POST', headers, body })
    server.close()
    expect(response.status).toBe(200)
    return keys
  }

  it('is that of the socket, as the Node server hands it on', async () => {
    expect(await countedAs()).toEqual(['runs:address:127.0.0.1'])
  })

  it('is what the app says', async () => {
    const clientAddress = (context: Context) => context.req.header('fly-client-ip')
    expect(await countedAs({ clientAddress })).toEqual(['runs:address:192.0.2.9'])
  })
})
