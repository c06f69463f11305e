import { z } from 'zod'
import { Audio, File, Image, MediaLists, Video } from '../agents/log/media.js'
import { Message, MessageReferences, ReasoningStep } from '../agents/log/message.js'
import { Run, runBody, RunStatus, workflowBody } from '../agents/log/run-record.js'
import type { AgentRun, RunInput, WorkflowRun } from '../agents/log/run-record.js'
import { WorkflowMetrics } from '../agents/log/step-record.js'
import type { JsonObject, JsonValue } from '../core/json.js'
import { Timestamp, UserJsonObject } from '../core/schema.js'

const { reasoningContent, reasoningSteps, reasoningMessages, metrics, messages, tools, references, citations } = runBody

const row = {
  runId: z.string(),
  parentRunId: z.string().optional(),
  userId: z.string().optional(),
  status: RunStatus.optional(),
  /** Structured input as JSON text. */
  runInput: z.string().optional(),
  /** Arrays, numbers and booleans as JSON text. */
  content: z.union([z.string(), UserJsonObject]).optional(),
  /** How `content` is to be read. */
  runResponseFormat: z.enum(['text', 'json']).optional(),
  reasoningContent,
  reasoningSteps,
  reasoningMessages,
  metrics,
  messages,
  tools,
  references,
  citations,
  ...MediaLists,
  responseAudio: runBody.responseAudio,
  inputMedia: z
    .object({ images: z.array(Image), videos: z.array(Video), audios: z.array(Audio), files: z.array(File) })
    .optional(),
  followups: runBody.followups,
  sessionState: runBody.sessionState,
  createdAt: Timestamp,
  forkedFromRunId: runBody.forkedFromRunId,
  forkedFromMessageIndex: runBody.forkedFromMessageIndex,
  forkedFromSessionId: runBody.forkedFromSessionId,
  regeneratedFrom: runBody.regeneratedFrom,
  lastCheckpointAtMessageIndex: runBody.lastCheckpointAtMessageIndex,
  /** The same as above once more: where the chat front end looks for it. */
  extraData: z
    .object({
      reasoningSteps: z.array(ReasoningStep).optional(),
      reasoningMessages: z.array(Message).optional(),
      references: z.array(MessageReferences).optional(),
    })
    .optional(),
}

/** A run of an agent in a list, in the form from which a front end rebuilds the chat. */
export const AgentRunRow = z.object({ ...row, agentId: z.string().optional() }).meta({ id: 'RunRow' })
export type AgentRunRow = z.infer<typeof AgentRunRow>

/** A run of a team in a list. */
export const TeamRunRow = z.object({ ...row, teamId: z.string() }).meta({ id: 'TeamRunRow' })
export type TeamRunRow = z.infer<typeof TeamRunRow>

const { runId, userId, status, runInput, content, images, videos, audio, files, responseAudio, createdAt } = row

/** A run of a workflow in a list. */
export const WorkflowRunRow = z
  .object({
    runId,
    userId,
    status,
    runInput,
    content,
    images,
    videos,
    audio,
    files,
    responseAudio,
    createdAt,
    workflowId: z.string(),
    contentType: z.string().optional(),
    ...workflowBody,
    stepExecutorRuns: z.array(z.lazy(() => Run)).optional(),
    metrics: WorkflowMetrics.optional(),
  })
  .meta({ id: 'WorkflowRunRow' })
export type WorkflowRunRow = z.infer<typeof WorkflowRunRow>

/** A run in a list. */
export const RunRow = z.union([WorkflowRunRow, TeamRunRow, AgentRunRow])
export type RunRow = z.infer<typeof RunRow>

/** A run as a row of a list. `withMessages: false` leaves its messages out. */
export function toRunRow(run: Run, { withMessages = true }: { withMessages?: boolean } = {}): RunRow {
  if ('workflowId' in run) return toWorkflowRow(run)
  const { input, content, contentType, messages, reasoningSteps, reasoningMessages, references, ...rest } =
    run as AgentRun
  const extraData = { reasoningSteps, reasoningMessages, references }
  return {
    ...rest,
    ...extraData,
    ...(input && { runInput: asText(input.inputContent), inputMedia: mediaOf(input) }),
    ...(content !== undefined && { content: asContent(content) }),
    runResponseFormat: isJson(content, contentType) ? 'json' : 'text',
    ...(withMessages && { messages }),
    ...(Object.values(extraData).some(Boolean) && { extraData }),
  }
}

function toWorkflowRow({ input, content, ...rest }: WorkflowRun): WorkflowRunRow {
  return {
    ...rest,
    ...(input !== undefined && { runInput: asText(input) }),
    ...(content !== undefined && { content: asContent(content) }),
  }
}

function asText(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Clients of the contract take a text or an object here, and refuse anything else. */
function asContent(content: JsonValue): string | JsonObject {
  const isObject = typeof content === 'object' && content !== null && !Array.isArray(content)
  return isObject ? content : asText(content)
}

function isJson(content: JsonValue | undefined, contentType: string): boolean {
  return content === undefined ? contentType !== 'str' : typeof content !== 'string'
}

function mediaOf({ images = [], videos = [], audios = [], files = [] }: RunInput): AgentRunRow['inputMedia'] {
  if (images.length + videos.length + audios.length + files.length === 0) return undefined
  return { images, videos, audios, files }
}
