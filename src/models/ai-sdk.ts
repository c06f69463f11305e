import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider'
import { ConfigurationError } from '../core/errors.js'
import type { JsonObject } from '../core/json.js'
import { aiSdkError } from './ai-sdk-errors.js'
import { aiSdkAnswer } from './ai-sdk-output.js'
import { aiSdkPrompt } from './ai-sdk-prompt.js'
import type { Model, ModelRequest, ModelResponse, ModelStreamPart } from './model.js'
import { ModelError } from './model-error.js'
import { translateErrors } from './translate-errors.js'

/** A language model of an AI SDK provider package, of the specification's version 2, 3 or 4. */
export interface AiSdkLanguageModel {
  readonly specificationVersion: 'v2' | 'v3' | 'v4'
  readonly provider: string
  readonly modelId: string
  doGenerate(options: never): PromiseLike<unknown>
  doStream(options: never): PromiseLike<unknown>
}

/** Options of {@link aiSdk}. What is left out is left to the provider. */
export interface AiSdkOptions {
  /** The provider's name, as metrics and traces show it. Default: the language model's own. */
  provider?: string
  temperature?: number
  topP?: number
  maxOutputTokens?: number
  /** The provider's own settings, by its name: `{ anthropic: { thinking: … } }`. */
  providerOptions?: Readonly<Record<string, JsonObject>>
  /** Sent with every request, by providers that work over HTTP. */
  headers?: Readonly<Record<string, string>>
}

class AiSdkModel implements Model {
  readonly id: string
  readonly provider: string

  constructor(
    private readonly model: LanguageModelV4,
    private readonly version: 'v2' | 'v3' | 'v4',
    private readonly options: AiSdkOptions,
  ) {
    this.id = model.modelId
    this.provider = options.provider ?? model.provider
  }

  async generate(request: ModelRequest): Promise<ModelResponse> {
    const callOptions = await this.callOptions(request)
    const result = await translate(() => this.model.doGenerate(callOptions), request.signal)
    return aiSdkAnswer(result.content, result.finishReason, result.usage, this.origin)
  }

  async *stream(request: ModelRequest): AsyncGenerator<ModelStreamPart> {
    const callOptions = await this.callOptions(request)
    const { stream } = await translate(() => this.model.doStream(callOptions), request.signal)
    const content = new StreamedContent()
    // Not every provider ends its stream when it is aborted; the pipe does.
    const abortable = stream.pipeThrough(new TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>(), {
      signal: request.signal,
    })
    for await (const part of translateErrors(abortable, (error) => aiSdkError(error, request.signal))) {
      if (part.type === 'error') throw aiSdkError(part.error, request.signal)
      if (part.type === 'finish') {
        yield { type: 'finish', response: aiSdkAnswer(content.parts, part.finishReason, part.usage, this.origin) }
        return
      }
      const delta = content.add(part)
      if (delta !== undefined) yield delta
    }
    request.signal.throwIfAborted()
    throw new ModelError('connection', `The stream of ${this.id} broke off before it was complete.`)
  }

  private get origin(): { provider: string; modelId: string } {
    return { provider: this.provider, modelId: this.id }
  }

  private async callOptions(request: ModelRequest): Promise<LanguageModelV4CallOptions> {
    request.signal.throwIfAborted()
    const { options } = this
    const supportedUrls = (await this.model.supportedUrls) ?? {}
    const hasTools = request.tools !== undefined && request.tools.length > 0
    return {
      prompt: aiSdkPrompt(request.messages, { ...this.origin, version: this.version, supportedUrls }),
      abortSignal: request.signal,
      ...(hasTools ? { tools: request.tools?.map(functionTool), toolChoice: toolChoice(request.toolChoice) } : {}),
      ...(request.output === undefined
        ? {}
        : { responseFormat: { type: 'json', name: request.output.name, schema: request.output.schema } }),
      ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
      ...(options.topP === undefined ? {} : { topP: options.topP }),
      ...(options.maxOutputTokens === undefined ? {} : { maxOutputTokens: options.maxOutputTokens }),
      ...(options.providerOptions === undefined ? {} : { providerOptions: options.providerOptions }),
      ...(options.headers === undefined ? {} : { headers: options.headers }),
    }
  }
}

