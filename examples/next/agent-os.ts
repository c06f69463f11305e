import { AgentOS } from 'agentos-sdk'
import { sqlite } from 'agentos-sdk/storage'
import { supportAgent } from './support-agent.ts'

// Next.js loads this module once per route bundle, so there are several of these. That is fine: in one process they
// share one connection and one event bus per database file, and none opens the file before its first use.
export const support = supportAgent('support')
export const agentOS = new AgentOS({ agents: [support], storage: sqlite(process.env.AGENTOS_DB ?? 'agentos.db') })
