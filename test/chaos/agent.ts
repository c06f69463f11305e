import { Agent, tool } from 'agentos-sdk'
import { openai } from 'agentos-sdk/models'
import type { Effect } from './outside.ts'

interface Traits {
  idempotent?: boolean
  requiresConfirmation?: boolean
  approval?: 'required'
}

/** Has something happen outside of the process; that takes a while. */
export async function happen(outside: string, effect: Effect): Promise<string> {
  const response = await fetch(`${outside}/effect`, { method: 'POST', body: JSON.stringify(effect) })
  return response.text()
}

/** A tool whose effect somebody outside counts. */
export function effectTool(outside: string, name: string, traits: Traits = {}) {
  return tool({
    name,
    ...traits,
    execute: (_args, { idempotencyKey: key, runId }) => happen(outside, { name, key, runId }),
  })
}

/** An agent whose model and whose tools' effects are outside of its process. */
export function chaosAgent(outside: string): Agent {
  return new Agent({
    id: 'chaos',
    model: openai('chaos-1', { baseURL: `${outside}/v1`, apiKey: 'none', api: 'chat' }),
    retry: { attempts: 5, baseMs: 20 },
    tools: [
      effectTool(outside, 'idem_a', { idempotent: true }),
      effectTool(outside, 'once_b'),
      effectTool(outside, 'idem_c', { idempotent: true }),
      effectTool(outside, 'gate_d', { requiresConfirmation: true }),
    ],
  })
}
