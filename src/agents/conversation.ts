import type { ModelMessage } from '../models/model.js'
import type { Message } from './log/message.js'
import { userContent } from './user-message.js'

/**
 * The conversation as a model sees it: this run's instructions, earlier runs, this run. A tool call without an answer
 * and an answer without a call are left out, since providers refuse a conversation that holds one.
 */
export function conversation(history: readonly Message[], own: readonly Message[]): ModelMessage[] {
  const instructions = own.filter(({ role }) => role === 'system')
  return [...instructions, ...withoutInstructions(history), ...withoutInstructions(own)].flatMap(
    (message, at, all) => toModelMessage(message, all, at) ?? [],
  )
}

function withoutInstructions(messages: readonly Message[]): Message[] {
  return messages.filter(({ role }) => role !== 'system')
}

function toModelMessage(message: Message, all: readonly Message[], at: number): ModelMessage | undefined {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: textOf(message) }
    case 'user':
      return { role: 'user', content: userContent(message) }
    case 'assistant':
      return assistantMessage(message, answersAfter(all, at))
    case 'tool':
      return toolAnswer(message, all, at)
  }
}

function assistantMessage(message: Message, answered: ReadonlySet<string>): ModelMessage | undefined {
  const { toolCalls = [], reasoningContent, providerData } = message
  const calls = toolCalls.filter(({ id }) => answered.has(id))
  const content = textOf(message)
  if (content === '' && calls.length === 0) return undefined
  return {
    role: 'assistant',
    content,
    ...(calls.length > 0 && {
      toolCalls: calls.map((call) => ({
        id: call.id,
        name: call.function.name,
        arguments: call.function.arguments,
      })),
    }),
    ...(reasoningContent !== undefined && { reasoningContent }),
    // It describes the answer as it was: with a call less it would not fit.
    ...(providerData && calls.length === toolCalls.length && { providerData }),
  }
}

function toolAnswer(message: Message, all: readonly Message[], at: number): ModelMessage | undefined {
  const id = message.toolCallId
  if (id === undefined) return undefined
  let before = at - 1
  while (all[before]?.role === 'tool') before--
  const caller = all[before]
  if (caller?.role !== 'assistant' || !caller.toolCalls?.some((call) => call.id === id)) return undefined
  return {
    role: 'tool',
    toolCallId: id,
    toolName: message.toolName ?? '',
    content: textOf(message),
    ...(message.toolCallError && { isError: true }),
  }
}

/** Ids of the calls that are answered between this message and the next that is not an answer. */
function answersAfter(all: readonly Message[], at: number): Set<string> {
  const answered = new Set<string>()
  for (let next = at + 1; all[next]?.role === 'tool'; next++) {
    const id = all[next]?.toolCallId
    if (id !== undefined) answered.add(id)
  }
  return answered
}

export function textOf({ content = '' }: Message): string {
  return asText(content)
}

/** A text as it is, anything else as JSON. */
export function asText(content: unknown): string {
  return typeof content === 'string' ? content : JSON.stringify(content)
}
