import { z } from 'zod'
import { Timestamp, UserJson, UserJsonObject } from '../../core/schema.js'
import { Audio, File, Image, MediaLists, Video } from './media.js'
import { Citations, Message, MessageReferences, ReasoningStep } from './message.js'
import { RunMetrics } from './metrics.js'
import { ErrorRequirement, PauseKind, StepOutput, StepRequirement, WorkflowMetrics } from './step-record.js'
import { RunRequirement, ToolExecution } from './tool-execution.js'

export const RUN_STATUSES = ['pending', 'running', 'paused', 'completed', 'cancelled', 'error', 'regenerated'] as const

export const RunStatus = z.enum(RUN_STATUSES).meta({ id: 'RunStatus' })
export type RunStatus = z.infer<typeof RunStatus>

/** States in which a run has come to its end. */
export type EndStatus = 'completed' | 'cancelled' | 'error' | 'regenerated'

export function isEndStatus(status: RunStatus): status is EndStatus {
  return status === 'completed' || status === 'cancelled' || status === 'error' || status === 'regenerated'
}

/** Codes of {@link RunFailure}. */
export const RUN_FAILURE_CODES = [
  'MODEL_PROVIDER_ERROR',
  'MODEL_RATE_LIMITED',
  'MODEL_AUTH_FAILED',
  'CONTEXT_WINDOW_EXCEEDED',
  'INPUT_CHECK_FAILED',
  'OUTPUT_CHECK_FAILED',
  'TOOL_FAILED',
  'RUN_TIMEOUT',
  'STEP_LIMIT_REACHED',
  'TOKEN_BUDGET_EXCEEDED',
  'STEP_FAILED',
  'INSUFFICIENT_SCOPE',
  'RECOVERY_EXHAUSTED',
  'RUN_INTERRUPTED',
  'INTERNAL_ERROR',
] as const

/** Why a run ended as `error`. */
export const RunFailure = z
  .object({
    errorCode: z.enum(RUN_FAILURE_CODES),
    message: z.string(),
    errorType: z.string().optional(),
    errorId: z.string().optional(),
    additionalData: UserJsonObject.optional(),
    /** Whether the same run may succeed when it is tried again. */
    retryable: z.boolean(),
  })
  .meta({ id: 'RunFailure' })
export type RunFailure = z.infer<typeof RunFailure>

/** What a run was asked. */
export const RunInput = z
  .object({
    inputContent: UserJson,
    images: z.array(Image).optional(),
    videos: z.array(Video).optional(),
    audios: z.array(Audio).optional(),
    files: z.array(File).optional(),
  })
  .meta({ id: 'RunInput' })
export type RunInput = z.infer<typeof RunInput>

/** The fields that the fold of a log fills: everything of a run but who and when. */
export const runBody = {
  input: RunInput.optional(),
  content: UserJson.optional(),
  contentType: z.string(),
  reasoningContent: z.string().optional(),
  reasoningSteps: z.array(ReasoningStep).optional(),
  reasoningMessages: z.array(Message).optional(),
  model: z.string().optional(),
  modelProvider: z.string().optional(),
  modelProviderData: UserJsonObject.optional(),
  messages: z.array(Message).optional(),
  additionalInput: z.array(Message).optional(),
  metrics: RunMetrics.optional(),
  tools: z.array(ToolExecution).optional(),
  ...MediaLists,
  responseAudio: Audio.optional(),
  citations: Citations.optional(),
  references: z.array(MessageReferences).optional(),
  followups: z.array(z.string()).optional(),
  metadata: UserJsonObject.optional(),
  sessionState: UserJsonObject.optional(),
  requirements: z.array(RunRequirement).optional(),
  lastCheckpointAtMessageIndex: z.number().int().optional(),
  forkedFromRunId: z.string().optional(),
  forkedFromMessageIndex: z.number().int().optional(),
  forkedFromSessionId: z.string().optional(),
  regeneratedFrom: z.string().optional(),
  workflowStepId: z.string().optional(),
  error: RunFailure.optional(),
}

