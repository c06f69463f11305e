import { Agent, Team, tool } from 'agentos-sdk'
import { openai, scripted } from 'agentos-sdk/models'
import type { Model, ModelRequest, ScriptedReply } from 'agentos-sdk/models'
import { z } from 'zod'

const lookupOrder = tool({
  name: 'lookup_order',
  description: 'Finds an order by its number.',
  input: z.object({ number: z.number().int() }),
  idempotent: true,
  execute: ({ number }) => `Order ${number} was delivered broken; it cost 42 euros.`,
})

/** A person has to say yes before money moves: the member's run pauses, and the team's with it. */
const refund = tool({
  name: 'refund',
  description: 'Pays an order back.',
  input: z.object({ number: z.number().int(), amount: z.number().positive() }),
  requiresConfirmation: true,
  execute: ({ number, amount }) => `Paid ${amount} euros back for order ${number}.`,
})

/** A support desk: one member knows the orders, the other may pay back. Without `OPENAI_API_KEY` it follows a script. */
export function supportTeam(): Team {
  const orders = new Agent({
    id: 'orders',
    role: 'Knows the state of every order',
    instructions: 'Look an order up before you say anything about it.',
    model: modelOr(ordersScript),
    tools: [lookupOrder],
  })
  const refunds = new Agent({
    id: 'refunds',
    role: 'Pays orders back',
    instructions: 'Pay back what you are asked to.',
    model: modelOr(refundsScript),
    tools: [refund],
  })
  return new Team({
    id: 'support-desk',
    name: 'Support desk',
    description: 'Answers questions about orders, and pays broken ones back.',
    instructions: 'Find out what happened to the order first. Pay back only what was delivered broken.',
    model: modelOr(leaderScript),
    members: [orders, refunds],
  })
}

function modelOr(script: (request: ModelRequest) => ScriptedReply): Model {
  if (process.env.OPENAI_API_KEY) return openai(process.env.OPENAI_MODEL ?? 'gpt-5-mini')
  return scripted(script)
}

function delegate(memberId: string, task: string): ScriptedReply {
  return { toolCalls: [{ name: 'delegate_task_to_member', arguments: { member_id: memberId, task } }] }
}

/** What tools have said since the user has asked. */
function results({ messages }: ModelRequest): string[] {
  const since = messages.findLastIndex(({ role }) => role === 'user')
  return messages.slice(since).flatMap(({ role, content }) => (role === 'tool' ? [content] : []))
}

function leaderScript(request: ModelRequest): ScriptedReply {
  const [state, paid] = results(request)
  if (state === undefined) return delegate('orders', 'What happened to order 7?')
  if (paid === undefined) return delegate('refunds', 'Pay 42 euros back for order 7.')
  return `I am sorry. ${paid}`
}

function ordersScript(request: ModelRequest): ScriptedReply {
  const [found] = results(request)
  return found ?? { toolCalls: [{ name: 'lookup_order', arguments: { number: 7 } }] }
}

function refundsScript(request: ModelRequest): ScriptedReply {
  const [paid] = results(request)
  return paid ?? { toolCalls: [{ name: 'refund', arguments: { number: 7, amount: 42 } }] }
}
