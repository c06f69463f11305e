import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, tool } from 'agentos-sdk'
import { openai, scripted } from 'agentos-sdk/models'
import type { Model, ModelRequest } from 'agentos-sdk/models'
import { z } from 'zod'

const orders = new Map([
  [7, 'left the warehouse this morning and arrives tomorrow'],
  [8, 'is being packed'],
])

const lookupOrder = tool({
  name: 'lookup_order',
  description: 'Finds an order by its number.',
  input: z.object({ number: z.number().int() }),
  idempotent: true,
  execute: ({ number }) => ({ number, state: orders.get(number) ?? 'is not known here' }),
})

/** Something that takes a while, so that a run can be watched, and cancelled. */
const askWarehouse = tool({
  name: 'ask_warehouse',
  description: 'Asks the warehouse where an order is. Takes a few seconds.',
  input: z.object({ number: z.number().int() }),
  idempotent: true,
  execute: async ({ number }, { signal }) => {
    await sleep(3_000, undefined, { signal })
    return `Order ${number} is in aisle ${number % 5}.`
  },
})

/** The agent of all examples. It needs no key: without `OPENAI_API_KEY` its answers come from a script. */
export function supportAgent(id: string): Agent {
  return new Agent({
    id,
    name: 'Support',
    description: 'Answers questions about orders.',
    model: supportModel(),
    instructions: 'You answer questions about orders. Look an order up before you say anything about it.',
    tools: [lookupOrder, askWarehouse],
  })
}

function supportModel(): Model {
  if (process.env.OPENAI_API_KEY) return openai(process.env.OPENAI_MODEL ?? 'gpt-5-mini')
  return scripted(offlineAnswer, { delayMs: 30 })
}

/** What a model would do: look an order up where the message names one, then say what came of it. */
function offlineAnswer({ messages }: ModelRequest) {
  const last = messages.at(-1)
  if (last?.role === 'tool') return `I have looked it up: ${last.content}`
  const question = typeof last?.content === 'string' ? last.content : ''
  const number = Number(/\border (\d+)/i.exec(question)?.[1])
  if (Number.isInteger(number)) {
    const name = /warehouse/i.test(question) ? 'ask_warehouse' : 'lookup_order'
    return { toolCalls: [{ name, arguments: { number } }] }
  }
  return 'Hello! I am a scripted model, so I work without a key. Ask me about order 7 or 8.'
}
