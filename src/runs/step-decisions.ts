import { z } from 'zod'
import type { RunFold } from '../agents/log/fold.js'
import { GATE } from '../agents/log/step-log.js'
import type { StepRequirement } from '../agents/log/step-record.js'
import type { RunRequirement } from '../agents/log/tool-execution.js'
import { ConflictError, ValidationError } from '../core/errors.js'
import type { JsonValue } from '../core/json.js'
import { UserJson, UserJsonObject } from '../core/schema.js'
import { isOfType, RequirementDecision } from './decisions.js'

/** A decision about a step that a workflow waits at, found by the step's id. Whatever else is sent along is not taken. */
export const StepDecision = z.object({
  stepId: z.string(),
  confirmed: z.boolean().nullish(),
  rejectionFeedback: z.string().nullish(),
  userInput: UserJsonObject.nullish(),
  selectedChoices: z.array(z.string()).nullish(),
  /** In the place of the step's output; says yes to it. */
  editedOutput: UserJson.nullish(),
  /** About what the agent or team of the step waits for. */
  executorRequirements: z.array(RequirementDecision).nullish(),
})
export type StepDecision = z.input<typeof StepDecision>

/** A decision about a step that has failed. */
export const ErrorDecision = z.object({ stepId: z.string(), decision: z.enum(['retry', 'skip']).nullish() })
export type ErrorDecision = z.input<typeof ErrorDecision>

export interface GivenStepDecisions {
  stepRequirements?: readonly z.output<typeof StepDecision>[]
  errorRequirements?: readonly z.output<typeof ErrorDecision>[]
}

/**
 * What was decided about steps, as decisions about what the run waits for.
 *
 * @throws ValidationError `INVALID_STEP_REQUIREMENT` for a step that the run does not wait at, a field that it does not
 *   ask for, or a value that it does not allow.
 */
export function stepDecisions(
  fold: RunFold,
  { stepRequirements = [], errorRequirements = [] }: GivenStepDecisions,
): z.output<typeof RequirementDecision>[] {
  const open = fold.openRequirements
  const ofStep = (stepId: string): RunRequirement[] =>
    open.filter(({ toolExecution }) => toolExecution.toolCallId.startsWith(`${stepId}${GATE}`))
  return [
    ...lastOfEach(stepRequirements).flatMap((given) => {
      const { stepId, executorRequirements } = given
      const asked = ofStep(stepId)
      const shown = fold.steps.requirements.findLast((one) => one.stepId === stepId)
      if (!shown) throw invalid(stepId, 'step_id', 'names no step that the run waits at')
      if (shown.executorRequirements) return executorDecisions(shown, executorRequirements ?? [])
      // Clients send the whole history back.
      return asked.flatMap((requirement) => decisionOf(requirement, shown, given) ?? [])
    }),
    ...lastOfEach(errorRequirements).flatMap(({ stepId, decision }) => {
      if (!fold.steps.errors.some((one) => one.stepId === stepId)) {
        throw invalid(stepId, 'step_id', 'names no step that has failed')
      }
      if (!decision) return []
      return ofStep(stepId).map(({ id }) => ({ id, confirmation: decision === 'retry' }))
    }),
  ]
}

/** Of several entries about one step the last: those before it are its history. */
function lastOfEach<Given extends { stepId: string }>(given: readonly Given[]): Given[] {
  return [...new Map(given.map((one) => [one.stepId, one])).values()]
}

function executorDecisions(
  { stepId, executorRequirements = [] }: StepRequirement,
  given: readonly z.output<typeof RequirementDecision>[],
): z.output<typeof RequirementDecision>[] {
  const unknown = given.find(({ id }) => !executorRequirements.some((one) => one.id === id))
  if (!unknown) return [...given]
  throw invalid(stepId, 'executor_requirements', `has no executor requirement "${unknown.id}"`)
}

function decisionOf(
  { id, userInputSchema }: RunRequirement,
  shown: StepRequirement,
  { stepId, confirmed, rejectionFeedback, userInput, selectedChoices, editedOutput }: z.output<typeof StepDecision>,
): z.output<typeof RequirementDecision> | undefined {
  if (userInputSchema) {
    if (confirmed === false) throw invalid(stepId, 'confirmed', 'is asked for an answer; cancel the run instead')
    if (shown.requiresRouteSelection) {
      if (!selectedChoices) return undefined
      checkChoices(shown, selectedChoices)
      return { id, userInputSchema: [{ name: 'selected_choices', value: selectedChoices }] }
    }
    if (!userInput) return undefined
    checkAnswers(shown, userInput)
    const given = Object.entries(userInput).map(([name, value]) => ({ name, value }))
    const left = userInputSchema.filter(({ name }) => !Object.hasOwn(userInput, name))
    const isComplete = left.every(
      ({ name }) => shown.userInputSchema?.find((one) => one.name === name)?.required !== true,
    )
    return { id, userInputSchema: given, ...(isComplete && { toolExecution: { answered: true } }) }
  }
  if (editedOutput !== undefined && editedOutput !== null) {
    if (!shown.requiresOutputReview) throw invalid(stepId, 'edited_output', 'has no output to edit')
    return { id, confirmation: true, toolExecution: { editedArgs: { output: editedOutput } } }
  }
  if (typeof confirmed !== 'boolean') return undefined
  return {
    id,
    confirmation: confirmed,
    ...(!confirmed && rejectionFeedback && { confirmationNote: rejectionFeedback }),
  }
}

function checkChoices({ stepId, availableChoices = [], allowMultipleSelections }: StepRequirement, chosen: string[]) {
  const unknown = chosen.find((choice) => !availableChoices.includes(choice))
  if (unknown !== undefined) {
    throw invalid(stepId, 'selected_choices', `has no choice "${unknown}"; there are: ${availableChoices.join(', ')}`)
  }
  if (chosen.length === 0 || (chosen.length > 1 && !allowMultipleSelections)) {
    throw invalid(stepId, 'selected_choices', `takes ${allowMultipleSelections ? 'at least one choice' : 'one choice'}`)
  }
}

function checkAnswers(
  { stepId, userInputSchema = [] }: StepRequirement,
  given: Readonly<Record<string, unknown>>,
): void {
  for (const { name, required, allowedValues, fieldType } of userInputSchema) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined
    if (value === undefined || value === null) {
      if (required) throw invalid(stepId, `user_input.${name}`, `needs a value for "${name}"`)
    } else if (!isOfType(fieldType, value as JsonValue)) {
      throw invalid(stepId, `user_input.${name}`, `needs a value of type ${fieldType} for "${name}"`)
    } else if (allowedValues && !allowedValues.includes(value)) {
      throw invalid(stepId, `user_input.${name}`, `allows for "${name}" only: ${allowedValues.join(', ')}`)
    }
  }
  const unknown = Object.keys(given).find((name) => !userInputSchema.some((field) => field.name === name))
  if (unknown !== undefined) throw invalid(stepId, `user_input.${unknown}`, `asks for no field "${unknown}"`)
}

/** @throws ConflictError `RUN_NOT_CONTINUABLE` for a workflow that waits for no person. */
export function checkWaitsForSomebody(runId: string, { openRequirements }: RunFold): void {
  if (openRequirements.length > 0) return
  const detail = `Run "${runId}" waits for a time or an event, and goes on by itself.`
  throw new ConflictError('RUN_NOT_CONTINUABLE', detail)
}

function invalid(stepId: string, path: string, message: string): ValidationError {
  return new ValidationError('INVALID_STEP_REQUIREMENT', `Step "${stepId}" ${message}.`, [{ path, message }])
}
