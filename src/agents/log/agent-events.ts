import { z } from 'zod'
import { EpochSeconds, UserJson, UserJsonObject } from '../../core/schema.js'
import { Audio, Image, MediaLists } from './media.js'
import { Citations, Message, MessageReferences, ReasoningStep } from './message.js'
import { RunMetrics } from './metrics.js'
import { RunInput, RUN_FAILURE_CODES, RunStatus } from './run-record.js'
import { RunRequirement, ToolExecution } from './tool-execution.js'

/** Fields that the log stamps on every event, whoever it comes from. */
export const stampFields = {
  createdAt: EpochSeconds,
  runId: z.string(),
  sessionId: z.string(),
  nestedDepth: z.number().int(),
  /** From 0 per followed run, dense, never repeated. */
  eventIndex: z.number().int(),
}

/** Stamped on what happens inside of another run, or of a step of a workflow. */
export const insideFields = {
  parentRunId: z.string().optional(),
  workflowId: z.string().optional(),
  workflowRunId: z.string().optional(),
  stepId: z.string().optional(),
  stepName: z.string().optional(),
  stepIndex: z.union([z.number(), z.array(z.number())]).optional(),
}

const agentBase = { ...stampFields, ...insideFields, agentId: z.string(), agentName: z.string() }

/** A custom event is shown as whoever's run it belongs to. */
const customBase = {
  ...stampFields,
  ...insideFields,
  agentId: z.string().optional(),
  agentName: z.string().optional(),
  teamId: z.string().optional(),
  teamName: z.string().optional(),
  workflowName: z.string().optional(),
}

const ExtraData = z.object({
  reasoningSteps: z.array(ReasoningStep).optional(),
  references: z.array(MessageReferences).optional(),
})

/** What an answer can consist of: deltas in RunContent, the whole in RunCompleted. */
const answerFields = {
  contentType: z.string().optional(),
  reasoningContent: z.string().optional(),
  citations: Citations.optional(),
  modelProviderData: UserJsonObject.optional(),
  responseAudio: Audio.optional(),
  references: z.array(MessageReferences).optional(),
  additionalInput: z.array(Message).optional(),
  reasoningSteps: z.array(ReasoningStep).optional(),
  reasoningMessages: z.array(Message).optional(),
  extraData: ExtraData.optional(),
}

const usageFields = {
  inputTokens: z.number().optional(),
  outputTokens: z.number().optional(),
  totalTokens: z.number().optional(),
  reasoningTokens: z.number().optional(),
  cacheReadTokens: z.number().optional(),
  cacheWriteTokens: z.number().optional(),
}

const modelFields = { model: z.string().optional(), modelProvider: z.string().optional() }

function event<const Name extends string, Fields extends z.ZodRawShape>(name: Name, fields: Fields) {
  return z.object({ event: z.literal(name), ...agentBase, ...fields }).meta({ id: `${name}Event` })
}

/** What happens in the run of an agent, and in that of a team. */
export const agentEvents = [
  event('RunStarted', modelFields),
  event('RunContent', {
    /** A delta of the text; the whole object for a structured answer; null when this event holds no text. */
    content: UserJson.nullable(),
    ...answerFields,
    image: Image.optional(),
  }),
  event('RunIntermediateContent', { content: UserJson.nullable(), contentType: z.string().optional() }),
  event('RunContentCompleted', {}),
  event('RunCompleted', {
    content: UserJson.optional(),
    ...answerFields,
    ...MediaLists,
    metadata: UserJsonObject.optional(),
    metrics: RunMetrics.optional(),
    sessionState: UserJsonObject.optional(),
    status: RunStatus,
    followups: z.array(z.string()).optional(),
  }),
  event('RunPaused', {
    tools: z.array(ToolExecution).optional(),
    requirements: z.array(RunRequirement),
    content: z.string().optional(),
  }),
  event('RunContinued', {}),
  event('RunRecovered', {
    /** This run's content events with a greater index and before this one are void. */
    discardAfter: z.number().int(),
    attempt: z.number().int(),
    reason: z.enum(['crash', 'model_retry', 'model_fallback', 'guardrail', 'continue']),
  }),
  event('RunCancelled', { reason: z.string().optional(), content: UserJson.optional() }),
  event('RunError', {
    /** What went wrong. */
    content: z.string(),
    errorType: z.string().optional(),
    errorId: z.string().optional(),
    additionalData: UserJsonObject.optional(),
    errorCode: z.enum(RUN_FAILURE_CODES),
    retryable: z.boolean(),
  }),
  event('PreHookStarted', { preHookName: z.string(), runInput: RunInput.optional() }),
  event('PreHookCompleted', { preHookName: z.string(), runInput: RunInput.optional() }),
  event('PostHookStarted', { postHookName: z.string() }),
  event('PostHookCompleted', { postHookName: z.string() }),
  event('ModelRequestStarted', modelFields),
  event('ModelRequestCompleted', { ...modelFields, timeToFirstToken: z.number().optional(), ...usageFields }),
  event('ToolCallStarted', { tool: ToolExecution }),
  event('ToolCallCompleted', { tool: ToolExecution, content: z.string().optional(), ...MediaLists }),
  event('ToolCallError', { tool: ToolExecution, error: z.string() }),
  event('ReasoningStarted', {}),
  event('ReasoningContentDelta', { reasoningContent: z.string() }),
  event('ReasoningStep', {
    content: ReasoningStep,
    contentType: z.literal('ReasoningStep'),
    reasoningContent: z.string().optional(),
  }),
  event('ReasoningCompleted', {
    content: z.object({ reasoningSteps: z.array(ReasoningStep) }),
    contentType: z.literal('ReasoningSteps'),
  }),
] as const

/** Whatever a tool, a foreign agent or a step of a workflow shows beside the events of the contract. */
export const CustomEvent = z
  .looseObject({ event: z.literal('CustomEvent'), ...customBase, toolCallId: z.string().optional() })
  .meta({ id: 'CustomEvent' })
export type CustomEvent = z.infer<typeof CustomEvent>

/** Every event of an agent's run, told apart by `event`. */
export const AgentEvent = z.discriminatedUnion('event', [...agentEvents, CustomEvent]).meta({ id: 'AgentEvent' })
export type AgentEvent = z.infer<typeof AgentEvent>
