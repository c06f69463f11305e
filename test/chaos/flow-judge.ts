import { isDeepStrictEqual } from 'node:util'
import type { AgentOS } from 'agentos-sdk'
import type { ApprovalAnswer, FlowClient, FlowEvent } from './flow-client.ts'
import { answers } from './flow.ts'
import type { Effect } from './outside.ts'

/** How often a run has each of them; steps by the last part of their ids. */
const expected = {
  workflow: {
    repeatable: { begin: 1, dig: 1, left: 1, sum: 1, turn: 3, item: 3, note: 1 },
    once: { charge: 1, blast: 1, right: 1, pay: 1, send: 1 },
  },
  team: {
    repeatable: { team_note: 1 },
    once: { team_pay: 1, team_send: 1, team_sign: 1, team_file: 1 },
  },
} as const

/** One step or one call of a tool, as the log tells it: indexes of its starts and of its ends. */
interface Executed {
  /** The last part of a step's id, or the tool. */
  name: string
  /** As whoever decides knows it. */
  askedAs: string
  starts: number[]
  ends: number[]
}

/** The key under which an event's step or tool call has its effect. */
export function keyOf({ event, run_id: runId, step_id: stepId, tool }: FlowEvent): string | undefined {
  if (/^(Team)?ToolCall/.test(event)) return `${runId}:${tool!.tool_call_id}`
  return /^Step(Started|Completed)$/.test(event) ? `${runId}:${stepId}` : undefined
}

/** Whether a step or a tool call is over for everybody who has seen the event. */
export function isOver({ event }: FlowEvent): boolean {
  return /^(StepCompleted|(Team)?ToolCallCompleted)$/.test(event)
}

/** What a trial has found. */
export interface Verdict {
  faults: string[]
  counts: Record<string, number>
}

/**
 * What is wrong with a run that has ended.
 *
 * @param effects all that has happened outside since the run was asked for.
 * @param overAt how many effects there were when a client saw that a step or a tool call was over, by its key.
 */
export function judgeFlow(
  client: FlowClient,
  effects: readonly Effect[],
  overAt: ReadonlyMap<string, number>,
): Verdict {
  const faults = [...client.follower.faults, ...client.faults]
  const { seen, kind, interrupted } = client
  const executed = executedIn(seen)
  const recoveries = seen.filter(
    ({ event, run_id: runId, reason }) => event.endsWith('Recovered') && runId === client.runId && reason === 'crash',
  )
  const { repeatable, once } = expected[kind]
  let repeated = 0
  for (const [key, { name, askedAs, starts, ends }] of executed) {
    const isOnce = name in once
    if (!isOnce && !(name in repeatable)) continue
    const times = effects.flatMap((effect, at) => (effect.key === key ? [at] : []))
    const [end = Number.POSITIVE_INFINITY] = ends
    if (ends.length !== 1) faults.push(`${name} has ${ends.length} ends`)
    if (starts.some((at) => at > end)) faults.push(`${name} is started again after its end`)
    const late = times.filter((at) => at >= (overAt.get(key) ?? Number.POSITIVE_INFINITY))
    if (late.length > 0) faults.push(`${name} ran again after a client saw that it was over`)
    // Whatever is cut off by a crash may run again, if it is one of those that may.
    const cuts = recoveries.filter(({ event_index: at }) => at > starts[0]! && at < end).length
    const most = isOnce ? 1 : 1 + cuts
    if (times.length > most)
      faults.push(`${name} ran ${times.length} times, with ${cuts} crashes between start and end`)
    if (times.length === 0 && !interrupted.has(askedAs)) faults.push(`${name} never ran`)
    repeated += Math.max(0, times.length - 1)
  }
  for (const [name, count] of Object.entries({ ...repeatable, ...once })) {
    const there = [...executed.values()].filter((one) => one.name === name).length
    if (there !== count) faults.push(`${name} is ${there} times in the log`)
  }
  for (const { key, name } of effects) {
    if (isOf(name, kind) && !executed.has(key)) faults.push(`${name} ran, and the log does not know of ${key}`)
  }
  faults.push(...wrongTexts(seen), ...wrongEnd(client))
  return {
    faults,
    counts: {
      events: seen.length,
      recoveries: recoveries.length,
      'steps finished': seen.filter(({ event }) => event === 'StepCompleted').length,
      'tool calls finished': seen.filter(({ event }) => /^(Team)?ToolCallCompleted$/.test(event)).length,
      'effects of steps and tools': effects.filter(({ name }) => isOf(name, kind)).length,
      'interrupted and repeated, with their key': repeated,
      'interrupted and asked about': interrupted.size,
    },
  }
}

function executedIn(seen: readonly FlowEvent[]): Map<string, Executed> {
  const executed = new Map<string, Executed>()
  for (const event of seen) {
    const key = keyOf(event)
    if (key === undefined) continue
    const askedAs = event.tool?.tool_name ?? event.step_id!
    const known = executed.get(key) ?? { name: nameOf(askedAs), askedAs, starts: [], ends: [] }
    if (event.event.endsWith('Started')) known.starts.push(event.event_index)
    if (isOver(event)) known.ends.push(event.event_index)
    executed.set(key, known)
  }
  return executed
}

