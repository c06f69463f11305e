import { z } from 'zod'
import { EpochSeconds, UserJson, UserJsonObject } from '../../core/schema.js'
import { CustomEvent, stampFields } from './agent-events.js'
import { Audio, MediaLists } from './media.js'
import { Run, RUN_FAILURE_CODES, RunStatus } from './run-record.js'
import { ErrorRequirement, PauseKind, StepOutput, StepRequirement, WorkflowMetrics } from './step-record.js'
import { RunRequirement, UserInputField } from './tool-execution.js'

/** Fields that the log stamps on every event of a workflow's run. */
const workflowBase = {
  ...stampFields,
  workflowId: z.string(),
  workflowName: z.string(),
  parentRunId: z.string().optional(),
  stepId: z.string().optional(),
  parentStepId: z.string().optional(),
}

const step = { stepName: z.string(), stepIndex: z.union([z.number(), z.array(z.number())]) }
const results = { stepResults: z.array(StepOutput).optional() }
const executor = {
  executorId: z.string(),
  executorName: z.string(),
  executorRunId: z.string(),
  executorType: z.enum(['agent', 'team']),
}

function event<const Name extends string, Fields extends z.ZodRawShape>(name: Name, fields: Fields) {
  return z.object({ event: z.literal(name), ...workflowBase, ...fields }).meta({ id: `${name}Event` })
}

/** How the run of a workflow begins and ends. Its log names these events as an agent's, and the stamp renames them. */
const lifeCycle = [
  event('WorkflowStarted', {}),
  event('WorkflowCompleted', {
    content: UserJson.optional(),
    contentType: z.string().optional(),
    ...results,
    stepExecutorRuns: z.array(z.lazy((): z.ZodType<Run> => Run)).optional(),
    metadata: UserJsonObject.optional(),
    metrics: WorkflowMetrics.optional(),
    status: RunStatus,
  }),
  event('WorkflowPaused', {
    status: RunStatus,
    pausedStepIndex: z.number().int().optional(),
    pausedStepName: z.string().optional(),
    pauseKind: PauseKind,
    stepRequirements: z.array(StepRequirement).optional(),
    errorRequirements: z.array(ErrorRequirement).optional(),
    ...results,
    stepExecutorRuns: z.array(z.lazy((): z.ZodType<Run> => Run)).optional(),
    content: UserJson.optional(),
    metadata: UserJsonObject.optional(),
  }),
  event('WorkflowCancelled', { reason: z.string().optional(), content: UserJson.optional() }),
  event('WorkflowError', {
    error: z.string(),
    /** The same as `error`. */
    content: z.string(),
    errorType: z.string().optional(),
    errorId: z.string().optional(),
    additionalData: UserJsonObject.optional(),
    errorCode: z.enum(RUN_FAILURE_CODES),
    retryable: z.boolean(),
  }),
  event('WorkflowRecovered', { attempt: z.number().int(), reason: z.string() }),
] as const

/** What happens at the steps. */
export const stepEvents = [
  event('StepStarted', step),
  event('StepOutput', { ...step, stepOutput: StepOutput }),
  event('StepCompleted', {
    ...step,
    content: UserJson.optional(),
    contentType: z.string().optional(),
    ...MediaLists,
    responseAudio: Audio.optional(),
    stepResponse: StepOutput,
  }),
  event('StepPaused', {
    ...step,
    requiresConfirmation: z.boolean(),
    confirmationMessage: z.string().optional(),
    requiresUserInput: z.boolean(),
    userInputMessage: z.string().optional(),
    userInputSchema: z.array(UserInputField).optional(),
  }),
  event('StepContinued', step),
  event('StepExecutorPaused', { ...step, ...executor, executorRequirements: z.array(RunRequirement) }),
  event('StepExecutorContinued', { ...step, ...executor }),
  event('StepOutputReview', {
    ...step,
    requiresOutputReview: z.literal(true),
    outputReviewMessage: z.string().optional(),
  }),
  event('StepError', { ...step, error: z.string() }),
  event('MapExecutionStarted', { ...step, itemCount: z.number().int() }),
  event('MapExecutionCompleted', { ...step, itemCount: z.number().int(), ...results }),
  event('SleepStarted', { ...step, resumeAt: EpochSeconds }),
  event('SleepCompleted', { ...step, resumeAt: EpochSeconds }),
  event('WaitForEventStarted', { ...step, eventName: z.string(), timeoutAt: EpochSeconds.optional() }),
  event('WaitForEventCompleted', {
    ...step,
    eventName: z.string(),
    timeoutAt: EpochSeconds.optional(),
    payload: UserJson.optional(),
  }),
  event('LoopExecutionStarted', { ...step, maxIterations: z.number().int() }),
  event('LoopIterationStarted', { ...step, iteration: z.number().int(), maxIterations: z.number().int() }),
  event('LoopIterationCompleted', {
    ...step,
    iteration: z.number().int(),
    maxIterations: z.number().int(),
    iterationResults: z.array(StepOutput),
    shouldContinue: z.boolean(),
  }),
  event('LoopExecutionCompleted', {
    ...step,
    totalIterations: z.number().int(),
    maxIterations: z.number().int(),
    allResults: z.array(z.array(StepOutput)),
  }),
  event('ParallelExecutionStarted', { ...step, parallelStepCount: z.number().int() }),
  event('ParallelExecutionCompleted', { ...step, parallelStepCount: z.number().int(), ...results }),
  event('ConditionExecutionStarted', { ...step, conditionResult: z.boolean() }),
  event('ConditionExecutionCompleted', {
    ...step,
    conditionResult: z.boolean(),
    executedSteps: z.number().int(),
    branch: z.enum(['if', 'else']),
    ...results,
  }),
  event('RouterExecutionStarted', { ...step, selectedSteps: z.array(z.string()) }),
  event('RouterExecutionCompleted', {
    ...step,
    selectedSteps: z.array(z.string()),
    executedSteps: z.number().int(),
    ...results,
  }),
  event('RouterPaused', {
    ...step,
    availableChoices: z.array(z.string()),
    userInputMessage: z.string().optional(),
    allowMultipleSelections: z.boolean(),
  }),
  event('StepsExecutionStarted', { ...step, stepsCount: z.number().int() }),
  event('StepsExecutionCompleted', {
    ...step,
    stepsCount: z.number().int(),
    executedSteps: z.number().int(),
    ...results,
  }),
] as const

/** What happens at the steps, as it is shown. */
export type StepEvent = z.infer<(typeof stepEvents)[number]>

/** Every event of a workflow's own run. */
export const workflowEvents = [...lifeCycle, ...stepEvents] as const
export const WorkflowEvent = z
  .discriminatedUnion('event', [...workflowEvents, CustomEvent])
  .meta({ id: 'WorkflowEvent' })
export type WorkflowEvent = z.infer<typeof WorkflowEvent>
