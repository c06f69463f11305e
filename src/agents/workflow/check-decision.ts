import { ValidationError } from '../../core/errors.js'
import type { JsonValue } from '../../core/json.js'
import type { Decision } from '../log/decision.js'
import { GATE } from '../log/step-log.js'
import type { MadeDecision } from '../runnable.js'
import { insideOf } from './describe-steps.js'
import type { StepNode } from './step-node.js'

/**
 * Checks what somebody has given in the place of a step's output, or has filled in, by the schema of the step.
 *
 * @throws ValidationError `INVALID_STEP_REQUIREMENT` when it does not fit.
 */
export async function checkStepDecision(steps: readonly StepNode[], decision: Decision): Promise<void> {
  const [stepId = ''] = decision.toolCallId.split(GATE)
  const node = nodeAt(steps, stepId.split('/'))
  if (!node) return
  const edited = decision.kind === 'confirm' ? decision.editedArgs?.output : undefined
  if (edited !== undefined) await checkOutput(node, stepId, edited)
  if (decision.kind !== 'input' || node.type !== 'Input') return
  const { error } = node.fields.safeParse(decision.values)
  const [issue] = error?.issues ?? []
  if (issue) throw invalid(stepId, ['user_input', ...issue.path], issue.message)
}

async function checkOutput(node: StepNode, stepId: string, edited: JsonValue): Promise<void> {
  if (node.type === 'Function') {
    const [issue] = node.output?.safeParse(edited).error?.issues ?? []
    if (issue) throw invalid(stepId, ['edited_output', ...issue.path], issue.message)
  }
  const problem = node.type === 'Step' ? await node.executor.contentProblem?.(edited) : undefined
  if (problem !== undefined) throw invalid(stepId, ['edited_output'], problem)
}

/** The step with an id: the names on the way to it, with turns of loops and items of maps. */
function nodeAt(steps: readonly StepNode[], [first = '', ...rest]: readonly string[]): StepNode | undefined {
  const [name] = first.split('#')
  const node = steps.find((one) => one.name === name)
  return node && rest.length > 0 ? nodeAt(insideOf(node), rest) : node
}

/** A decision about a step of a workflow inside of another, as that one names its steps. */
export function ownDecision(decision: Decision, member: MadeDecision['member']): Decision {
  const around = `${member?.memberRunId ?? ''}/`
  if (!decision.toolCallId.startsWith(around)) return decision
  return { ...decision, toolCallId: decision.toolCallId.slice(around.length) }
}

function invalid(stepId: string, at: readonly PropertyKey[], why: string): ValidationError {
  const path = at.map(String).join('.')
  return new ValidationError('INVALID_STEP_REQUIREMENT', `Step "${stepId}" does not take ${path}: ${why}.`, [
    { path, message: why },
  ])
}
