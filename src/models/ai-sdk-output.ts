import type {
  LanguageModelV2FinishReason,
  LanguageModelV2Usage,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4Usage,
} from '@ai-sdk/provider'
import type { JsonObject } from '../core/json.js'
import { aiSdkProtocol, parseArguments } from './ai-sdk-prompt.js'
import type { ModelCitation, ModelResponse, ModelToolCall, Usage } from './model.js'
import { withProviderData } from './provider-data.js'

/** Usage as any version of the specification reports it. */
export type AnyUsage = LanguageModelV4Usage | LanguageModelV2Usage
/** Finish reason as any version of the specification reports it. */
export type AnyFinishReason = LanguageModelV4FinishReason | LanguageModelV2FinishReason

/** Puts the finished answer together from its parts. */
export function aiSdkAnswer(
  parts: readonly LanguageModelV4Content[],
  finishReason: AnyFinishReason,
  usage: AnyUsage,
  origin: { provider: string; modelId: string },
): ModelResponse {
  let content = ''
  const reasoning: string[] = []
  const toolCalls: ModelToolCall[] = []
  const citations: ModelCitation[] = []
  const replay: JsonObject[] = []
  let needsReplay = false

  const keep = (entry: JsonObject, metadata: object | undefined): void => {
    if (metadata !== undefined) needsReplay = true
    replay.push(metadata === undefined ? entry : { ...entry, providerOptions: toJson(metadata) })
  }
  for (const part of parts) {
    switch (part.type) {
      case 'text':
        content += part.text
        keep({ type: 'text', length: part.text.length }, part.providerMetadata)
        for (const { source } of part.citations ?? []) citations.push(...citationOf(source))
        break
      case 'reasoning': {
        if (part.text !== '') reasoning.push(part.text)
        const options = part.providerMetadata === undefined ? {} : { providerOptions: part.providerMetadata }
        needsReplay ||= part.providerMetadata !== undefined
        replay.push({ type: 'part', part: toJson({ type: 'reasoning', text: part.text, ...options }) })
        break
      }
      case 'tool-call':
        if (part.providerExecuted) {
          needsReplay = true
          const { toolCallId, toolName, providerMetadata: providerOptions } = part
          const input = parseArguments(part.input)
          const call = { type: 'tool-call', toolCallId, toolName, input, providerExecuted: true, providerOptions }
          replay.push({ type: 'part', part: toJson(call) })
          break
        }
        keep({ type: 'tool-call' }, part.providerMetadata)
        toolCalls.push({ id: part.toolCallId, name: part.toolName, arguments: part.input })
        break
      case 'tool-result': {
        if (part.preliminary) break
        const { toolCallId, toolName, result, isError, providerMetadata: providerOptions } = part
        const output = { type: isError ? 'error-json' : 'json', value: result }
        replay.push({
          type: 'part',
          part: toJson({ type: 'tool-result', toolCallId, toolName, output, providerOptions }),
        })
        break
      }
      case 'source':
        citations.push(...citationOf(part))
        break
      default:
      // Files and approvals of a provider's own tools have no place in a run.
    }
  }
  return {
    content,
    toolCalls,
    finishReason: unifiedReason(finishReason, toolCalls.length > 0),
    usage: unifiedUsage(usage),
    ...(reasoning.length > 0 ? { reasoningContent: reasoning.join('\n\n') } : {}),
    ...(citations.length > 0 ? { citations } : {}),
    ...(needsReplay ? withProviderData(aiSdkProtocol, origin, { content: replay }) : {}),
  }
}

function citationOf(source: Extract<LanguageModelV4Content, { type: 'source' }>): ModelCitation[] {
  if (source.sourceType === 'document') return [{ title: source.title }]
  return [{ url: source.url, ...(source.title === undefined ? {} : { title: source.title }) }]
}

function unifiedReason(reason: AnyFinishReason, hasToolCalls: boolean): ModelResponse['finishReason'] {
  const unified = typeof reason === 'string' ? reason : reason.unified
  if (unified === 'length') return 'length'
  if (unified === 'content-filter') return 'content_filter'
  if (hasToolCalls) return 'tool_calls'
  return unified === 'stop' ? 'stop' : 'other'
}

function unifiedUsage(usage: AnyUsage): Usage {
  const { inputTokens, outputTokens } = usage
  const input = typeof inputTokens === 'object' ? inputTokens.total : inputTokens
  const output = typeof outputTokens === 'object' ? outputTokens.total : outputTokens
  const isFlat = typeof inputTokens !== 'object'
  const reasoning = typeof outputTokens === 'object' ? outputTokens.reasoning : flat(usage).reasoningTokens
  const cacheRead = isFlat ? flat(usage).cachedInputTokens : inputTokens.cacheRead
  const cacheWrite = isFlat ? undefined : inputTokens.cacheWrite
  const total = isFlat ? flat(usage).totalTokens : undefined
  return {
    inputTokens: input ?? 0,
    outputTokens: output ?? 0,
    totalTokens: total ?? (input ?? 0) + (output ?? 0),
    ...(reasoning ? { reasoningTokens: reasoning } : {}),
    ...(cacheRead ? { cacheReadTokens: cacheRead } : {}),
    ...(cacheWrite ? { cacheWriteTokens: cacheWrite } : {}),
  }
}

// Version 2 of the specification reports plain numbers, later ones a breakdown of each.
function flat(usage: AnyUsage): Partial<LanguageModelV2Usage> {
  return usage as LanguageModelV2Usage
}

// Metadata is JSON by the specification; what its types add is only `undefined`.
function toJson(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject
}
