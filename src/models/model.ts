import type { JsonObject, JsonSchema } from '../core/json.js'

/** Tokens that one model request used. Zero and absent mean the same. */
export interface Usage {
  inputTokens: number
  outputTokens: number
  totalTokens: number
  reasoningTokens?: number
  cacheReadTokens?: number
  cacheWriteTokens?: number
  audioInputTokens?: number
  audioOutputTokens?: number
  /** US dollars, where the provider reports it. */
  cost?: number
}

/** A function call that the model asks for. `arguments` is the JSON text as the model wrote it; it may not parse. */
export interface ModelToolCall {
  id: string
  name: string
  arguments: string
}

/** A part of a user's input. Exactly one of `url` and `data` is set; `data` is base64. */
export type InputPart =
  | { type: 'text'; text: string }
  | { type: 'image'; url?: string; data?: string; mimeType?: string; detail?: 'low' | 'medium' | 'high' | 'auto' }
  | { type: 'audio'; url?: string; data?: string; mimeType?: string }
  | { type: 'video'; url?: string; data?: string; mimeType?: string }
  | { type: 'file'; url?: string; data?: string; mimeType?: string; filename?: string }

/** One message of the conversation, as a model sees it. */
export type ModelMessage =
  | { role: 'system'; content: string }
  | { role: 'user'; content: string | InputPart[] }
  | {
      role: 'assistant'
      content: string
      toolCalls?: ModelToolCall[]
      reasoningContent?: string
      /** What the provider needs to see again in the next request, such as encrypted reasoning items. */
      providerData?: JsonObject
    }
  | { role: 'tool'; toolCallId: string; toolName: string; content: string; isError?: boolean }

/** A function that the model may call. */
export interface ModelTool {
  name: string
  description?: string
  parameters: JsonSchema
  strict?: boolean
}

/** The shape that the answer must have. */
export interface ModelOutputFormat {
  name: string
  schema: JsonSchema
}

export interface ModelRequest {
  messages: readonly ModelMessage[]
  tools?: readonly ModelTool[]
  toolChoice?: 'auto' | 'none' | 'required' | { name: string }
  output?: ModelOutputFormat
  /** Aborts the request and everything that it holds open. */
  signal: AbortSignal
}

/** A source that the answer rests on. */
export interface ModelCitation {
  url?: string
  title?: string
}

/** A finished answer. */
export interface ModelResponse {
  /** The whole text; empty when the model only called tools. */
  content: string
  toolCalls: ModelToolCall[]
  finishReason: 'stop' | 'tool_calls' | 'length' | 'content_filter' | 'other'
  usage: Usage
  reasoningContent?: string
  citations?: ModelCitation[]
  providerData?: JsonObject
}

/** A piece of a streamed answer. The last one is always `finish`; its response is the whole answer. */
export type ModelStreamPart =
  { type: 'text'; text: string } | { type: 'reasoning'; text: string } | { type: 'finish'; response: ModelResponse }

/**
 * A language model. An adapter is one class with two methods; it neither retries nor falls back,
 * the agent does, because only the agent knows what a reader was already shown.
 *
 * Both methods throw a {@link ModelError} for everything that the provider or the connection did wrong,
 * and the signal's reason once it is aborted.
 */
export interface Model {
  /** The model's name at the provider, such as `gpt-5-mini`. */
  readonly id: string
  /** The provider's name, such as `OpenAI`. */
  readonly provider: string
  generate(request: ModelRequest): Promise<ModelResponse>
  stream(request: ModelRequest): AsyncIterable<ModelStreamPart>
}
