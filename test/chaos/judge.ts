import type { Follower, SeenEvent } from './follower.ts'
import { texts } from './outside.ts'
import type { Effect } from './outside.ts'

export interface RunAnswer {
  status: string
  content?: string
  tools?: { tool_name: string; result?: string }[]
}

const effects = ['idem_a', 'once_b', 'idem_c', 'gate_d']

/** Confirms what is asked for, but for calls whose outcome is unknown: they may have happened. */
export function decisions({ requirements = [] }: SeenEvent): object[] {
  return requirements.map(({ tool_execution: { tool_call_id, interrupted } }) => ({
    tool_call_id,
    confirmed: interrupted !== true,
    ...(interrupted && { confirmation_note: 'It may have happened already.' }),
  }))
}

/** Tools that were open, and may not run twice, when their process was lost. */
export function interruptedIn({ seen }: Follower): ReadonlySet<string> {
  const tools = seen.flatMap(({ requirements = [] }) => requirements.map(({ tool_execution: tool }) => tool))
  return new Set(tools.flatMap((tool) => (tool.interrupted ? [tool.tool_name] : [])))
}

/** What is wrong with a run, by what a client has seen of it and what it has done outside. */
export function judge(run: RunAnswer, follower: Follower, own: readonly Effect[]): string[] {
  const faults: string[] = []
  const interrupted = interruptedIn(follower)
  if (run.status !== 'completed') faults.push(`ended as ${run.status}`)
  if (run.content !== texts.join('')) faults.push(`says ${JSON.stringify(run.content)}`)
  if (follower.text !== run.content) faults.push(`the reader has ${JSON.stringify(follower.text)}`)
  for (const name of effects) {
    const times = own.filter((effect) => effect.name === name)
    if (!name.startsWith('idem') && times.length > 1) faults.push(`${name} ran ${times.length} times`)
    // A call whose outcome nobody knows is not repeated here, so it may never have happened.
    if (times.length === 0 && !interrupted.has(name)) faults.push(`${name} never ran`)
    if (new Set(times.map(({ key }) => key)).size > 1) faults.push(`${name} got different keys`)
  }
  return faults
}
