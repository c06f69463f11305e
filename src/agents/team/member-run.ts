import { newId } from '../../core/ids.js'
import { asText } from '../conversation.js'
import type { Delegated, DelegationContext } from '../delegation.js'
import type { RunFold } from '../log/fold.js'
import type { RunRequirement } from '../log/tool-execution.js'
import { nestedRun } from '../nested-run.js'
import { RunFailedError } from '../run-failure.js'
import type { RunContext, Runnable, Yielded } from '../runnable.js'
import type { TeamRules } from './team-rules.js'

/** A member has done what it was asked, has failed at it, or waits for somebody. */
export type MemberOutcome = { member: Runnable; runId: string } & Delegated

/**
 * Has a member work on a task, in a run of its own inside of the team's. What was begun of it before a crash or a
 * pause goes on.
 *
 * @throws RunFailedError the member's failure, where it is to fail the team.
 */
export async function* memberRun(
  rules: TeamRules,
  member: Runnable,
  task: string,
  { run, execution: { toolCallId } }: DelegationContext,
): AsyncGenerator<Yielded, MemberOutcome> {
  const begun = run.fold.children.findLast(
    ({ source, start, fold }) =>
      start.toolCallId === toolCallId &&
      source.id === member.id &&
      source.kind === member.kind &&
      fold.status !== 'cancelled',
  )
  const runId = begun?.source.runId ?? newId('run')
  const { dependencies, metadata, knowledgeFilters } = run.options
  const entries = nestedRun(run, {
    runnable: member,
    runId,
    start: begun?.start ?? { input: { ...run.input, inputContent: asked(rules, member, task, run) }, toolCallId },
    options: {
      ...(dependencies && { dependencies }),
      ...(metadata && { metadata }),
      ...(knowledgeFilters !== undefined && { knowledgeFilters }),
    },
    seesHistory: rules.sharesHistory,
    // Its failure was the team's: who has the team go on wants it tried again.
    retries: rules.failsWithMember,
  })
  const fold = yield* entries
  return { member, runId, ...outcome(rules, member, runId, fold, run.clock.now()) }
}

/** The task, with what else this team tells its members. */
function asked(
  { memberInstructions, sharesMemberAnswers }: TeamRules,
  member: Runnable,
  task: string,
  run: RunContext,
) {
  const instructions = Object.hasOwn(memberInstructions, member.id) ? memberInstructions[member.id] : undefined
  const answers = sharesMemberAnswers ? answersSoFar(run) : ''
  return [instructions, answers, task].filter(Boolean).join('\n\n')
}

function answersSoFar({ fold, clock }: RunContext): string {
  const answered = fold.children.filter((child) => child.fold.status === 'completed')
  if (answered.length === 0) return ''
  const parts = answered.map(({ source, start, fold: own }) => {
    const question = asText(start.input.inputContent)
    return `<member id="${source.id}">\n<task>${question}</task>\n<answer>${answerOf(own, clock.now())}</answer>\n</member>`
  })
  return `<earlier_answers>\n${parts.join('\n')}\n</earlier_answers>`
}

function outcome(rules: TeamRules, member: Runnable, runId: string, fold: RunFold, now: number): Delegated {
  if (fold.status === 'paused') {
    const waiting = fold.openRequirements.map((requirement) => lifted(requirement, member, runId))
    return { waiting, ...(fold.approvalTerms && { terms: fold.approvalTerms }) }
  }
  const { error, ...body } = fold.body(now)
  if (fold.status === 'completed') return { result: answerOf(fold, now), childRunId: runId, media: fold.media }
  if (error && rules.failsWithMember) {
    throw new RunFailedError({ ...error, message: `Member "${member.id}" has failed: ${error.message}` })
  }
  const said = body.content === undefined ? '' : ` Until then it has said: ${asText(body.content)}`
  return {
    result: `Member "${member.id}" has failed: ${error?.message ?? 'it was cancelled.'}${said}`,
    isError: true,
    childRunId: runId,
  }
}

function answerOf(fold: RunFold, now: number): string {
  const { content } = fold.body(now)
  return content === undefined ? '' : asText(content)
}

/** What a member waits for as its team tells it: with whose run it is. Of a team inside of a team that stands already. */
function lifted(requirement: RunRequirement, member: Runnable, runId: string): RunRequirement {
  const { memberAgentId = member.id, memberAgentName = member.name, memberRunId = runId } = requirement
  return { ...requirement, memberAgentId, memberAgentName, memberRunId }
}
