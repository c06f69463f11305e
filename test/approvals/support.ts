import { Agent, tool } from 'agentos-sdk'
import type { AgentOS, AgentOSOptions, Approval, Run, Tool, ToolContext } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { ScriptedToolCall } from 'agentos-sdk/models'
import { z } from 'zod'
import type { Caller } from '../../src/core/caller.js'
import { silentLogger } from '../../src/core/logger.js'
import { createHttpApp } from '../../src/http/app.js'
import { approvalRoutes } from '../../src/http/approvals.js'
import { continueRoutes } from '../../src/http/continue.js'
import { runRoutes } from '../../src/http/runs.js'
import type { Services } from '../../src/http/services.js'
import { testAgentOS } from '../support/agent-os.js'

/** What a gated tool was called with, each time that it ran. */
export type Calls = [name: string, args: unknown, userId?: string][]

export const pay: ScriptedToolCall = { name: 'pay', arguments: { amount: 7 }, id: 'call_pay' }
export const form: ScriptedToolCall = { name: 'form', arguments: { day: 'Monday' }, id: 'call_form' }
export const print: ScriptedToolCall = { name: 'print', arguments: { page: 3 }, id: 'call_print' }
export const plain: ScriptedToolCall = { name: 'plain', arguments: { amount: 1 }, id: 'call_plain' }
export const audited: ScriptedToolCall = { name: 'audited', arguments: { amount: 2 }, id: 'call_audited' }

/** A tool of each kind that waits for somebody, most of them for an approval. */
export function gatedTools(called: Calls, more: Partial<Tool> = {}): Tool[] {
  const note =
    (name: string) =>
    (args: unknown, { userId }: ToolContext) => {
      called.push(userId === undefined ? [name, args] : [name, args, userId])
      return `${name} done`
    }
  const amount = z.object({ amount: z.number() })
  const { approvalExpiry, idempotent } = more
  return [
    tool({ name: 'pay', input: amount, approval: 'required', approvalExpiry, idempotent, execute: note('pay') }),
    tool({
      name: 'form',
      input: z.object({ day: z.string(), seats: z.number().int(), note: z.string() }),
      requiresUserInput: ['seats', 'note'],
      approval: 'required',
      execute: note('form'),
    }),
    tool({ name: 'print', input: z.object({ page: z.number() }), external: true, approval: 'required' }),
    tool({ name: 'plain', input: amount, requiresConfirmation: true, execute: note('plain') }),
    tool({ name: 'audited', input: amount, requiresConfirmation: true, approval: 'audit', execute: note('audited') }),
  ]
}

export interface GatedOptions extends Partial<AgentOSOptions> {
  calls?: ScriptedToolCall[]
  tool?: Partial<Tool>
  /** What the model says once the calls are made. Default: the result of the last one. */
  answers?: ScriptedReply[]
}

type ScriptedReply = Extract<Parameters<typeof scripted>[0], readonly unknown[]>[number]

const lastResult: ScriptedReply = ({ messages }) => {
  const content = messages.at(-1)?.content
  return typeof content === 'string' ? content : JSON.stringify(content)
}

/** An AgentOS whose agent makes these calls, and what its tools were called with. */
export function gated({ calls = [pay], tool: more, answers, ...options }: GatedOptions = {}) {
  const called: Calls = []
  const script: ScriptedReply[] = [{ toolCalls: calls }, ...(answers ?? [lastResult])]
  const model = scripted(script)
  const agents = [
    new Agent({ id: 'my-agent', name: 'My agent', model, tools: gatedTools(called, more) }),
    new Agent({ id: 'other', model: scripted('Hello!'), tools: gatedTools(called, more) }),
  ]
  const agentOS = testAgentOS(model, { agents, ...options })
  const start = (userId?: string): Promise<Run> =>
    agentOS.runs.create({ agentId: 'my-agent', message: 'Go', ...(userId !== undefined && { userId }) })
  return { agentOS, called, start }
}

/** A run that has paused, and the approval that it waits for. */
export async function pausedOn(agentOS: AgentOS, run: Promise<Run>): Promise<{ run: Run; approval: Approval }> {
  const paused = await run
  const { data } = await agentOS.approvals.list({ runId: paused.runId, status: 'pending' })
  return { run: paused, approval: data[0]! }
}

/** Somebody with a token: these scopes, and their own rows only where `scoped`. */
export function user(userId: string, scopes: string[] = [], more: Partial<Caller> = {}): Caller {
  return { kind: 'user', userId, scopes, admin: false, scoped: false, ...more }
}

/** What a request is answered with. */
export interface Answer {
  status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies of all forms
  body: any
}

/** Asks over HTTP: as anybody where authentication is off, or as somebody whose scopes are checked. */
export async function ask(agentOS: AgentOS, line: string, body?: unknown, as?: Caller): Promise<Answer> {
  const [method = 'GET', path = '/'] = line.split(' ')
  const request = new Request(`http://host${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const response = await (as ? appFor(agentOS, as).fetch(request) : agentOS.fetch(request))
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

function appFor(agentOS: AgentOS, caller: Caller) {
  return createHttpApp<Services>({
    routes: [...runRoutes, ...continueRoutes, ...approvalRoutes],
    authenticate: () => caller,
    services: (known) => agentOS.as(known),
    logger: silentLogger,
  })
}
