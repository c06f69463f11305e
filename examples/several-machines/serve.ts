import { once } from 'node:events'
import { createServer } from 'node:http'
import { AgentOS } from 'agentos-sdk'
import type { AgentOSOptions } from 'agentos-sdk'
import { createNodeHandler } from 'agentos-sdk/node'
import { postgres } from 'agentos-sdk/storage'

/** Serves agents in this process, beside any number of others on the same database. */
export async function serve(databaseUrl: string, port: number, options: Omit<AgentOSOptions, 'storage'>) {
  const agentOS = new AgentOS({ ...options, storage: postgres(databaseUrl) })
  const server = createServer(createNodeHandler(agentOS)).listen(port)
  process.once('SIGTERM', () => {
    server.close()
    // Waits for the runs of this process. What takes too long goes on in another one.
    void agentOS.stop().finally(() => process.exit())
  })
  await once(server, 'listening')
}
