import { AgentOS } from 'agentos-sdk'
import { sqlite } from 'agentos-sdk/storage'
import { supportAgent } from '../support-agent.ts'
import { createApp } from './app.ts'

const support = supportAgent('support')
const agentOS = new AgentOS({ agents: [support], storage: sqlite(process.env.AGENTOS_DB ?? 'agentos.db') })
const app = createApp(agentOS, support)

const url = await app.listen({ port: Number(process.env.PORT ?? 8000) })
console.log(`${url}/hello is the shop, ${url}/os/docs the agents.`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void app.close())
}
