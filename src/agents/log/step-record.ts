import { z } from 'zod'
import { Timestamp, UserJson, UserJsonObject } from '../../core/schema.js'
import { Audio, File, Image, MediaLists, Video } from './media.js'
import { RunMetrics } from './metrics.js'
import { RunRequirement, UserInputField } from './tool-execution.js'

/** What a step of a workflow is. */
export const STEP_TYPES = [
  'Function',
  'Step',
  'Steps',
  'Loop',
  'Parallel',
  'Condition',
  'Router',
  'Workflow',
  'Map',
  'Sleep',
  'WaitForEvent',
] as const
export const StepType = z.enum(STEP_TYPES).meta({ id: 'StepType' })
export type StepType = z.infer<typeof StepType>

/** What does the work of a step. */
export const ExecutorType = z.enum(['agent', 'team', 'function', 'workflow'])
export type ExecutorType = z.infer<typeof ExecutorType>

const stepOutput = {
  stepName: z.string().optional(),
  stepId: z.string().optional(),
  stepType: StepType.optional(),
  executorType: ExecutorType.optional(),
  executorName: z.string().optional(),
  stepRunId: z.string().optional(),
  content: UserJson.optional(),
  ...MediaLists,
  metrics: RunMetrics.optional(),
  success: z.boolean(),
  error: z.string().optional(),
  /** The step asked to end the workflow. */
  stop: z.boolean(),
  isPaused: z.boolean(),
}

/** What came of a step. */
export interface StepOutput extends z.infer<z.ZodObject<typeof stepOutput>> {
  /** Of a step that holds others: what came of those. */
  steps?: StepOutput[]
}
export const StepOutput: z.ZodType<StepOutput> = z
  .object({ ...stepOutput, steps: z.array(z.lazy(() => StepOutput)).optional() })
  .meta({ id: 'StepOutput' })

/** What a step was given. */
export const StepInput = z
  .object({
    input: UserJson.optional(),
    previousStepOutputs: z.record(z.string(), StepOutput).optional(),
    previousStepContent: z.string().optional(),
    additionalData: UserJsonObject.optional(),
    images: z.array(Image).optional(),
    videos: z.array(Video).optional(),
    audio: z.array(Audio).optional(),
    files: z.array(File).optional(),
  })
  .meta({ id: 'StepInput' })
export type StepInput = z.infer<typeof StepInput>

const StepInputField = UserInputField.extend({
  required: z.boolean(),
  allowedValues: z.array(z.unknown()).optional(),
}).meta({ id: 'StepInputField' })
export type StepInputField = z.infer<typeof StepInputField>

/** What a paused workflow waits for at one of its steps. */
export const StepRequirement = z
  .object({
    stepId: z.string(),
    stepName: z.string().optional(),
    stepIndex: z.number().int().optional(),
    stepType: StepType.optional(),
    requiresConfirmation: z.boolean(),
    confirmationMessage: z.string().optional(),
    confirmed: z.boolean().nullable(),
    onReject: z.enum(['skip', 'cancel', 'else', 'retry']),
    requiresUserInput: z.boolean(),
    userInputMessage: z.string().optional(),
    userInputSchema: z.array(StepInputField).optional(),
    userInput: UserJsonObject.optional(),
    requiresRouteSelection: z.boolean(),
    availableChoices: z.array(z.string()).optional(),
    allowMultipleSelections: z.boolean(),
    selectedChoices: z.array(z.string()).optional(),
    requiresOutputReview: z.boolean(),
    outputReviewMessage: z.string().optional(),
    isPostExecution: z.boolean(),
    stepOutput: StepOutput.optional(),
    rejectionFeedback: z.string().optional(),
    editedOutput: UserJson.optional(),
    retryCount: z.number().int(),
    maxRetries: z.number().int().optional(),
    timeoutAt: Timestamp.optional(),
    onTimeout: z.enum(['cancel', 'skip', 'approve']),
    stepInput: StepInput.optional(),
    requiresExecutorInput: z.boolean().optional(),
    executorRequirements: z.array(RunRequirement).optional(),
    executorId: z.string().optional(),
    executorName: z.string().optional(),
    executorRunId: z.string().optional(),
    executorType: z.enum(['agent', 'team']).optional(),
    executorSessionId: z.string().optional(),
  })
  .meta({ id: 'StepRequirement' })
export type StepRequirement = z.infer<typeof StepRequirement>

/** A step that has failed, and about which somebody decides. */
export const ErrorRequirement = z
  .object({
    stepId: z.string(),
    stepName: z.string().optional(),
    stepIndex: z.number().int().optional(),
    errorMessage: z.string(),
    errorType: z.string().optional(),
    retryCount: z.number().int(),
    decision: z.enum(['retry', 'skip']).optional(),
  })
  .meta({ id: 'ErrorRequirement' })
export type ErrorRequirement = z.infer<typeof ErrorRequirement>

/** What the steps of a workflow have used, by the name of the step. */
export const WorkflowMetrics = z
  .object({
    steps: z.record(
      z.string(),
      z.object({
        stepName: z.string(),
        executorType: z.string(),
        executorName: z.string(),
        metrics: RunMetrics.optional(),
      }),
    ),
    /** Of all steps together. */
    ...RunMetrics.shape,
  })
  .meta({ id: 'WorkflowMetrics' })
export type WorkflowMetrics = z.infer<typeof WorkflowMetrics>

/** What kind of thing a paused workflow waits for; `timer` and `event` go on by themselves. */
export const PauseKind = z.enum(['step', 'executor', 'timer', 'event'])
export type PauseKind = z.infer<typeof PauseKind>
