import type { OpenAI } from 'openai'
import { registerSecrets } from '../core/redact.js'
import type { Model, ModelRequest, ModelResponse, ModelStreamPart } from './model.js'
import { ModelError } from './model-error.js'
import { generateChat, streamChat } from './openai-chat.js'
import { openAIError } from './openai-errors.js'
import type { OpenAICall, OpenAIOptions } from './openai-options.js'
import { generateResponses, streamResponses } from './openai-responses.js'

/** The SDK insists on a key even where the server wants none. */
const placeholderKey = 'not-needed'

class OpenAIModel implements Model {
  readonly provider: string
  private client: OpenAI | undefined

  constructor(
    readonly id: string,
    private readonly options: OpenAIOptions,
  ) {
    this.provider = options.provider ?? 'OpenAI'
  }

  async generate(request: ModelRequest): Promise<ModelResponse> {
    const call = await this.prepare(request)
    return this.api === 'responses' ? generateResponses(call) : generateChat(call)
  }

  async *stream(request: ModelRequest): AsyncGenerator<ModelStreamPart> {
    const call = await this.prepare(request)
    yield* this.api === 'responses' ? streamResponses(call) : streamChat(call)
  }

  // The environment is read on use, so that a program may load its .env file after this module.
  private get baseURL(): string | undefined {
    return this.options.baseURL || process.env.OPENAI_BASE_URL || undefined
  }

  private get apiKey(): string | undefined {
    return this.options.apiKey || process.env.OPENAI_API_KEY || undefined
  }

  private get api(): 'responses' | 'chat' {
    return this.options.api ?? (this.baseURL === undefined ? 'responses' : 'chat')
  }

  private async prepare(request: ModelRequest): Promise<OpenAICall> {
    request.signal.throwIfAborted()
    this.client ??= await this.connect()
    const settings = {
      modelId: this.id,
      provider: this.provider,
      options: this.options,
      isOpenAI: this.baseURL === undefined,
    }
    return {
      client: this.client,
      settings,
      request,
      translate: (error) => openAIError(error, request.signal),
    }
  }

  private async connect(): Promise<OpenAI> {
    const { apiKey, baseURL, options } = this
    if (apiKey === undefined && baseURL === undefined) {
      throw new ModelError(
        'authentication',
        `No API key for ${this.provider} model "${this.id}": set OPENAI_API_KEY, or pass apiKey to openai().`,
      )
    }
    registerSecrets(apiKey, ...Object.values(options.headers ?? {}))
    const { OpenAI } = await import('openai')
    return new OpenAI({
      apiKey: apiKey ?? placeholderKey,
      // Retries are the agent's: only it knows what a reader was already shown.
      maxRetries: 0,
      ...(process.env.OPENAI_LOG === undefined ? { logLevel: 'off' as const } : {}),
      ...(baseURL === undefined ? {} : { baseURL }),
      ...(options.organization === undefined ? {} : { organization: options.organization }),
      ...(options.project === undefined ? {} : { project: options.project }),
      ...(options.headers === undefined ? {} : { defaultHeaders: options.headers }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    })
  }
}

/**
 * A model at OpenAI, or at any server that speaks its protocols: give that server's `baseURL`.
 * The `openai` package is loaded with the first request.
 *
 * @example
 * ```ts
 * openai('gpt-5-mini')
 * openai('qwen3', { baseURL: 'http://localhost:11434/v1', provider: 'Ollama' })
 * ```
 */
export function openai(modelId: string, options: OpenAIOptions = {}): Model {
  return new OpenAIModel(modelId, options)
}
