import type {
  ChatCompletionAssistantMessageParam,
  ChatCompletionContentPart,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions/completions.js'
import type { JsonValue } from '../core/json.js'
import { dataUrl, imageDetail, partData, unsupportedPart } from './input-part.js'
import type { InputPart, ModelMessage } from './model.js'
import type { OpenAIModelSettings } from './openai-options.js'
import { ownProviderData } from './provider-data.js'

/** Marks provider data that this protocol can send back. */
export const chatProtocol = 'openai.chat'

/** Parts that compatible servers take and OpenAI does not. */
type CompatiblePart =
  { type: 'audio_url'; audio_url: { url: string } } | { type: 'video_url'; video_url: { url: string } }

/** What compatible servers want to see again of an answer. */
interface CompatibleFields {
  reasoning_content?: string
  reasoning?: string
  reasoning_details?: JsonValue
}

/** The conversation as messages of Chat Completions. */
export function chatMessages(
  messages: readonly ModelMessage[],
  settings: OpenAIModelSettings,
): ChatCompletionMessageParam[] {
  const currentTurn = messages.findLastIndex((message) => message.role === 'user')
  return messages.map((message, index): ChatCompletionMessageParam => {
    switch (message.role) {
      case 'system':
        return { role: 'system', content: message.content }
      case 'user': {
        if (typeof message.content === 'string') return { role: 'user', content: message.content }
        const parts = message.content.map((part) => contentPart(part, settings))
        return { role: 'user', content: parts as ChatCompletionContentPart[] }
      }
      case 'assistant':
        return assistantMessage(message, settings, index > currentTurn)
      case 'tool':
        return { role: 'tool', tool_call_id: message.toolCallId, content: message.content }
    }
  })
}

function assistantMessage(
  message: Extract<ModelMessage, { role: 'assistant' }>,
  settings: OpenAIModelSettings,
  isCurrentTurn: boolean,
): ChatCompletionAssistantMessageParam & CompatibleFields {
  const toolCalls = message.toolCalls ?? []
  const data = ownProviderData(message, chatProtocol, settings)
  const extras = Array.isArray(data?.toolCallExtras) ? data.toolCallExtras : []
  const field = data?.reasoningField
  // Servers want reasoning back while the model is still at its tools, and some refuse it in later turns.
  const reasoning = isCurrentTurn && toolCalls.length > 0 ? message.reasoningContent : undefined
  return {
    role: 'assistant',
    content: message.content === '' && toolCalls.length > 0 ? null : message.content,
    ...(toolCalls.length === 0
      ? {}
      : {
          tool_calls: toolCalls.map((call, index) => ({
            id: call.id,
            type: 'function' as const,
            function: { name: call.name, arguments: call.arguments },
            ...(extras[index] ? { extra_content: extras[index] } : {}),
          })),
        }),
    ...(reasoning !== undefined && field === 'reasoning_content' ? { reasoning_content: reasoning } : {}),
    ...(reasoning !== undefined && field === 'reasoning' ? { reasoning } : {}),
    ...(data?.reasoningDetails ? { reasoning_details: data.reasoningDetails } : {}),
  }
}

function contentPart(part: InputPart, { isOpenAI }: OpenAIModelSettings): ChatCompletionContentPart | CompatiblePart {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image': {
      const url = part.url ?? dataUrl(part, 'image/png')
      return {
        type: 'image_url',
        image_url: { url, ...(part.detail === undefined ? {} : { detail: imageDetail(part) }) },
      }
    }
    case 'audio':
      if (part.url === undefined) {
        return { type: 'input_audio', input_audio: { data: partData(part), format: audioFormat(part.mimeType) } }
      }
      if (isOpenAI) throw unsupportedPart('OpenAI takes audio as data, not by URL.')
      return { type: 'audio_url', audio_url: { url: part.url } }
    case 'video':
      if (isOpenAI) throw unsupportedPart('OpenAI takes no video.')
      return { type: 'video_url', video_url: { url: part.url ?? dataUrl(part, 'video/mp4') } }
    case 'file':
      return filePart(part, isOpenAI)
  }
}

function filePart(part: Extract<InputPart, { type: 'file' }>, isOpenAI: boolean): ChatCompletionContentPart {
  const filename = part.filename ?? 'file'
  if (part.url !== undefined) {
    if (isOpenAI) throw unsupportedPart('Chat Completions takes files as data, not by URL; use api: "responses".')
    return { type: 'file', file: { filename, file_data: part.url } }
  }
  // Chat Completions reads PDF only, but what is text can be read by any model.
  if (part.mimeType?.startsWith('text/') || part.mimeType === 'application/json') {
    return { type: 'text', text: `${filename}:\n${Buffer.from(partData(part), 'base64').toString('utf8')}` }
  }
  return { type: 'file', file: { filename, file_data: dataUrl(part, 'application/pdf') } }
}

function audioFormat(mimeType: string | undefined): 'wav' | 'mp3' {
  return mimeType === 'audio/mpeg' || mimeType === 'audio/mp3' ? 'mp3' : 'wav'
}
