import type { OpenAI } from 'openai'
import type { ModelRequest } from './model.js'

/** Options of {@link openai}. What is left out is left to the provider. */
export interface OpenAIOptions {
  /**
   * The protocol. Default: `responses` at OpenAI itself, `chat` (Chat Completions) when a base URL is given, because
   * that is what vLLM, Ollama, LM Studio and OpenRouter speak.
   */
  api?: 'responses' | 'chat'
  /** Default: `OPENAI_API_KEY`. A server at a base URL of your own may do without. */
  apiKey?: string
  /** Where the server is, such as `http://localhost:11434/v1`. Default: `OPENAI_BASE_URL`, else OpenAI. */
  baseURL?: string
  organization?: string
  project?: string
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>>
  /** How long the server may take until it begins to answer. Default: 10 minutes. */
  timeoutMs?: number
  /** The provider's name, as metrics and traces show it. Default: `OpenAI`. */
  provider?: string
  temperature?: number
  topP?: number
  maxOutputTokens?: number
  /** Whether the model reasons. Default: judged by its id and by `reasoningEffort`. */
  reasoning?: boolean
  reasoningEffort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'
  /** Asks for a readable summary of the reasoning (Responses only). */
  reasoningSummary?: 'auto' | 'concise' | 'detailed'
  verbosity?: 'low' | 'medium' | 'high'
  parallelToolCalls?: boolean
  serviceTier?: 'auto' | 'default' | 'flex' | 'priority'
  /** Whether OpenAI keeps the response (Responses only). Default: false; the run's log is the record. */
  store?: boolean
  /** Further fields of the request's body, as the server spells them. */
  extraBody?: Readonly<Record<string, unknown>>
}

/** What a protocol needs to know of the model that it serves. */
export interface OpenAIModelSettings {
  readonly modelId: string
  readonly provider: string
  readonly options: OpenAIOptions
  /** Whether the server is OpenAI itself, and so takes nothing but what OpenAI documents. */
  readonly isOpenAI: boolean
}

/** What a protocol is given: the client, the model, and the translation of whatever goes wrong. */
export interface OpenAICall {
  readonly client: OpenAI
  readonly settings: OpenAIModelSettings
  readonly request: ModelRequest
  readonly translate: (error: unknown) => unknown
}

/**
 * Whether to treat a model as one that reasons. Encrypted reasoning must be asked for where there is some, and
 * is refused with an error where there is none, so the model's name has to decide.
 */
export function isReasoningModel({ modelId, options }: Pick<OpenAIModelSettings, 'modelId' | 'options'>): boolean {
  if (options.reasoning !== undefined) return options.reasoning
  if (options.reasoningEffort !== undefined) return options.reasoningEffort !== 'none'
  return /^(?:.*\/)?(?:o[1-9]|gpt-(?:[5-9]|[1-9]\d)|codex)(?!.*-chat)/.test(modelId)
}
