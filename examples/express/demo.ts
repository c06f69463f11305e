/**
 * `npm run demo`: the Express example with an agent `my-agent` at the root, asked once over HTTP.
 *
 * `PORT` (8000) and `AGENTOS_DB` (`agentos-demo.db` in the working directory) say where. With `OPENAI_API_KEY` set, and
 * `OPENAI_BASE_URL` for another server, it asks the real model `OPENAI_MODEL` (`gpt-5-mini`).
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { AgentOS } from 'agentos-sdk'
import { sqlite } from 'agentos-sdk/storage'
import { maxConnections, serverLimits } from '../server-limits.ts'
import { supportAgent } from '../support-agent.ts'
import { createApp } from './app.ts'
import { printRun } from './print-run.ts'

const port = Number(process.env.PORT ?? 8000)
const file = process.env.AGENTOS_DB ?? 'agentos-demo.db'

const agent = supportAgent('my-agent')
const agentOS = new AgentOS({ name: 'Demo', agents: [agent], storage: sqlite(file) })
const server = createServer(serverLimits, createApp(agentOS, agent, '/'))
server.maxConnections = maxConnections

try {
  server.listen(port)
  await once(server, 'listening')
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  const isBusy = code === 'EADDRINUSE'
  console.error(isBusy ? `Port ${port} is in use. Take another one: PORT=${port + 1} npm run demo` : message)
  process.exit(1)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())

const url = `http://localhost:${port}`
const { model } = agent.describe()
console.log(`An Express app at ${url} serves the agent my-agent (model ${model?.id}, database ${file}).\n`)
await printRun(`${url}/agents/my-agent/runs`, { message: 'Where is order 7?', user_id: 'alice' })
console.log(`Ctrl-C stops it. To browse the API and try it, open ${url}/docs`)

async function stop(): Promise<void> {
  server.close()
  await agentOS.stop()
  process.exit()
}
