import type {
  ResponseInputContent,
  ResponseInputItem,
  ResponseReasoningItem,
} from 'openai/resources/responses/responses.js'
import type { JsonObject, JsonValue } from '../core/json.js'
import { dataUrl, imageDetail, unsupportedPart } from './input-part.js'
import type { InputPart, ModelMessage } from './model.js'
import type { OpenAIModelSettings } from './openai-options.js'
import { responsesProtocol } from './openai-responses-output.js'
import { ownProviderData } from './provider-data.js'

type AssistantMessage = Extract<ModelMessage, { role: 'assistant' }>

/** The conversation as input items of the Responses API. */
export function responsesInput(messages: readonly ModelMessage[], settings: OpenAIModelSettings): ResponseInputItem[] {
  return messages.flatMap((message): ResponseInputItem[] => {
    switch (message.role) {
      case 'system':
        return [{ role: 'system', content: message.content }]
      case 'user':
        return [
          {
            role: 'user',
            content: typeof message.content === 'string' ? message.content : message.content.map(inputPart),
          },
        ]
      case 'assistant':
        return replayed(message, settings) ?? plain(message)
      case 'tool':
        return [{ type: 'function_call_output', call_id: message.toolCallId, output: message.content }]
    }
  })
}

function plain(message: AssistantMessage): ResponseInputItem[] {
  return [
    ...(message.content === '' ? [] : [{ role: 'assistant' as const, content: message.content }]),
    ...(message.toolCalls ?? []).map((call) => ({
      type: 'function_call' as const,
      call_id: call.id,
      name: call.name,
      arguments: call.arguments,
    })),
  ]
}

/**
 * The answer in the order in which the model gave it: each reasoning item directly before what it led to, which is
 * what the API checks. `undefined` when the message no longer is what the model answered.
 */
function replayed(message: AssistantMessage, settings: OpenAIModelSettings): ResponseInputItem[] | undefined {
  const output = ownProviderData(message, responsesProtocol, settings)?.output
  if (!Array.isArray(output)) return undefined
  const items: ResponseInputItem[] = []
  let position = 0
  let calls = 0
  for (const entry of output) {
    if (!isObject(entry)) return undefined
    if (entry.type === 'reasoning' && isObject(entry.item)) {
      items.push(entry.item as unknown as ResponseReasoningItem)
    } else if (entry.type === 'message' && typeof entry.length === 'number') {
      const text = message.content.slice(position, position + entry.length)
      position += entry.length
      items.push(outputMessage(text, entry))
    } else if (entry.type === 'tool_call') {
      const call = message.toolCalls?.[calls++]
      if (call === undefined) return undefined
      const id = typeof entry.id === 'string' ? { id: entry.id } : {}
      items.push({ type: 'function_call', ...id, call_id: call.id, name: call.name, arguments: call.arguments })
    }
  }
  return position === message.content.length && calls === (message.toolCalls?.length ?? 0) ? items : undefined
}

function outputMessage(text: string, { id, phase }: JsonObject): ResponseInputItem {
  return {
    type: 'message',
    role: 'assistant',
    id: typeof id === 'string' ? id : '',
    status: 'completed',
    content: [{ type: 'output_text', text, annotations: [] }],
    ...(phase === 'commentary' || phase === 'final_answer' ? { phase } : {}),
  }
}

function inputPart(part: InputPart): ResponseInputContent {
  switch (part.type) {
    case 'text':
      return { type: 'input_text', text: part.text }
    case 'image':
      return { type: 'input_image', image_url: part.url ?? dataUrl(part, 'image/png'), detail: imageDetail(part) }
    case 'file':
      return part.url === undefined
        ? {
            type: 'input_file',
            file_data: dataUrl(part, 'application/pdf'),
            filename: part.filename ?? 'file',
          }
        : { type: 'input_file', file_url: part.url }
    case 'audio':
      throw unsupportedPart('The Responses API takes no audio; use a model with openai(id, { api: "chat" }).')
    case 'video':
      throw unsupportedPart('The Responses API takes no video.')
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
