import { z } from 'zod'
import { spoken } from '../agents/answer-content.js'
import { textOf } from '../agents/conversation.js'
import { calledIn, wholeExchanges } from '../agents/log/tool-exchange.js'
import type { Message } from '../agents/log/message.js'
import { AgentRun, RunStatus, TeamRun } from '../agents/log/run-record.js'
import type { Run } from '../agents/log/run-record.js'
import { toIsoSeconds } from '../core/clock.js'
import { ValidationError } from '../core/errors.js'
import { Timestamp } from '../core/schema.js'

/** A point from which a run can be continued. */
export const Checkpoint = z
  .object({
    /** For display: from 1, in the order of the list. */
    checkpointId: z.string(),
    runId: z.string(),
    sessionId: z.string(),
    /** How many messages are kept. */
    messageIndex: z.number().int(),
    /** The same, as `continue` takes it. */
    continueFrom: z.number().int(),
    /** What the run was then. */
    status: RunStatus,
    /** `checkpoint`: saved while the run went on. `end`: its end. `snapshot`: how far it has come, or any other point. */
    reason: z.enum(['checkpoint', 'end', 'snapshot']),
    createdAt: Timestamp,
    /** Of the last message that is kept. */
    messageId: z.string().optional(),
    messageRole: z.string().optional(),
    /** One line. */
    messagePreview: z.string().optional(),
    isLatest: z.boolean(),
  })
  .meta({ id: 'Checkpoint' })
export type Checkpoint = z.infer<typeof Checkpoint>

export const CheckpointList = z
  .object({ runId: z.string(), sessionId: z.string(), checkpoints: z.array(Checkpoint) })
  .meta({ id: 'CheckpointList' })
export type CheckpointList = z.infer<typeof CheckpointList>

function snapshotOf(id: string, snapshot: z.ZodType<Run>) {
  return z.object({ checkpoint: Checkpoint, snapshot }).meta({ id })
}
export const AgentCheckpointSnapshot = snapshotOf('CheckpointSnapshot', AgentRun)
export const TeamCheckpointSnapshot = snapshotOf('TeamCheckpointSnapshot', TeamRun)
export type CheckpointSnapshot = z.infer<typeof AgentCheckpointSnapshot>

const PREVIEW_LENGTH = 120

/** The points from which a run can be continued, in order. */
export function checkpointsOf(run: Run): CheckpointList {
  const { runId, sessionId, messages = [] } = run
  const last = latest(run)
  const indexes = messages
    .map((_, at) => at + 1)
    .filter((count) => count < last && messages[count - 1]!.role !== 'system' && isWhole(messages, count))
  return { runId, sessionId, checkpoints: [...indexes, last].map((count, at) => checkpoint(run, count, at + 1)) }
}

/**
 * A run as it was when it had so many messages. A boundary inside a tool exchange moves down to before it; the end of a
 * run that waits for somebody is none.
 *
 * @throws ValidationError `CHECKPOINT_OUT_OF_RANGE`
 */
export function checkpointAt(run: Run, messageIndex: number): CheckpointSnapshot {
  const { messages = [] } = run
  if (!Number.isInteger(messageIndex) || messageIndex < 0 || messageIndex > messages.length) {
    const message = `is ${messageIndex}, but the run has ${messages.length} messages; ask for 0 to ${messages.length}`
    throw new ValidationError('CHECKPOINT_OUT_OF_RANGE', `message_index ${message}.`, [
      { path: 'message_index', message },
    ])
  }
  const count = messageIndex >= latest(run) ? latest(run) : wholeExchanges(messages, messageIndex)
  const listed = checkpointsOf(run).checkpoints.find((one) => one.messageIndex === count)
  return { checkpoint: listed ?? checkpoint(run, count, 0), snapshot: snapshotAt(run, count) }
}

/** Where the last point is: the end of a run, with what it waits for; of one that goes on, its last whole exchange. */
function latest({ status, messages = [] }: Run): number {
  return isGoingOn(status) ? wholeExchanges(messages, messages.length) : messages.length
}

function isGoingOn(status: RunStatus): boolean {
  return status === 'pending' || status === 'running'
}

function isWhole(messages: readonly Message[], count: number): boolean {
  return wholeExchanges(messages, count) === count
}

/** @param ordinal 0 for a point that stands in no list. */
function checkpoint(run: Run, count: number, ordinal: number): Checkpoint {
  const { runId, sessionId, messages = [], status } = run
  const isLatest = count === latest(run)
  const message = messages[count - 1]
  const preview = message && previewOf(message)
  const ofLatest = isGoingOn(status) ? 'snapshot' : 'end'
  return {
    checkpointId: String(ordinal),
    runId,
    sessionId,
    messageIndex: count,
    continueFrom: count,
    status: isLatest ? status : 'running',
    reason: isLatest ? ofLatest : ordinal === 0 ? 'snapshot' : 'checkpoint',
    createdAt: message ? toIsoSeconds(message.createdAt * 1000) : run.createdAt,
    ...(message && { messageId: message.id, messageRole: message.role }),
    ...(preview && { messagePreview: preview }),
    isLatest,
  }
}

function previewOf(message: Message): string {
  const line = textOf(message)
    .slice(0, PREVIEW_LENGTH * 4)
    .replaceAll(/\s+/g, ' ')
    .trim()
  return Array.from(line).slice(0, PREVIEW_LENGTH).join('')
}

/** What only the end of a run says is left out: its answer, what it has used, why it failed. */
function snapshotAt(run: Run, count: number): Run {
  if (!isGoingOn(run.status) && count === latest(run)) return run
  const messages = (run.messages ?? []).slice(0, count)
  const called = calledIn(messages)
  const tools = run.tools?.filter(({ toolCallId }) => called.has(toolCallId))
  const requirements = run.requirements?.filter(({ toolExecution }) => called.has(toolExecution.toolCallId))
  const own = messages.slice(run.forkedFromRunId === undefined ? 0 : run.forkedFromMessageIndex)
  const content = spoken(own, 'content')
  const reasoningContent = spoken(own, 'reasoningContent')
  const { runId, sessionId, userId, parentRunId, input, model, modelProvider, metadata } = run
  const owner =
    run.agentId === undefined
      ? { teamId: run.teamId, teamName: 'teamName' in run ? run.teamName : undefined }
      : { agentId: run.agentId, agentName: run.agentName }
  const { forkedFromRunId, forkedFromMessageIndex, forkedFromSessionId, regeneratedFrom, createdAt } = run
  return {
    ...withoutUndefined({ runId, sessionId, userId, parentRunId, ...owner, input, model, modelProvider }),
    ...withoutUndefined({ metadata, forkedFromRunId, forkedFromMessageIndex, forkedFromSessionId, regeneratedFrom }),
    ...(content !== '' && { content }),
    contentType: 'str',
    ...(reasoningContent !== '' && { reasoningContent }),
    ...(messages.length > 0 && { messages }),
    ...(tools?.length && { tools }),
    ...(requirements?.length && { requirements }),
    status: 'running',
    createdAt,
  } as Run
}

function withoutUndefined<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields
}
