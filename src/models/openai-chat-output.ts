import { randomUUID } from 'node:crypto'
import type { CompletionUsage } from 'openai/resources/completions.js'
import type { JsonObject, JsonValue } from '../core/json.js'
import type { ModelCitation, ModelResponse, ModelToolCall, Usage } from './model.js'
import { chatProtocol } from './openai-chat-input.js'
import type { OpenAIModelSettings } from './openai-options.js'
import { withProviderData } from './provider-data.js'

/** A message, or a piece of one, with what compatible servers add to it. */
interface ChatPiece {
  content?: string | null
  refusal?: string | null
  /** DeepSeek, vLLM and SGLang. */
  reasoning_content?: unknown
  /** OpenRouter, Ollama and Groq. */
  reasoning?: unknown
  /** OpenRouter: what its provider needs to see again. */
  reasoning_details?: unknown
  annotations?: unknown
  tool_calls?: readonly ChatToolCallPiece[] | null
}

interface ChatToolCallPiece {
  index?: number
  id?: string | null
  type?: string
  function?: { name?: string | null; arguments?: string | null }
  /** Gemini: the signature of the thought that led to the call. */
  extra_content?: unknown
}

/** Puts an answer together, whether it comes whole or in pieces. */
export class ChatAnswer {
  private content = ''
  private reasoning = ''
  private reasoningField: 'reasoning_content' | 'reasoning' | undefined
  private isRefusal = false
  private finishReason: string | undefined
  private usage: Usage = { inputTokens: 0, outputTokens: 0, totalTokens: 0 }
  private readonly toolCalls: ModelToolCall[] = []
  private readonly callsByIndex = new Map<number, ModelToolCall>()
  private readonly extras = new Map<ModelToolCall, JsonValue>()
  private readonly reasoningDetails: JsonObject[] = []
  private readonly citations = new Map<string, ModelCitation>()

  constructor(private readonly settings: OpenAIModelSettings) {}

  get isFinished(): boolean {
    return this.finishReason !== undefined
  }

  /** Takes a piece, and returns what it adds to the text and to the reasoning. */
  add(piece: ChatPiece): { text: string; reasoning: string } {
    if (piece.refusal) this.isRefusal = true
    const text = `${piece.content ?? ''}${piece.refusal ?? ''}`
    const reasoning = this.readReasoning(piece)
    this.content += text
    this.reasoning += reasoning
    for (const call of piece.tool_calls ?? []) this.addToolCall(call)
    this.addReasoningDetails(piece.reasoning_details)
    this.addCitations(piece.annotations)
    return { text, reasoning }
  }

  finish(reason: string | null | undefined): void {
    if (reason) this.finishReason = reason
  }

  count(usage: CompletionUsage | null | undefined): void {
    if (usage) this.usage = chatUsage(usage)
  }

  response(): ModelResponse {
    const extras = this.toolCalls.map((call) => this.extras.get(call) ?? null)
    const providerData: JsonObject = {
      ...(this.reasoningField === undefined ? {} : { reasoningField: this.reasoningField }),
      ...(this.reasoningDetails.length > 0 ? { reasoningDetails: this.reasoningDetails } : {}),
      ...(this.extras.size > 0 ? { toolCallExtras: extras } : {}),
    }
    return {
      content: this.content,
      toolCalls: this.toolCalls,
      finishReason: this.unifiedFinishReason(),
      usage: this.usage,
      ...(this.reasoning === '' ? {} : { reasoningContent: this.reasoning }),
      ...(this.citations.size > 0 ? { citations: [...this.citations.values()] } : {}),
      ...(Object.keys(providerData).length > 0 ? withProviderData(chatProtocol, this.settings, providerData) : {}),
    }
  }

  private readReasoning(piece: ChatPiece): string {
    for (const field of ['reasoning_content', 'reasoning'] as const) {
      const value = piece[field]
      if (typeof value !== 'string' || value === '') continue
      this.reasoningField ??= field
      return value
    }
    return ''
  }

  // A call comes in pieces, told apart by their index. Some servers leave the index out, or repeat it for another
  // call; there a new id starts a new call.
  private addToolCall(piece: ChatToolCallPiece): void {
    if (piece.type !== undefined && piece.type !== '' && piece.type !== 'function') return
    let call = this.callInProgress(piece)
    if (call === undefined || (piece.id && piece.function?.name && call.id !== piece.id)) {
      call = { id: piece.id || `call_${randomUUID()}`, name: '', arguments: '' }
      this.toolCalls.push(call)
    }
    if (piece.index !== undefined) this.callsByIndex.set(piece.index, call)
    // The name comes whole; servers that repeat it in every piece would otherwise double it.
    if (piece.function?.name && call.name === '') call.name = piece.function.name
    call.arguments += piece.function?.arguments ?? ''
    if (piece.extra_content) this.extras.set(call, piece.extra_content as JsonValue)
  }

  private callInProgress({ index, id, function: named }: ChatToolCallPiece): ModelToolCall | undefined {
    if (index !== undefined) return this.callsByIndex.get(index)
    if (id) return this.toolCalls.find((call) => call.id === id)
    return named?.name ? undefined : this.toolCalls.at(-1)
  }

  private addReasoningDetails(details: unknown): void {
    if (!Array.isArray(details)) return
    for (const detail of details as JsonObject[]) {
      const known = this.reasoningDetails.find((other) => other.index === detail.index && other.type === detail.type)
      if (known === undefined || detail.index === undefined) {
        this.reasoningDetails.push({ ...detail })
        continue
      }
      for (const [key, value] of Object.entries(detail)) {
        const isText = key === 'text' || key === 'summary' || key === 'data'
        known[key] =
          isText && typeof value === 'string' ? `${asText(known[key])}${value}` : (value ?? known[key] ?? null)
      }
    }
  }

  private addCitations(annotations: unknown): void {
    if (!Array.isArray(annotations)) return
    for (const { type, url_citation: citation } of annotations as { type?: string; url_citation?: ModelCitation }[]) {
      if (type !== 'url_citation' || !citation?.url) continue
      this.citations.set(`${citation.url} ${citation.title}`, {
        url: citation.url,
        ...(citation.title ? { title: citation.title } : {}),
      })
    }
  }

  private unifiedFinishReason(): ModelResponse['finishReason'] {
    if (this.isRefusal || this.finishReason === 'content_filter') return 'content_filter'
    if (this.finishReason === 'length') return 'length'
    // Not every server says `tool_calls` when it has called some.
    if (this.toolCalls.length > 0) return 'tool_calls'
    return this.finishReason === 'stop' ? 'stop' : 'other'
  }
}

function chatUsage(usage: CompletionUsage & { cost?: number }): Usage {
  const { prompt_tokens_details: input, completion_tokens_details: output } = usage
  return {
    inputTokens: usage.prompt_tokens ?? 0,
    outputTokens: usage.completion_tokens ?? 0,
    totalTokens: usage.total_tokens ?? (usage.prompt_tokens ?? 0) + (usage.completion_tokens ?? 0),
    ...(output?.reasoning_tokens ? { reasoningTokens: output.reasoning_tokens } : {}),
    ...(input?.cached_tokens ? { cacheReadTokens: input.cached_tokens } : {}),
    ...(input?.cache_write_tokens ? { cacheWriteTokens: input.cache_write_tokens } : {}),
    ...(input?.audio_tokens ? { audioInputTokens: input.audio_tokens } : {}),
    ...(output?.audio_tokens ? { audioOutputTokens: output.audio_tokens } : {}),
    ...(typeof usage.cost === 'number' && usage.cost > 0 ? { cost: usage.cost } : {}),
  }
}

function asText(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}
