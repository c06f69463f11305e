/** The process that is killed: an AgentOS on SQLite, or on PostgreSQL. */
import { createServer } from 'node:http'
import { AgentOS } from 'agentos-sdk'
import { createNodeHandler } from 'agentos-sdk/node'
import { postgres, sqlite } from 'agentos-sdk/storage'
import { chaosAgent } from './agent.ts'
import { chaosTeam, chaosWorkflow } from './flow.ts'

const { CHAOS_DB, CHAOS_PORT, CHAOS_OUTSIDE } = process.env as Record<string, string>

const agentOS = new AgentOS({
  agents: [chaosAgent(CHAOS_OUTSIDE!)],
  teams: [chaosTeam(CHAOS_OUTSIDE!)],
  workflows: [chaosWorkflow(CHAOS_OUTSIDE!)],
  storage: CHAOS_DB!.startsWith('postgresql:') ? postgres(CHAOS_DB!) : sqlite(CHAOS_DB!),
  runs: { leaseMs: 600, sweepMs: 50, pollMs: 100, maxAttempts: 1000 },
})
createServer(createNodeHandler(agentOS)).listen(Number(CHAOS_PORT), '127.0.0.1', () => {
  // The first request takes the lease and looks for runs of the process before.
  void fetch(`http://127.0.0.1:${CHAOS_PORT}/health`).then(() => process.send?.('ready'))
})
