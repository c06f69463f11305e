import { z } from 'zod'
import { Agent, approval, humanInput, router, sequence, step, Team, tool, waitForEvent, Workflow } from 'agentos-sdk'
import type { AgentOS, Caller, StepContext } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { Component } from './ledger.js'

export const COMPONENTS = {
  agent: ['my-agent', 'support'],
  team: ['desk'],
  workflow: ['release'],
} as const satisfies Record<Component['kind'], readonly string[]>

const TOOLS = ['note', 'confirm', 'pay', 'audit', 'look', 'fail']
const OF_MODELS = ['say', 'note', 'confirm', 'pay', 'audit', 'look', 'fail', 'break'] as const

/** First words of messages: they say what is to happen. A workflow's step leaves its own out, and asks the rest. */
export const VERBS: Readonly<Record<Component['kind'], readonly string[]>> = {
  agent: OF_MODELS,
  team: OF_MODELS,
  workflow: [
    'say',
    'wait',
    'confirm',
    'pay',
    'ask',
    'review',
    'break',
    'look',
    'agent note',
    'agent pay',
    'team confirm',
    'team pay',
    'team look',
  ],
}

/** What a tool or a step was told when it ran. */
export interface Execution {
  runId: string
  userId?: string
  caller: Caller
}

/** What is served: everything that it makes holds the message that it was sent. */
export function servedComponents(agentOS: () => AgentOS, executed: (execution: Execution) => void) {
  const agents = COMPONENTS.agent.map((id) => agent(id, agentOS, executed))
  const [first, second] = agents as [Agent, Agent]
  // Runs of members are rows of the agents that are served themselves, and yet none of theirs.
  const desk = new Team({ id: COMPONENTS.team[0], model: leader, members: [first, second] })
  return { agents, teams: [desk], workflows: [workflow(first, desk, agentOS, executed)] }
}

const Note = z.object({ note: z.string() })

function told({ runId, userId, caller }: Execution): Execution {
  return { runId, caller, ...(userId !== undefined && { userId }) }
}

/** Everything of the caller's that can be listed. */
async function everything(agentOS: AgentOS, { caller, userId }: Execution): Promise<unknown> {
  // Tools of a backend look after the user that they work for themselves.
  const whose = caller.scoped ? {} : { userId }
  const as = agentOS.as(caller)
  return { sessions: await as.sessions.list(whose), runs: await as.runs.list(whose) }
}

function lastSaid(messages: readonly { role: string; content?: unknown }[]): string {
  const said = messages.findLast(({ role }) => role === 'user')?.content
  return typeof said === 'string' ? said : JSON.stringify(said)
}

/** Does what the first word of a message says. */
function agent(id: string, agentOS: () => AgentOS, executed: (execution: Execution) => void): Agent {
  type Context = Execution & { sessionState: Record<string, unknown> }
  const note = ({ note: text }: z.output<typeof Note>, context: Context): string => {
    executed(told(context))
    context.sessionState.noted = text
    return `Noted: ${text}`
  }
  const look = async (args: z.output<typeof Note>, context: Context): Promise<unknown> => {
    note(args, context)
    return everything(agentOS(), context)
  }
  const fail = (args: z.output<typeof Note>, context: Context): never => {
    throw new Error(`Failed: ${note(args, context)}`)
  }
  const model = scripted(
    ({ messages }, at) => {
      const text = lastSaid(messages)
      const [name = ''] = text.split(' ')
      if (at === 0 && TOOLS.includes(name)) return { toolCalls: [{ id: 'call_1', name, arguments: { note: text } }] }
      if (name === 'break') return { fail: { kind: 'invalid_request', message: `Broke on: ${text}` } }
      return { content: `You said: ${text}`, chunkSize: 7 }
    },
    { delayMs: 0 },
  )
  return new Agent({
    id,
    model,
    tools: [
      tool({ name: 'note', input: Note, execute: note }),
      tool({ name: 'confirm', input: Note, requiresConfirmation: true, execute: note }),
      tool({ name: 'pay', input: Note, approval: 'required', execute: note }),
      tool({ name: 'audit', input: Note, approval: 'audit', requiresConfirmation: true, execute: note }),
      tool({ name: 'look', input: Note, execute: look }),
      tool({ name: 'fail', input: Note, execute: fail }),
    ],
  })
}

/** Has one of the members do it. */
const leader = scripted(
  ({ messages }, at) => {
    const text = lastSaid(messages)
    if (at > 0) return { content: `The team says: ${text}`, chunkSize: 7 }
    const member = text.startsWith('look') ? COMPONENTS.agent[0] : COMPONENTS.agent[1]
    return {
      toolCalls: [{ id: 'call_lead', name: 'delegate_task_to_member', arguments: { member_id: member, task: text } }],
    }
  },
  { delayMs: 0 },
)

function workflow(
  worker: Agent,
  desk: Team,
  agentOS: () => AgentOS,
  executed: (execution: Execution) => void,
): Workflow<string, string> {
  const note = (text: string, context: StepContext): string => {
    executed(told(context))
    context.sessionState.taken = text
    context.emit({ noted: text })
    return text
  }
  const rest = (text: string): string => text.slice(text.indexOf(' ') + 1)
  const tell = (value: unknown): string => `The workflow says: ${JSON.stringify(value)}`
  return new Workflow({
    id: COMPONENTS.workflow[0],
    steps: sequence(
      'work',
      step({ name: 'take', run: note }),
      router({
        name: 'way',
        choices: {
          say: step({ name: 'say', run: (text: string) => text }),
          wait: waitForEvent({ name: 'wait', event: 'go' }),
          confirm: approval<string>({ name: 'confirm', message: 'Go on?' }),
          pay: approval<string>({ name: 'pay', approval: 'required' }),
          ask: humanInput({ name: 'ask', fields: z.object({ answer: z.string() }) }),
          review: step({ name: 'review', run: note, review: { message: 'Is it good?' } }),
          break: step({
            name: 'break',
            onError: 'pause',
            run: (text: string): string => {
              throw new Error(`Broke on: ${text}`)
            },
          }),
          look: step({ name: 'look', run: (_: string, context) => everything(agentOS(), context) }),
          agent: step({ name: 'agent', agent: worker, prompt: rest }),
          team: step({ name: 'team', team: desk, prompt: rest }),
        },
        select: (text: string) => text.split(' ')[0] as 'say',
      }),
      step({ name: 'tell', run: tell }),
    ),
  })
}
