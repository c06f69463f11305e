import { Agent, tool } from 'agentos-sdk'
import { openai } from 'agentos-sdk/models'

/** A tool whose effect somebody outside counts; the effect takes a while. */
function effect(outside: string, name: string, traits: { idempotent?: boolean; requiresConfirmation?: boolean } = {}) {
  return tool({
    name,
    ...traits,
    execute: async (_args, { idempotencyKey, runId }) => {
      const body = JSON.stringify({ name, key: idempotencyKey, runId })
      const response = await fetch(`${outside}/effect`, { method: 'POST', body })
      return response.text()
    },
  })
}

/** An agent whose model and whose tools' effects are outside of its process. */
export function chaosAgent(outside: string): Agent {
  return new Agent({
    id: 'chaos',
    model: openai('chaos-1', { baseURL: `${outside}/v1`, apiKey: 'none', api: 'chat' }),
    retry: { attempts: 5, baseMs: 20 },
    tools: [
      effect(outside, 'idem_a', { idempotent: true }),
      effect(outside, 'once_b'),
      effect(outside, 'idem_c', { idempotent: true }),
      effect(outside, 'gate_d', { requiresConfirmation: true }),
    ],
  })
}
