import { toEpochSeconds } from '../core/clock.js'
import { newId } from '../core/ids.js'
import { ModelError } from '../models/model-error.js'
import type { Model, ModelRequest, ModelResponse, ModelToolCall } from '../models/model.js'
import { abortable, abortableStream } from './abortable.js'
import type { AgentLeg } from './agent-leg.js'
import { conversation } from './conversation.js'
import type { LogEntry } from './log/entry.js'
import type { RunFold } from './log/fold.js'
import type { Message } from './log/message.js'
import { toTokenCounts } from './log/metrics.js'
import type { Yielded } from './runnable.js'
import { newMessage } from './user-message.js'

/** The requests of one model step so far. */
export interface Asked {
  /** Over all models. */
  number: number
  /** Index of the last event before the current request has shown anything; undefined while it has not. */
  shownAfter: number | undefined
}

/** A finished model step. Its entry is not yielded yet, so that it can be written together with what follows. */
export interface ModelStep {
  message: Message
  response: ModelResponse
  completed: LogEntry
}

interface Reply {
  response: ModelResponse
  /** Seconds. */
  duration: number
  timeToFirstToken?: number
}

/** One request, without a second try. Streams when somebody reads along. */
export async function* requestModel(leg: AgentLeg, model: Model, asked: Asked): AsyncGenerator<Yielded, Reply> {
  const { run } = leg
  const request = requestOf(leg)
  const startedAt = run.clock.now()
  const since = (): number => Math.max(0, run.clock.now() - startedAt) / 1000
  if (!run.isStreaming) {
    const response = await abortable(model.generate(request), run.signal)
    return { response, duration: since() }
  }
  let timeToFirstToken: number | undefined
  for await (const part of abortableStream(model.stream(request), run.signal)) {
    if (part.type === 'finish') return { response: part.response, duration: since(), timeToFirstToken }
    timeToFirstToken ??= since()
    const isShown = part.type === 'reasoning' ? !leg.isHeld : showsText(leg)
    if (!isShown || part.text === '') continue
    asked.shownAfter ??= run.fold.lastIndex
    yield delta(part)
  }
  throw new ModelError(
    'invalid_response',
    `The stream of ${model.provider} model "${model.id}" ended without an answer.`,
  )
}

/** Whether text is shown as the model writes it. */
export function showsText({ isHeld, form }: AgentLeg): boolean {
  return !isHeld && form === undefined
}

function delta({ type, text }: { type: 'text' | 'reasoning'; text: string }): LogEntry {
  if (type === 'text') return { event: { event: 'RunContent', content: text } }
  return { event: { event: 'RunContent', content: null, reasoningContent: text } }
}

function requestOf({ plan, run, offered, form }: AgentLeg): ModelRequest {
  const own = run.fold.messages
  // A choice that forces a call is met by the first one; kept up, it would never let the model answer.
  const isMet = plan.toolChoice !== 'none' && own.some(({ role }) => role === 'tool')
  return {
    messages: conversation(run.history, own),
    ...(offered.length > 0 && { tools: offered }),
    ...(offered.length > 0 && plan.toolChoice && !isMet && { toolChoice: plan.toolChoice }),
    ...(form && { output: form.format }),
    signal: run.signal,
  }
}

/** The answer as a message of the run and as the entry that completes the step. */
export function finishedStep(leg: AgentLeg, model: Model, reply: Reply): ModelStep {
  const { fold, clock } = leg.run
  const { response, duration, timeToFirstToken } = reply
  const { reasoningContent, providerData, content } = response
  const usage = toTokenCounts(response.usage)
  const toolCalls = uniqueCalls(response.toolCalls, fold)
  const message: Message = {
    ...newMessage('assistant', toEpochSeconds(clock.now())),
    content,
    ...(toolCalls.length > 0 && { toolCalls: toolCalls.map(recordedCall) }),
    ...(reasoningContent !== undefined && { reasoningContent }),
    ...(providerData && { providerData }),
    metrics: { ...usage, duration, ...(timeToFirstToken !== undefined && { timeToFirstToken }) },
  }
  const { inputTokens, outputTokens, totalTokens, reasoningTokens, cacheReadTokens, cacheWriteTokens } = usage
  return {
    message,
    response,
    completed: {
      event: {
        event: 'ModelRequestCompleted',
        model: model.id,
        modelProvider: model.provider,
        timeToFirstToken,
        inputTokens,
        outputTokens,
        totalTokens,
        reasoningTokens,
        cacheReadTokens,
        cacheWriteTokens,
      },
      facts: { messages: [message], ...(leg.isGuarded && { isWithheld: true }) },
    },
  }
}

/** A log knows its calls by their ids, so one that a model repeats gets another, whichever run's it is. */
function uniqueCalls(calls: readonly ModelToolCall[], fold: RunFold): ModelToolCall[] {
  return calls.map((call) => (call.id !== '' && fold.claimCall(call.id) ? call : { ...call, id: newId('call') }))
}

function recordedCall({ id, name, arguments: args }: ModelToolCall): NonNullable<Message['toolCalls']>[number] {
  return { id, type: 'function', function: { name, arguments: args } }
}
