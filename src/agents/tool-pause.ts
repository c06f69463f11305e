import { toIso } from '../core/clock.js'
import { newId } from '../core/ids.js'
import { isWaiting } from './log/decision.js'
import type { Decision } from './log/decision.js'
import type { ApprovalTerms, LogEntry } from './log/entry.js'
import type { RunFold } from './log/fold.js'
import type { RunRequirement, ToolExecution } from './log/tool-execution.js'
import { isDelegating } from './delegation.js'
import type { Tool } from './tool.js'

/**
 * The call as it waits for somebody; undefined when it may run.
 *
 * @param known the call as the log has it, when it was started before a crash or has waited before.
 */
export function pauseOf(
  tool: Tool,
  execution: ToolExecution,
  known: ToolExecution | undefined,
): ToolExecution | undefined {
  if (isDelegating(tool)) return undefined
  // It was started and its outcome is unknown: doing it twice is for a person to decide.
  const isInterrupted = known !== undefined && !isWaiting(known) && !tool.external
  if (isInterrupted) {
    // The same call again, with the same key, and with the approval that it has: a copy of its run has none.
    if (tool.idempotent && (tool.approval !== 'required' || isApproved(execution))) return undefined
    const { confirmed: _confirmed, confirmationNote: _note, ...asked } = execution
    // What was approved is the call that was started; doing it again is another one.
    const approvalType = tool.approval ?? execution.approvalType
    return { ...asked, ...(approvalType && { approvalType }), requiresConfirmation: true, interrupted: true }
  }
  if (tool.external) return { ...execution, externalExecutionRequired: true }
  if (tool.userInput) {
    const fields = tool.userInput.map((field) => ({ ...field }))
    return { ...execution, requiresUserInput: true, userInputSchema: fields }
  }
  // Not every tool is made by `tool()`, which sees to it that one with an approval asks for a confirmation.
  if (tool.requiresConfirmation || tool.approval === 'required') return { ...execution, requiresConfirmation: true }
  return undefined
}

/** Whether an approval has decided about the call; the record of an audit names its call, too. */
function isApproved({ approvalType, approvalId }: ToolExecution): boolean {
  return approvalType === 'required' && approvalId !== undefined
}

/** Whether a decision is enough for this tool: one with a required approval takes none but that approval's. */
export function isEnough(decision: Decision, { approval }: Tool): boolean {
  if (approval !== 'required' || decision.kind === 'reject') return true
  return decision.approval === 'required' && decision.approvalId !== undefined
}

/** A call that waits, and the tool that it is for. */
export interface WaitingCall {
  execution: ToolExecution
  tool: Tool
}

/** What runs inside of a run wait for. */
export interface LiftedPause {
  waiting: readonly RunRequirement[]
  terms?: ApprovalTerms
}

/** The entry that ends the leg: these calls wait for somebody, and so do those of runs inside of this one. */
export function pausedEntry(
  calls: readonly WaitingCall[],
  fold: RunFold,
  now: number,
  lifted: readonly LiftedPause[] = [],
): LogEntry {
  const paused = calls.map(({ execution }) => execution)
  const ofOthers = lifted.flatMap(({ waiting }) => waiting)
  const terms = soonest([termsOf(calls, now), ...lifted.map((pause) => pause.terms)])
  const asked = new Set(
    [...paused, ...ofOthers.map(({ toolExecution }) => toolExecution)].map(({ toolCallId }) => toolCallId),
  )
  const earlier = fold.requirements.filter(({ toolExecution }) => !asked.has(toolExecution.toolCallId))
  return {
    event: {
      event: 'RunPaused',
      tools: [...paused],
      requirements: [...earlier, ...paused.map((tool) => requirement(tool, now)), ...ofOthers],
      content: `The run waits for: ${[...paused, ...ofOthers.map(({ toolExecution }) => toolExecution)].map(waitsFor).join('; ')}.`,
    },
    ...(terms && { facts: { approvalTerms: terms } }),
  }
}

function soonest(terms: readonly (ApprovalTerms | undefined)[]): ApprovalTerms | undefined {
  return terms.flatMap((one) => one ?? []).toSorted((left, right) => left.expiresAt - right.expiresAt)[0]
}

/** There is one approval for all calls: it expires with the first of them. */
function termsOf(calls: readonly WaitingCall[], now: number): ApprovalTerms | undefined {
  const [first] = calls
    .flatMap(({ tool }) => tool.approvalExpiry ?? [])
    .toSorted((left, right) => left.afterMs - right.afterMs)
  return first && { expiresAt: now + first.afterMs, onExpiry: first.policy ?? 'reject' }
}

function requirement(toolExecution: ToolExecution, now: number): RunRequirement {
  const { userInputSchema, requiresUserInput, externalExecutionRequired } = toolExecution
  return {
    id: newId('req'),
    createdAt: toIso(now),
    toolExecution,
    ...(userInputSchema && { userInputSchema }),
    needsConfirmation: !requiresUserInput && !externalExecutionRequired,
    needsUserInput: requiresUserInput ?? false,
  }
}

function waitsFor({ toolName, requiresUserInput, externalExecutionRequired, interrupted }: ToolExecution): string {
  if (externalExecutionRequired) return `the result of ${toolName}`
  if (requiresUserInput) return `input for ${toolName}`
  return interrupted
    ? `a confirmation to run ${toolName} again, which was interrupted`
    : `a confirmation of ${toolName}`
}
