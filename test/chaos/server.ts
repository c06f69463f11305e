/** The process that is killed: an AgentOS on SQLite whose model and whose tools' effects are outside of it. */
import { createServer } from 'node:http'
import { Agent, AgentOS, tool } from 'agentos-sdk'
import { openai } from 'agentos-sdk/models'
import { createNodeHandler } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'

const { CHAOS_DB, CHAOS_PORT, CHAOS_OUTSIDE } = process.env as Record<string, string>

/** A tool whose effect somebody outside counts; the effect takes a while. */
function effect(name: string, traits: { idempotent?: boolean; requiresConfirmation?: boolean } = {}) {
  return tool({
    name,
    ...traits,
    execute: async (_args, { idempotencyKey, runId }) => {
      const body = JSON.stringify({ name, key: idempotencyKey, runId })
      const response = await fetch(`${CHAOS_OUTSIDE}/effect`, { method: 'POST', body })
      return response.text()
    },
  })
}

const agent = new Agent({
  id: 'chaos',
  model: openai('chaos-1', { baseURL: `${CHAOS_OUTSIDE}/v1`, apiKey: 'none', api: 'chat' }),
  retry: { attempts: 5, baseMs: 20 },
  tools: [
    effect('idem_a', { idempotent: true }),
    effect('once_b'),
    effect('idem_c', { idempotent: true }),
    effect('gate_d', { requiresConfirmation: true }),
  ],
})
const agentOS = new AgentOS({
  agents: [agent],
  storage: sqlite(CHAOS_DB!),
  runs: { leaseMs: 600, sweepMs: 50, pollMs: 100, maxAttempts: 1000 },
})
createServer(createNodeHandler(agentOS)).listen(Number(CHAOS_PORT), '127.0.0.1', () => {
  // The first request takes the lease and looks for runs of the process before.
  void fetch(`http://127.0.0.1:${CHAOS_PORT}/health`).then(() => process.send?.('ready'))
})
