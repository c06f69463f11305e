import { onTestFinished } from 'vitest'
import { Agent, AgentOS, tool, Workflow } from 'agentos-sdk'
import type { AgentOSOptions, Step } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { silentLogger } from '../../src/core/logger.js'
import { RunEvent } from '../../src/agents/log/events.js'
import { sliceOf } from './wire.js'

// eslint-disable-next-line typescript/no-explicit-any -- tests look into bodies of all forms
export type Json = any

export function workflowOf(steps: Step<never, unknown>, id = 'flow'): Workflow {
  return new Workflow({ id, steps: steps as Step<Json, unknown> })
}

/** A served workflow, asked over HTTP. */
export function serve(
  workflow: Workflow<Json, Json> | Step<never, unknown>,
  { isDoomed = false, ...options }: Partial<AgentOSOptions> & { isDoomed?: boolean } = {},
) {
  const own = workflow instanceof Workflow ? workflow : workflowOf(workflow)
  const agentOS = new AgentOS({
    workflows: [own],
    storage: sqlite(':memory:'),
    logger: silentLogger,
    ...options,
    runs: { sweepMs: 50, ...options.runs },
  })
  if (!isDoomed) onTestFinished(() => agentOS.stop())
  return { agentOS, ...client(agentOS, own.id) }
}

/** What a client does with one workflow. */
export function client(agentOS: Pick<AgentOS, 'fetch'>, id: string) {
  const path = `/workflows/${id}/runs`

  async function send(target: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') {
    const response = await agentOS.fetch(
      new Request(`http://host${target}`, {
        method,
        ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      }),
    )
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    const parsed: Json = isJson ? JSON.parse(text) : text
    return { status: response.status, body: parsed, headers: response.headers }
  }

  /** Events of a stream, each checked against the contract's schema. */
  async function events(target: string, body: unknown): Promise<Json[]> {
    const { status, body: text } = await send(target, body)
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(text)}`)
    return sliceOf(text as string, RunEvent)
  }

  return {
    send,
    path,
    run: async (message: unknown = 'hi', more: object = {}): Promise<Json> =>
      (await send(path, { message, ...more })).body,
    stream: (message: unknown = 'hi', more: object = {}) => events(path, { message, stream: true, ...more }),
    get: async (runId: string): Promise<Json> => (await send(`${path}/${runId}`)).body,
    resume: (runId: string) => events(`${path}/${runId}/resume`, {}),
    go: (runId: string, body: object = {}) => send(`${path}/${runId}/continue`, body),
    goStream: (runId: string, body: object = {}) => events(`${path}/${runId}/continue`, { ...body, stream: true }),
    sendEvent: (runId: string, body: object) => send(`${path}/${runId}/events`, body),
    cancel: (runId: string) => send(`${path}/${runId}/cancel`, undefined, 'POST'),
    async until(runId: string, isIt: (run: Json) => boolean): Promise<Json> {
      for (;;) {
        const run = (await send(`${path}/${runId}`)).body
        if (isIt(run)) return run
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }
}

/** Each event on a line: its name, its step, and how deep that is. */
export function told(events: readonly Json[]): string[] {
  return events.map(({ event, step_id: step, parent_step_id: parent, step_index: index, nested_depth: depth }) =>
    [
      event,
      step,
      index === undefined ? undefined : JSON.stringify(index),
      parent === undefined ? undefined : `in ${parent}`,
      depth > 0 ? `depth ${depth}` : undefined,
    ]
      .filter((part) => part !== undefined)
      .join(' '),
  )
}

export function names(events: readonly Json[]): string[] {
  return events.map(({ event }) => event as string)
}

/** An agent that says the same always. */
export function talker(id: string, text: string): Agent {
  return new Agent({ id, model: scripted(() => text) })
}

/** An agent whose one tool has to be confirmed. */
export function careful(done: string[], id = 'careful', approval?: 'required'): Agent {
  return new Agent({
    id,
    model: scripted(({ messages }) => (messages.at(-1)?.role === 'tool' ? 'Paid.' : { toolCalls: [{ name: 'pay' }] })),
    tools: [
      tool({
        name: 'pay',
        ...(approval ? { approval } : { requiresConfirmation: true }),
        execute: () => {
          done.push('paid')
          return 'paid'
        },
      }),
    ],
  })
}