/** Collects a stream's parts in the order in which they began. */
class StreamedContent {
  readonly parts: LanguageModelV4Content[] = []
  private readonly blocks = new Map<string, Extract<LanguageModelV4Content, { type: 'text' | 'reasoning' }>>()

  /** Takes a part, and returns what a reader sees of it. */
  add(part: LanguageModelV4StreamPart): ModelStreamPart | undefined {
    switch (part.type) {
      case 'text-start':
      case 'reasoning-start':
      case 'text-delta':
      case 'reasoning-delta':
      case 'text-end':
      case 'reasoning-end': {
        const type = part.type.startsWith('text') ? 'text' : 'reasoning'
        const block = this.block(type, part.id)
        // Signatures come with the last part of a block, ids with the first.
        if (part.providerMetadata !== undefined) {
          block.providerMetadata = { ...block.providerMetadata, ...part.providerMetadata }
        }
        if (part.type === 'text-end' && part.citations && block.type === 'text') block.citations = part.citations
        if (!('delta' in part) || part.delta === '') return undefined
        block.text += part.delta
        return { type, text: part.delta }
      }
      case 'tool-call':
      case 'tool-result':
      case 'source':
        this.parts.push(part)
        return undefined
      default:
        return undefined
    }
  }

  private block(
    type: 'text' | 'reasoning',
    id: string,
  ): Extract<LanguageModelV4Content, { type: 'text' | 'reasoning' }> {
    const key = `${type}:${id}`
    const known = this.blocks.get(key)
    if (known !== undefined) return known
    const block = { type, text: '' }
    this.blocks.set(key, block)
    this.parts.push(block)
    return block
  }
}

/**
 * Any language model of the AI SDK's providers (Anthropic, Google, Mistral, Bedrock and so on).
 *
 * @throws ConfigurationError when it is not a language model of a known version of the specification.
 *
 * @example
 * ```ts
 * import { anthropic } from '@ai-sdk/anthropic'
 * aiSdk(anthropic('claude-sonnet-4-5'))
 * ```
 */
export function aiSdk(languageModel: AiSdkLanguageModel, options: AiSdkOptions = {}): Model {
  const version: unknown = typeof languageModel === 'object' ? languageModel?.specificationVersion : undefined
  if (version !== 'v2' && version !== 'v3' && version !== 'v4') {
    throw new ConfigurationError(
      `aiSdk() takes a language model object of the AI SDK's specification v2, v3 or v4, such as anthropic('…'); ` +
        (version === undefined ? `got ${typeof languageModel}.` : `this one is of version ${JSON.stringify(version)}.`),
    )
  }
  // The versions differ in how files go in, and in how usage and finish reason come out; the prompt and the answer
  // see to each. The rest is the same.
  return new AiSdkModel(languageModel as LanguageModelV4, version, options)
}

function functionTool(tool: NonNullable<ModelRequest['tools']>[number]) {
  return {
    type: 'function' as const,
    name: tool.name,
    ...(tool.description === undefined ? {} : { description: tool.description }),
    inputSchema: tool.parameters,
    ...(tool.strict === undefined ? {} : { strict: tool.strict }),
  }
}

function toolChoice(choice: ModelRequest['toolChoice']): LanguageModelV4CallOptions['toolChoice'] {
  if (choice === undefined) return undefined
  return typeof choice === 'string' ? { type: choice } : { type: 'tool', toolName: choice.name }
}

async function translate<T>(action: () => PromiseLike<T>, signal: AbortSignal): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw aiSdkError(error, signal)
  }
}