/** What only the body of a workflow's run holds. */
export const workflowBody = {
  stepResults: z.array(StepOutput).optional(),
  stepRequirements: z.array(StepRequirement).optional(),
  errorRequirements: z.array(ErrorRequirement).optional(),
  pausedStepIndex: z.number().int().optional(),
  pausedStepName: z.string().optional(),
  pauseKind: PauseKind.optional(),
  /** Of a pause for a timer. */
  resumeAt: Timestamp.optional(),
  /** Of a pause for an event. */
  eventName: z.string().optional(),
}

const whoAndWhen = {
  runId: z.string(),
  sessionId: z.string(),
  userId: z.string().optional(),
  parentRunId: z.string().optional(),
  status: RunStatus.meta({ agno: 'uppercase' }),
  createdAt: Timestamp.meta({ agno: 'epoch-seconds' }),
}

/** A run of an agent: its whole record. */
export const AgentRun = z
  .object({ ...whoAndWhen, agentId: z.string(), agentName: z.string().optional(), ...runBody })
  .meta({ id: 'RunOutput' })
export type AgentRun = z.infer<typeof AgentRun>

/** A run of a team: its whole record, with those of its members inside. */
export interface TeamRun extends Omit<AgentRun, 'agentId' | 'agentName'> {
  agentId?: undefined
  agentName?: undefined
  teamId: string
  teamName?: string
  memberResponses?: Run[]
}
export const TeamRun: z.ZodType<TeamRun> & z.ZodObject = z
  .object({
    ...whoAndWhen,
    teamId: z.string(),
    teamName: z.string().optional(),
    ...runBody,
    memberResponses: z.array(z.lazy((): z.ZodType<Run> => Run)).optional(),
  })
  .meta({ id: 'TeamRunOutput' })

const { content, contentType, images, videos, audio, files, responseAudio, metadata, workflowStepId, error } = runBody

type OwnOfWorkflow = z.infer<z.ZodObject<typeof whoAndWhen>> &
  Omit<z.infer<z.ZodObject<typeof workflowBody>>, 'stepResults'> &
  Pick<AgentRun, 'content' | 'contentType' | 'images' | 'videos' | 'audio' | 'files' | 'responseAudio' | 'metadata'> &
  Pick<AgentRun, 'workflowStepId' | 'error'> & {
    workflowId: string
    workflowName: string
    input?: RunInput['inputContent']
    stepResults: StepOutput[]
    stepExecutorRuns?: Run[]
    metrics?: WorkflowMetrics
  }

/** A run of a workflow: its whole record. */
export type WorkflowRun = OwnOfWorkflow & { [Key in Exclude<keyof TeamRun, keyof OwnOfWorkflow>]?: undefined }
export const WorkflowRun: z.ZodType<WorkflowRun> & z.ZodObject = z
  .object({
    ...whoAndWhen,
    workflowId: z.string(),
    workflowName: z.string(),
    content,
    contentType,
    images,
    videos,
    audio,
    files,
    responseAudio,
    metadata,
    workflowStepId,
    error,
    input: UserJson.optional(),
    ...workflowBody,
    stepResults: z.array(StepOutput),
    stepExecutorRuns: z.array(z.lazy((): z.ZodType<Run> => Run)).optional(),
    metrics: WorkflowMetrics.optional(),
  })
  .meta({ id: 'WorkflowRunOutput' })

/** A run of any kind of component. */
export type Run = AgentRun | TeamRun | WorkflowRun
export const Run: z.ZodType<Run> = z.union([AgentRun, TeamRun, WorkflowRun]).meta({ id: 'Run' })

/** What the fold of a log fills, of whatever kind the run is: everything but who and when. */
export type RunBody = z.infer<z.ZodObject<typeof runBody>> &
  z.infer<z.ZodObject<typeof workflowBody>> & {
    /** Of the members of a team, or of the steps of a workflow. */
    nestedRuns?: Run[]
    workflowMetrics?: WorkflowMetrics
  }
