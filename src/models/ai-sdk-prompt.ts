import type { LanguageModelV4FilePart, LanguageModelV4Message, LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { JsonObject, JsonValue } from '../core/json.js'
import { partData, unsupportedPart } from './input-part.js'
import type { InputPart, ModelMessage } from './model.js'
import { ownProviderData } from './provider-data.js'

/** Marks provider data that this adapter can send back. */
export const aiSdkProtocol = 'ai-sdk'

/** What decides how a prompt is spelled for a model. */
export interface PromptTarget {
  readonly provider: string
  readonly modelId: string
  readonly version: 'v2' | 'v3' | 'v4'
  /** The URLs that the provider fetches itself, by media type. */
  readonly supportedUrls: Readonly<Record<string, readonly RegExp[]>>
}

type AssistantContent = Extract<LanguageModelV4Message, { role: 'assistant' }>['content']
type AssistantMessage = Extract<ModelMessage, { role: 'assistant' }>

/** The conversation as a prompt of the AI SDK's provider specification. */
export function aiSdkPrompt(messages: readonly ModelMessage[], target: PromptTarget): LanguageModelV4Prompt {
  const prompt: LanguageModelV4Prompt = []
  for (const message of messages) {
    switch (message.role) {
      case 'system':
        prompt.push({ role: 'system', content: message.content })
        break
      case 'user': {
        const parts: InputPart[] =
          typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content
        prompt.push({
          role: 'user',
          content: parts.map((part) =>
            part.type === 'text' ? { type: 'text', text: part.text } : filePart(part, target),
          ),
        })
        break
      }
      case 'assistant':
        prompt.push({ role: 'assistant', content: replayed(message, target) ?? plain(message) })
        break
      case 'tool': {
        const result = {
          type: 'tool-result' as const,
          toolCallId: message.toolCallId,
          toolName: message.toolName,
          output: { type: message.isError ? ('error-text' as const) : ('text' as const), value: message.content },
        }
        // Parallel results belong into one message: some providers refuse a turn of its own for each.
        const previous = prompt.at(-1)
        if (previous?.role === 'tool') previous.content.push(result)
        else prompt.push({ role: 'tool', content: [result] })
        break
      }
    }
  }
  return prompt
}

function plain(message: AssistantMessage): AssistantContent {
  return [
    ...(message.content === '' ? [] : [{ type: 'text' as const, text: message.content }]),
    ...(message.toolCalls ?? []).map((call) => toolCallPart(call)),
  ]
}

/**
 * The answer with everything that its provider needs to see again (signed reasoning, its own tools' results), in its
 * order. `undefined` when the message no longer is what the model answered.
 */
function replayed(message: AssistantMessage, target: PromptTarget): AssistantContent | undefined {
  const output = ownProviderData(message, aiSdkProtocol, target)?.content
  if (!Array.isArray(output)) return undefined
  const parts: AssistantContent = []
  let position = 0
  let calls = 0
  for (const entry of output) {
    if (!isObject(entry)) return undefined
    const options = isObject(entry.providerOptions)
      ? { providerOptions: entry.providerOptions as Record<string, JsonObject> }
      : {}
    if (entry.type === 'text' && typeof entry.length === 'number') {
      parts.push({ type: 'text', text: message.content.slice(position, position + entry.length), ...options })
      position += entry.length
    } else if (entry.type === 'tool-call') {
      const call = message.toolCalls?.[calls++]
      if (call === undefined) return undefined
      parts.push({ ...toolCallPart(call), ...options })
    } else if (entry.type === 'part' && isObject(entry.part)) {
      parts.push(entry.part as unknown as AssistantContent[number])
    }
  }
  return position === message.content.length && calls === (message.toolCalls?.length ?? 0) ? parts : undefined
}

function toolCallPart(call: { id: string; name: string; arguments: string }) {
  return { type: 'tool-call' as const, toolCallId: call.id, toolName: call.name, input: parseArguments(call.arguments) }
}

/** Providers take objects only; what does not parse is shown to the model as what it wrote. */
export function parseArguments(text: string): JsonValue {
  try {
    return JSON.parse(text || '{}') as JsonValue
  } catch (error) {
    if (error instanceof SyntaxError) return { unparsed: text }
    throw error
  }
}

const defaultMediaTypes = { image: 'image/*', audio: 'audio/wav', video: 'video/mp4', file: 'application/octet-stream' }

function filePart(part: Exclude<InputPart, { type: 'text' }>, target: PromptTarget): LanguageModelV4FilePart {
  const mediaType = part.mimeType ?? defaultMediaTypes[part.type]
  const filename = part.type === 'file' && part.filename !== undefined ? { filename: part.filename } : {}
  const data = part.url === undefined ? partData(part) : fetchableUrl(part.url, mediaType, target)
  // Before v4 the data stood there itself, without a word on what it is.
  const wrapped = typeof data === 'string' ? { type: 'data', data } : { type: 'url', url: data }
  return {
    type: 'file',
    mediaType,
    ...filename,
    data: target.version === 'v4' ? wrapped : data,
  } as LanguageModelV4FilePart
}

// Fetching what the provider can't would make our host request addresses that a user has written.
function fetchableUrl(url: string, mediaType: string, { supportedUrls, provider, modelId }: PromptTarget): URL {
  const type = mediaType.split('/')[0] ?? ''
  const isSupported = Object.entries(supportedUrls).some(
    ([pattern, urls]) =>
      (pattern === '*' || pattern === '*/*' || pattern === mediaType || pattern === `${type}/*`) &&
      urls.some((expression) => new RegExp(expression.source, expression.flags.replace(/[gy]/g, '')).test(url)),
  )
  if (isSupported) return new URL(url)
  throw unsupportedPart(`${provider} model "${modelId}" takes ${mediaType} as data, not from this URL.`)
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
