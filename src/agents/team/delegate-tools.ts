import { z } from 'zod'
import { concurrently } from '../concurrently.js'
import type { DelegatingTool, Delegated, DelegationContext } from '../delegation.js'
import { addMedia } from '../log/media.js'
import type { Media } from '../log/media.js'
import type { Runnable, Yielded } from '../runnable.js'
import { tool } from '../tool.js'
import { memberRun } from './member-run.js'
import type { MemberOutcome } from './member-run.js'
import type { TeamRules } from './team-rules.js'

/** The tools with which a leader has its members work. */
export function delegateTools(rules: TeamRules): DelegatingTool[] {
  switch (rules.mode) {
    case 'broadcast':
      return [broadcast(rules)]
    case 'route':
      return [{ ...delegateToMember(rules), stopAfterCall: true }]
    default:
      return [delegateToMember(rules)]
  }
}

/** The id of one of the members. */
export function memberId(members: readonly Runnable[]) {
  const [first, ...others] = members.map(({ id }) => id)
  return z.enum([first!, ...others])
}

function delegateToMember(rules: TeamRules): DelegatingTool {
  const input = z.object({
    member_id: memberId(rules.members).describe('Who is to do it.'),
    task: z.string().min(1).describe('What the member is to do, with all that it has to know for that.'),
  })
  return delegating(
    'delegate_task_to_member',
    'Has a member of the team do a task, and returns its answer.',
    input,
    ({ member_id: id, task }, context) =>
      memberRun(
        rules,
        rules.members.find((member) => member.id === id)!,
        task,
        context,
      ),
  )
}

function broadcast(rules: TeamRules): DelegatingTool {
  const input = z.object({ task: z.string().min(1).describe('What all members are to do.') })
  const description = 'Has all members of the team do the same task at once, and returns their answers.'
  return delegating('delegate_task_to_members', description, input, async function* ({ task }, context) {
    const outcomes = yield* concurrently(rules.members.map((member) => () => memberRun(rules, member, task, context)))
    return together(outcomes)
  })
}

/** What came of a task that several members were given. */
function together(outcomes: readonly MemberOutcome[]): Delegated {
  const waiting = outcomes.flatMap((outcome) => ('waiting' in outcome ? outcome.waiting : []))
  if (waiting.length > 0) {
    const [terms] = outcomes
      .flatMap((outcome) => ('terms' in outcome && outcome.terms ? [outcome.terms] : []))
      .toSorted((left, right) => left.expiresAt - right.expiresAt)
    return { waiting, ...(terms && { terms }) }
  }
  const media: Media = {}
  const answers = outcomes.flatMap((outcome) => {
    if (!('result' in outcome)) return []
    addMedia(media, outcome.media ?? {})
    return [`<member id="${outcome.member.id}">\n${outcome.result}\n</member>`]
  })
  const isError = outcomes.every((outcome) => 'isError' in outcome && outcome.isError === true)
  return { result: answers.join('\n'), media, ...(isError && { isError }) }
}

/** A tool that a model calls like any other, and whose work is done in runs of others. */
export function delegating<Input extends z.ZodType>(
  name: string,
  description: string,
  input: Input,
  delegate: (args: z.output<Input>, context: DelegationContext) => AsyncGenerator<Yielded, Delegated>,
): DelegatingTool {
  const made = tool({
    name,
    description,
    input,
    execute: () => {
      throw new TypeError(`"${name}" is delegated.`)
    },
  })
  return { ...made, delegate: (args, context) => delegate(args as z.output<Input>, context) }
}