/** Of `again/turn:2`: `turn`. */
function nameOf(stepId: string): string {
  return stepId
    .split('/')
    .at(-1)!
    .replace(/[:#].*/, '')
}

function isOf(name: string, kind: 'workflow' | 'team'): boolean {
  const { repeatable, once } = expected[kind]
  return nameOf(name) in { ...repeatable, ...once }
}

/** What readers of each run inside have in front of them, against what it has said. */
function wrongTexts(seen: readonly FlowEvent[]): string[] {
  const shown = new Map<string, FlowEvent[]>()
  const faults: string[] = []
  for (const event of seen) {
    const own = shown.get(event.run_id) ?? []
    shown.set(event.run_id, own)
    const { event: name, agent_id: agent, team_id: team } = event as FlowEvent & { agent_id?: string; team_id?: string }
    if (/^(Team)?RunContent$/.test(name) && typeof event.content === 'string') own.push(event)
    if (/^(Team)?RunRecovered$/.test(name)) {
      shown.set(
        event.run_id,
        own.filter(({ event_index: at }) => at <= event.discard_after!),
      )
    }
    if (!/^(Team)?RunCompleted$/.test(name)) continue
    const text = own.map(({ content }) => String(content)).join('')
    const id = (agent ?? team)!
    if (text !== answers[id]) faults.push(`a reader of ${id} has ${JSON.stringify(text)}`)
    if (event.content !== answers[id]) faults.push(`${id} says ${JSON.stringify(event.content)}`)
  }
  return faults
}

function wrongEnd({ seen, kind, interrupted }: FlowClient): string[] {
  const last = seen.at(-1)!
  if (kind === 'team') return last.event === 'TeamRunCompleted' ? [] : [`ended with ${JSON.stringify(last)}`]
  const faults: string[] = []
  if (last.event !== 'WorkflowCompleted' || !isDeepStrictEqual(last.content, [10, 20, 30])) {
    faults.push(`ended with ${JSON.stringify(last)}`)
  }
  const isLeftOut = (name: string): boolean => [...interrupted].some((id) => nameOf(id) === name)
  const sum = 10 + (isLeftOut('right') ? 0 : 100) + (isLeftOut('blast') ? 1000 : 2000)
  const summed = seen.find(({ event, step_id: id }) => event === 'StepCompleted' && id === 'sum')?.content
  if (summed !== sum) faults.push(`sums up ${JSON.stringify(summed)}, not ${sum}`)
  return faults
}

/** Each approval was resolved, by one word only; and whoever comes later is told so. */
export async function judgeApprovals(client: FlowClient): Promise<Verdict> {
  const { data } = await client.ask<{ data: ApprovalAnswer[] }>(`/approvals?run_id=${client.runId}`)
  const faults: string[] = []
  const approved = data.filter(({ status }) => status === 'approved')
  if (approved.length !== 1) faults.push(`${approved.length} approvals were approved`)
  for (const { id, status } of data) {
    if (status === 'pending') faults.push(`approval ${id} is open still`)
    const told = client.resolved.filter((one) => one === id).length
    if (told > 1) faults.push(`approval ${id} was resolved ${told} times`)
    const late = await client.send(`/approvals/${id}/resolve`, { status: 'approved' })
    if (late?.status !== 409) faults.push(`approval ${id} can be resolved again: ${late?.status}`)
  }
  return { faults, counts: { 'approvals resolved': data.length } }
}

interface Row {
  runId: string
  parentRunId?: string
  status: string
  memberResponses?: Row[]
  stepExecutorRuns?: Row[]
}

function differences(own: object, shown: object): string[] {
  const [left, right] = [own, shown] as Record<string, unknown>[]
  const names = Object.keys({ ...left, ...right }).filter((name) => !isDeepStrictEqual(left![name], right![name]))
  return names.map((name) => `${name} ${JSON.stringify(left![name])}, ${JSON.stringify(right![name])}`)
}

/** The rows of a run's session are the run, and the runs that it holds: each with its end, and as the run tells it. */
export async function judgeRows(agentOS: AgentOS, runId: string): Promise<string[]> {
  const { data } = await agentOS.runs.list({ sessionId: `of-${runId}`, limit: 100 })
  const rows = new Map((data as unknown as Row[]).map((row) => [row.runId, row]))
  const outer = rows.get(runId)
  if (!outer) return ['is not stored']
  const faults: string[] = []
  const held = new Set([runId])
  const look = (row: Row): void => {
    for (const inner of [...(row.memberResponses ?? []), ...(row.stepExecutorRuns ?? [])]) {
      held.add(inner.runId)
      const own = rows.get(inner.runId)
      if (!own) faults.push(`${inner.runId} has no row`)
      else faults.push(...differences(own, inner).map((one) => `${inner.runId} is not as in ${row.runId}: ${one}`))
      if (inner.parentRunId !== row.runId) faults.push(`${inner.runId} is not inside of ${row.runId}`)
      look(inner)
    }
  }
  look(outer)
  for (const { runId: id, status } of rows.values()) {
    if (!held.has(id)) faults.push(`${id} is an orphan`)
    if (status !== 'completed') faults.push(`${id} is ${status}`)
  }
  return faults
}
