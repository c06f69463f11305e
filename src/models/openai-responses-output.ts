import type { Response, ResponseOutputItem, ResponseOutputMessage } from 'openai/resources/responses/responses.js'
import type { JsonObject } from '../core/json.js'
import type { ModelCitation, ModelResponse, ModelToolCall, Usage } from './model.js'
import type { OpenAIModelSettings } from './openai-options.js'
import { withProviderData } from './provider-data.js'

/** Marks provider data that this protocol can send back. */
export const responsesProtocol = 'openai.responses'

/** Reads a finished response. `output` is given apart from it, because it may have been gathered from the stream. */
export function responsesAnswer(
  response: Response,
  output: readonly ResponseOutputItem[],
  settings: OpenAIModelSettings,
): ModelResponse {
  let content = ''
  let isRefusal = false
  let hasReasoning = false
  const reasoning: string[] = []
  const toolCalls: ModelToolCall[] = []
  const citations: ModelCitation[] = []
  const replay: JsonObject[] = []

  for (const item of output) {
    switch (item.type) {
      case 'message': {
        const text = messageText(item)
        content += text
        isRefusal ||= item.content.some((part) => part.type === 'refusal')
        citations.push(...messageCitations(item))
        replay.push({ type: 'message', length: text.length, id: item.id, ...(item.phase ? { phase: item.phase } : {}) })
        break
      }
      case 'function_call':
        replay.push({ type: 'tool_call', index: toolCalls.length, ...(item.id ? { id: item.id } : {}) })
        toolCalls.push({ id: item.call_id, name: item.name, arguments: item.arguments })
        break
      case 'reasoning': {
        const text = [...item.summary, ...(item.content ?? [])].map((part) => part.text).filter(Boolean)
        reasoning.push(...text)
        // Without its encrypted content an item is only a reference to what the provider didn't keep.
        if (item.encrypted_content) {
          hasReasoning = true
          replay.push({ type: 'reasoning', item: toJson(item) })
        }
        break
      }
      default:
      // What the provider's own tools did is in the text; nothing asks us to act on it.
    }
  }

  return {
    content,
    toolCalls,
    finishReason: isRefusal ? 'content_filter' : finishReason(response, toolCalls.length > 0),
    usage: responsesUsage(response),
    ...(reasoning.length > 0 ? { reasoningContent: reasoning.join('\n\n') } : {}),
    ...(citations.length > 0 ? { citations } : {}),
    ...(hasReasoning ? withProviderData(responsesProtocol, settings, { output: replay }) : {}),
  }
}

function messageText(message: ResponseOutputMessage): string {
  return message.content.map((part) => (part.type === 'refusal' ? part.refusal : part.text)).join('')
}

function messageCitations(message: ResponseOutputMessage): ModelCitation[] {
  return message.content.flatMap((part) =>
    part.type === 'output_text'
      ? (part.annotations ?? []).flatMap((annotation) =>
          annotation.type === 'url_citation' ? [{ url: annotation.url, title: annotation.title }] : [],
        )
      : [],
  )
}

function finishReason(response: Response, hasToolCalls: boolean): ModelResponse['finishReason'] {
  if (response.status === 'incomplete') {
    const reason = response.incomplete_details?.reason
    if (reason === 'max_output_tokens') return 'length'
    return reason === 'content_filter' ? 'content_filter' : 'other'
  }
  if (response.status === 'cancelled') return 'other'
  return hasToolCalls ? 'tool_calls' : 'stop'
}

function responsesUsage({ usage }: Response): Usage {
  if (!usage) return { inputTokens: 0, outputTokens: 0, totalTokens: 0 }
  const reasoningTokens = usage.output_tokens_details?.reasoning_tokens
  const cacheReadTokens = usage.input_tokens_details?.cached_tokens
  const cacheWriteTokens = usage.input_tokens_details?.cache_write_tokens
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    totalTokens: usage.total_tokens ?? usage.input_tokens + usage.output_tokens,
    ...(reasoningTokens ? { reasoningTokens } : {}),
    ...(cacheReadTokens ? { cacheReadTokens } : {}),
    ...(cacheWriteTokens ? { cacheWriteTokens } : {}),
  }
}

// The item came from JSON and goes back as JSON; what the types of the SDK add is only `undefined`.
function toJson(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject
}
