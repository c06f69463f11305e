import { z } from 'zod'
import { Timestamp, UserJson, UserJsonObject } from '../../core/schema.js'
import { Audio, File, Image, MediaLists, Video } from './media.js'
import { Citations, Message, MessageReferences, ReasoningStep } from './message.js'
import { RunMetrics } from './metrics.js'
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
export const RunBody = z.object(runBody)
export type RunBody = z.infer<typeof RunBody>

/** A run of an agent: its whole record. */
export const AgentRun = z
  .object({
    runId: z.string(),
    sessionId: z.string(),
    userId: z.string().optional(),
    parentRunId: z.string().optional(),
    agentId: z.string(),
    agentName: z.string().optional(),
    ...runBody,
    status: RunStatus.meta({ agno: 'uppercase' }),
    createdAt: Timestamp.meta({ agno: 'epoch-seconds' }),
  })
  .meta({ id: 'RunOutput' })
export type AgentRun = z.infer<typeof AgentRun>

/** A run of any kind of component. */
export type Run = AgentRun
