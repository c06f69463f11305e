import { createServer } from 'node:http'
import { AgentOS } from 'agentos-sdk'
import { createNodeHandler } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'
import { maxConnections, serverLimits } from '../server-limits.ts'
import { supportAgent } from '../support-agent.ts'
import { createApp } from './app.ts'

const support = supportAgent('support')
const agentOS = new AgentOS({ agents: [support], storage: sqlite(process.env.AGENTOS_DB ?? 'agentos.db') })
const app = createApp(agentOS, support)
const port = Number(process.env.PORT ?? 8000)

// A Hono app is a fetch function, so the package's own bridge serves it; `@hono/node-server` does as well.
const handler = createNodeHandler({ fetch: async (request) => app.fetch(request), matches: () => true })
const server = createServer(serverLimits, handler).listen(port, () => {
  console.log(`http://localhost:${port}/hello is the shop, http://localhost:${port}/os/docs the agents.`)
})
server.maxConnections = maxConnections

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())

async function stop(): Promise<void> {
  server.close()
  await agentOS.stop()
  process.exit()
}
