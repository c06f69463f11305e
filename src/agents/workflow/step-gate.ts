import { toIso } from '../../core/clock.js'
import { newId } from '../../core/ids.js'
import type { Decision } from '../log/decision.js'
import { GATE } from '../log/step-log.js'
import type { StepRequirement } from '../log/step-record.js'
import type { RunRequirement, ToolExecution, UserInputField } from '../log/tool-execution.js'
import { outermostIndex } from './place.js'
import type { Place } from './place.js'
import type { TimeoutPolicy } from './step-node.js'
import type { StepWait } from './step-outcome.js'
import type { StepWork } from './step-work.js'

/** What somebody is asked about a step. */
export interface Question {
  /** Tells the questions about one step apart. */
  gate: string
  message?: string
  timeoutMs?: number
  onTimeout?: TimeoutPolicy
  approval?: 'required'
  /** Started before a crash, outcome unknown. */
  interrupted?: boolean
  /** A form to fill in. */
  fields?: readonly UserInputField[]
  /** What the contract shows of it. */
  shown: Partial<StepRequirement>
}

/** An answer, that nobody has given one in time, or that it is still waited for. */
export type Answered = { decision: Decision } | { timedOut: TimeoutPolicy } | { wait: StepWait; isNew: boolean }

/** Looks whether a question was answered; who asks it for the first time tells so, and waits. */
export function answerOf(work: StepWork, place: Place, question: Question): Answered {
  const { fold, now } = work
  const toolCallId = `${place.id}${GATE}${question.gate}`
  const decision = fold.decision(toolCallId)
  if (decision?.isTimeout) return { timedOut: question.onTimeout ?? 'cancel' }
  if (decision && isEnough(decision, question)) return { decision }
  const asked = fold.requirements.find(({ toolExecution }) => toolExecution.toolCallId === toolCallId)
  const shown = asked && fold.steps.requirements.findLast(({ stepId }) => stepId === place.id)
  if (asked && !decision) {
    const timeoutAt = shown?.timeoutAt === undefined ? undefined : Date.parse(shown.timeoutAt)
    return { wait: waitFor(place, asked, shown, timeoutAt), isNew: false }
  }
  const until = question.timeoutMs === undefined ? undefined : now + question.timeoutMs
  const requirement = requirementOf(place, toolCallId, question, now)
  return { wait: waitFor(place, requirement, shownAs(place, question, until), until), isNew: true }
}

/** One that asks for an approval takes none but that approval's word, or a no. */
function isEnough(decision: Decision, { approval }: Question): boolean {
  if (approval !== 'required' || decision.kind === 'reject') return true
  return decision.approval === 'required' && decision.approvalId !== undefined
}

function waitFor(
  { name, ...place }: Place,
  requirement: RunRequirement,
  shown: StepRequirement | undefined,
  wakeAt: number | undefined,
): StepWait {
  return {
    kind: 'step',
    stepName: name,
    stepIndex: outermostIndex({ name, ...place }),
    requirements: [requirement],
    ...(shown && { stepRequirements: [shown] }),
    ...(wakeAt !== undefined && { wakeAt }),
    // The approval's own record says then that its time is up.
    ...(wakeAt !== undefined &&
      requirement.toolExecution.approvalType && { terms: { expiresAt: wakeAt, onExpiry: 'reject' as const } }),
  }
}

function requirementOf(place: Place, toolCallId: string, question: Question, now: number): RunRequirement {
  const { fields, approval, interrupted } = question
  const toolExecution: ToolExecution = {
    toolCallId,
    toolName: place.name,
    toolArgs: { step_id: place.id },
    stopAfterToolCall: false,
    createdAt: Math.floor(now / 1000),
    ...(fields ? { requiresUserInput: true, userInputSchema: [...fields] } : { requiresConfirmation: true }),
    ...(approval && { approvalType: approval }),
    ...(interrupted && { interrupted }),
  }
  return {
    id: newId('req'),
    createdAt: toIso(now),
    toolExecution,
    ...(fields && { userInputSchema: [...fields] }),
    needsConfirmation: !fields,
    needsUserInput: fields !== undefined,
  }
}

function shownAs(
  place: Place,
  { onTimeout = 'cancel', shown }: Question,
  timeoutAt: number | undefined,
): StepRequirement {
  return {
    stepId: place.id,
    stepName: place.name,
    stepIndex: outermostIndex(place),
    requiresConfirmation: false,
    confirmed: null,
    onReject: 'cancel',
    requiresUserInput: false,
    requiresRouteSelection: false,
    allowMultipleSelections: false,
    requiresOutputReview: false,
    isPostExecution: false,
    retryCount: 0,
    onTimeout,
    ...(timeoutAt !== undefined && { timeoutAt: toIso(timeoutAt) }),
    ...shown,
  }
}
