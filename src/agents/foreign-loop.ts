import { toEpochSeconds } from '../core/clock.js'
import type { JsonObject, JsonValue } from '../core/json.js'
import type { Usage } from '../models/model.js'
import { abortableStream } from './abortable.js'
import { contentEntries, restOf } from './answer-content.js'
import { asText } from './conversation.js'
import type { ForeignAgentDefinition, ForeignContext, ForeignMessage, ForeignPart } from './foreign-agent.js'
import type { LogEntry } from './log/entry.js'
import { addRequest, addUsage } from './log/metrics.js'
import type { Message } from './log/message.js'
import type { RunInput } from './log/run-record.js'
import type { ToolExecution } from './log/tool-execution.js'
import { RunFailedError } from './run-failure.js'
import type { RunContext, Yielded } from './runnable.js'
import { newMessage, userMessage } from './user-message.js'

/** What was said, and what it took, when the foreign agent is done. */
interface Said {
  text: string
  value?: JsonValue
  contentType?: string
  usage: Partial<Usage>
}

/** Runs a foreign agent: for the log, all it does is one model step. */
export async function* foreignLoop(
  definition: ForeignAgentDefinition,
  run: RunContext,
): AsyncGenerator<Yielded, void, void> {
  const { fold, clock } = run
  const named = modelOf(definition)
  if (fold.startedAt === undefined) yield { event: { event: 'RunStarted', ...named } }
  const asked = askedIn(run)
  const isNew = asked.length > 0 || !fold.hasAsked
  if (!isNew && !definition.idempotent) throw interrupted()

  const startedAt = clock.now()
  const context = contextOf(run, asked)
  yield {
    event: { event: 'ModelRequestStarted', ...named },
    ...(asked.length > 0 && {
      facts: {
        messages: asked.map((input) => userMessage(input, toEpochSeconds(startedAt))),
        historyRunIds: [...run.historyRunIds],
      },
    }),
  }
  const said: Said = { text: '', usage: {} }
  const question = (asked.at(-1) ?? run.input).inputContent
  for await (const part of abortableStream(definition.run(question, context), run.signal)) {
    const entry = entryOf(part, said, run)
    if (entry) yield entry
  }
  yield ending(run, said, named, startedAt)
}

function entryOf(part: ForeignPart, said: Said, { fold, clock, isStreaming }: RunContext): LogEntry | undefined {
  if (typeof part === 'string') {
    said.text += part
    return isStreaming && part !== '' ? { event: { event: 'RunContent', content: part } } : undefined
  }
  if ('event' in part) {
    return { event: { ...(JSON.parse(JSON.stringify(part.event)) as JsonObject), event: 'CustomEvent' } }
  }
  if ('toolCall' in part) {
    return { event: { event: 'ToolCallStarted', tool: started(part.toolCall, clock.now()) } }
  }
  if ('toolResult' in part) {
    const { id, result, isError = false } = part.toolResult
    const tool = fold.tool(id) ?? started({ id, name: id }, clock.now())
    return { event: { event: 'ToolCallCompleted', tool: { ...tool, result, toolCallError: isError } } }
  }
  if (typeof part.content === 'string') said.text = restOf(part.content, said.text) === '' ? said.text : part.content
  else if (part.content !== undefined) said.value = part.content
  said.contentType = part.contentType ?? said.contentType
  addUsage(said.usage, part.usage ?? {})
  return undefined
}

function started({ id, name, args }: { id: string; name: string; args?: JsonObject }, now: number): ToolExecution {
  return {
    toolCallId: id,
    toolName: name,
    ...(args && { toolArgs: args }),
    stopAfterToolCall: false,
    createdAt: toEpochSeconds(now),
  }
}

/** What was not shown yet, the step's end and the run's, at once. */
function ending({ fold, clock, state, options }: RunContext, said: Said, named: Named, startedAt: number): LogEntry[] {
  const now = clock.now()
  const { value, text, contentType = value === undefined ? 'str' : 'dict' } = said
  const usage = totalled(said.usage)
  const content = value ?? text
  const message: Message = {
    ...newMessage('assistant', toEpochSeconds(now)),
    content: asText(content),
    metrics: { ...usage, duration: Math.max(0, now - startedAt) / 1000 },
  }
  const metrics = fold.metrics(now)
  addRequest(metrics, message.metrics ?? {}, named)
  const sessionState = state.snapshot()
  return [
    ...contentEntries(value === undefined ? { text: restOf(text, fold.text) } : { value, contentType }),
    { event: { event: 'ModelRequestCompleted', ...named, ...usage }, facts: { messages: [message] } },
    { event: { event: 'RunContentCompleted' } },
    {
      event: {
        event: 'RunCompleted',
        content,
        contentType,
        metrics,
        ...(options.metadata && { metadata: options.metadata }),
        ...(sessionState && { sessionState }),
        status: 'completed',
      },
    },
  ]
}

interface Named {
  model?: string
  modelProvider?: string
}

function modelOf({ model }: ForeignAgentDefinition): Named {
  return model ? { model: model.id, modelProvider: model.provider } : {}
}

function totalled(usage: Partial<Usage>): Partial<Usage> {
  const { inputTokens = 0, outputTokens = 0, totalTokens = inputTokens + outputTokens } = usage
  return totalTokens > 0 ? { ...usage, totalTokens } : usage
}

/** What the user says that the conversation does not hold yet. */
function askedIn({ fold, input }: RunContext): readonly RunInput[] {
  return fold.inputs.length === 0 && fold.messages.length === 0 ? [input] : fold.inputs
}

function contextOf(run: RunContext, asked: readonly RunInput[]): ForeignContext {
  const { runId, sessionId, userId, caller, input, state, options, signal, logger } = run
  return {
    runId,
    sessionId,
    ...(userId !== undefined && { userId }),
    caller,
    messages: [
      ...[...run.history, ...run.fold.messages].flatMap(turn),
      ...asked.map(({ inputContent }) => ({ role: 'user' as const, content: asText(inputContent) })),
    ],
    input: asked.at(-1) ?? input,
    sessionState: state.value,
    dependencies: options.dependencies ?? {},
    metadata: options.metadata ?? {},
    signal,
    logger,
  }
}

function turn({ role, content }: Message): ForeignMessage[] {
  return role === 'user' || role === 'assistant' ? [{ role, content: asText(content) }] : []
}

function interrupted(): RunFailedError {
  return new RunFailedError({
    errorCode: 'RUN_INTERRUPTED',
    message: 'The run was interrupted, and its agent can only begin anew. Start it again.',
    retryable: true,
  })
}
