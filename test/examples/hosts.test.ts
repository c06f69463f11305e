import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { AgentOS } from 'agentos-sdk'
import type { Agent } from 'agentos-sdk'
import { createNodeHandler } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'
import { createApp as createExpressApp } from '../../examples/express/app.ts'
import { createApp as createFastifyApp } from '../../examples/fastify/app.ts'
import { createApp as createHonoApp } from '../../examples/hono/app.ts'
import { supportAgent } from '../../examples/support-agent.ts'
import type { RunningHost } from '../adapters/adapter-conformance.js'
import { listen } from '../adapters/hosts/listen.js'

type Start = (agentOS: AgentOS, support: Agent) => Promise<RunningHost>

const examples: Record<string, Start> = {
  express: (agentOS, support) => listen(createExpressApp(agentOS, support)),
  fastify: async (agentOS, support) => {
    const app = createFastifyApp(agentOS, support)
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() }
  },
  hono: (agentOS, support) => {
    const app = createHonoApp(agentOS, support)
    return listen(createNodeHandler({ fetch: async (request) => app.fetch(request), matches: () => true }))
  },
}

let stop: (() => Promise<void>) | undefined
afterEach(() => stop?.())

async function open(start: Start): Promise<string> {
  const support = supportAgent('support')
  const agentOS = new AgentOS({ agents: [support], storage: sqlite(':memory:') })
  const host = await start(agentOS, support)
  stop = async () => {
    await host.close()
    await agentOS.stop()
  }
  return host.url
}

const post = async (url: string, body: unknown) => {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return [response.status, await response.json()]
}

describe.each(Object.entries(examples))('the %s example', (_name, start) => {
  it('serves its own routes, a webhook that calls the agent, and the AgentOS beside them', async () => {
    const url = await open(start)
    expect(await (await fetch(`${url}/hello`)).text()).toBe('Hello from the shop.')
    const reply = expect.stringContaining('arrives tomorrow')
    expect(await post(`${url}/webhooks/mail`, { subject: 'Where is order 7?' })).toEqual([
      200,
      { status: 'completed', reply },
    ])
    expect((await post(`${url}/webhooks/mail`, {}))[0]).toBe(400)
    expect(await post(`${url}/os/agents/support/runs`, { message: 'Where is order 7?' })).toMatchObject([
      200,
      { status: 'completed', agent_id: 'support', content: reply, tools: [{ tool_name: 'lookup_order' }] },
    ])
    expect((await fetch(`${url}/agents`)).status).toBe(404)
  })
})

it('the Next.js example has the same agent, in a file of its own', async () => {
  const folder = new URL('../../examples/', import.meta.url)
  const [shared, own] = await Promise.all(
    ['support-agent.ts', 'next/support-agent.ts'].map((path) => readFile(new URL(path, folder), 'utf8')),
  )
  expect(own).toBe(shared)
})
