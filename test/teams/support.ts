import { onTestFinished } from 'vitest'
import { Agent, AgentOS, Team } from 'agentos-sdk'
import type { AgentOSOptions, Runnable } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { ScriptedReply } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import type { Storage } from 'agentos-sdk'
import { silentLogger } from '../../src/core/logger.js'
import { framesOf } from '../adapters/cases/agent-os-client.js'
import type { Body, SentEvent } from '../adapters/cases/agent-os-client.js'

export type { Body, SentEvent }

/** A call with which a leader hands a task over. */
export function delegate(memberId: string, task: string, id?: string) {
  return { name: 'delegate_task_to_member', arguments: { member_id: memberId, task }, ...(id !== undefined && { id }) }
}

export function broadcast(task: string) {
  return { name: 'delegate_task_to_members', arguments: { task } }
}

/** A model that gives these answers one after the other in each run, by what it has said in it. */
export function inTurn(...replies: ScriptedReply[]) {
  return scripted(
    ({ messages }) => {
      const since = messages.findLastIndex(({ role }) => role === 'user')
      const said = messages.slice(since).filter(({ role }) => role === 'assistant').length
      return replies[said] ?? `Nothing more after ${said}.`
    },
    { record: true },
  )
}

export function member(id: string, ...replies: ScriptedReply[]): Agent {
  return new Agent({ id, name: id.toUpperCase(), model: inTurn(...replies) })
}

export interface TestOS {
  agentOS: AgentOS
  /** Sends JSON; what comes back as JSON. */
  ask(line: string, body?: object): Promise<{ status: number; body: Body; headers: Headers }>
  /** Posts, and reads the stream to its end. */
  events(path: string, body?: object): Promise<SentEvent[]>
}

export function teamOS(teams: readonly Runnable[], more: Partial<AgentOSOptions> & { storage?: Storage } = {}): TestOS {
  const agentOS = new AgentOS({ teams, storage: sqlite(':memory:'), logger: silentLogger, ...more })
  onTestFinished(() => agentOS.stop())
  const send = (method: string, path: string, body?: object): Promise<Response> =>
    agentOS.fetch(
      new Request(`http://host${path}`, {
        method,
        ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      }),
    )
  return {
    agentOS,
    async ask(line, body) {
      const [method = 'GET', path = '/'] = line.split(' ')
      const response = await send(method, path, body)
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : {}) as Body }
    },
    async events(path, body = {}) {
      const response = await send('POST', path, { stream: true, ...body })
      const text = await response.text()
      if (response.status !== 200) throw new Error(`${response.status} ${text}`)
      return framesOf(text)
    },
  }
}

/** "RunStarted a" for an event of run `a`. */
export function told(events: readonly SentEvent[]): string[] {
  return events.map(({ event, data }) => `${event} ${String(data.agent_id ?? data.team_id)}`)
}

/** Without the deltas of texts. */
export function toldBriefly(events: readonly SentEvent[]): string[] {
  return told(events).filter((one) => !/^(Team)?RunContent /.test(one))
}

export function deskOf(
  model: ReturnType<typeof inTurn>,
  members: readonly [Runnable, ...Runnable[]],
  more: object = {},
) {
  return new Team({ id: 'desk', name: 'Desk', model, members, ...more })
}

/** Has whatever a team waits for confirmed. */
export function confirmed(run: Body): { id: string; confirmation: boolean }[] {
  const requirements = (run.requirements ?? []) as { id: string; tool_execution: Body }[]
  return requirements
    .filter(({ tool_execution: tool }) => tool.requires_confirmation === true)
    .map(({ id }) => ({ id, confirmation: true }))
}
