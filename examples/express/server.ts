import { createServer } from 'node:http'
import { AgentOS } from 'agentos-sdk'
import { sqlite } from 'agentos-sdk/storage'
import { maxConnections, serverLimits } from '../server-limits.ts'
import { supportAgent } from '../support-agent.ts'
import { createApp } from './app.ts'

const support = supportAgent('support')
const agentOS = new AgentOS({ agents: [support], storage: sqlite(process.env.AGENTOS_DB ?? 'agentos.db') })
const port = Number(process.env.PORT ?? 8000)

const server = createServer(serverLimits, createApp(agentOS, support)).listen(port, () => {
  console.log(`http://localhost:${port}/hello is the shop, http://localhost:${port}/os/docs the agents.`)
})
server.maxConnections = maxConnections

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())

async function stop(): Promise<void> {
  server.close()
  await agentOS.stop()
  process.exit()
}
