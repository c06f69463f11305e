import type {
  ChatCompletionCreateParamsBase,
  ChatCompletionTool,
} from 'openai/resources/chat/completions/completions.js'
import type { ModelRequest, ModelResponse, ModelStreamPart } from './model.js'
import { ModelError } from './model-error.js'
import { chatMessages } from './openai-chat-input.js'
import { ChatAnswer } from './openai-chat-output.js'
import { isReasoningModel, type OpenAICall } from './openai-options.js'
import { isStrictSchema, parametersSchema, schemaName } from './output-schema.js'
import { translateErrors } from './translate-errors.js'

/** One request to Chat Completions. */
export async function generateChat(call: OpenAICall): Promise<ModelResponse> {
  const body = chatBody(call)
  const completion = await call.client.chat.completions
    .create({ ...body, stream: false }, { signal: call.request.signal })
    .catch((error: unknown) => Promise.reject(call.translate(error)))

  const choice = completion.choices?.[0]
  if (!choice?.message) {
    throw new ModelError('invalid_response', `The answer of ${call.settings.modelId} holds no message.`)
  }
  const answer = new ChatAnswer(call.settings)
  answer.add(choice.message)
  answer.finish(choice.finish_reason)
  answer.count(completion.usage)
  return answer.response()
}

/** One streamed request to Chat Completions. */
export async function* streamChat(call: OpenAICall): AsyncGenerator<ModelStreamPart> {
  const body = chatBody(call)
  const stream = await call.client.chat.completions
    .create({ ...body, stream: true, stream_options: { include_usage: true } }, { signal: call.request.signal })
    .catch((error: unknown) => Promise.reject(call.translate(error)))

  const answer = new ChatAnswer(call.settings)
  for await (const chunk of translateErrors(stream, call.translate)) {
    const choice = chunk.choices?.[0]
    if (choice) {
      const { text, reasoning } = answer.add(choice.delta ?? {})
      if (reasoning !== '') yield { type: 'reasoning', text: reasoning }
      if (text !== '') yield { type: 'text', text }
      answer.finish(choice.finish_reason)
    }
    answer.count(chunk.usage)
  }
  call.request.signal.throwIfAborted()
  if (!answer.isFinished) {
    throw new ModelError('connection', `The stream of ${call.settings.modelId} broke off before it was complete.`)
  }
  yield { type: 'finish', response: answer.response() }
}

function chatBody({ settings, request }: OpenAICall): ChatCompletionCreateParamsBase {
  const { options } = settings
  return {
    model: settings.modelId,
    messages: chatMessages(request.messages, settings),
    ...(request.tools?.length ? chatTools(request, options.parallelToolCalls) : {}),
    ...(request.output === undefined
      ? {}
      : {
          response_format: {
            type: 'json_schema',
            json_schema: {
              name: schemaName(request.output.name),
              schema: request.output.schema,
              strict: isStrictSchema(request.output.schema),
            },
          },
        }),
    ...maxTokens(settings),
    ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
    ...(options.topP === undefined ? {} : { top_p: options.topP }),
    ...(options.reasoningEffort === undefined ? {} : { reasoning_effort: options.reasoningEffort }),
    ...(options.verbosity === undefined ? {} : { verbosity: options.verbosity }),
    ...(options.serviceTier === undefined ? {} : { service_tier: options.serviceTier }),
    ...options.extraBody,
  }
}

// OpenAI's reasoning models refuse the old name of this limit, and most compatible servers know only the old one.
function maxTokens(settings: OpenAICall['settings']): { max_completion_tokens?: number; max_tokens?: number } {
  const limit = settings.options.maxOutputTokens
  if (limit === undefined) return {}
  return settings.isOpenAI || isReasoningModel(settings) ? { max_completion_tokens: limit } : { max_tokens: limit }
}

function chatTools(
  { tools = [], toolChoice }: ModelRequest,
  parallelToolCalls: boolean | undefined,
): Pick<ChatCompletionCreateParamsBase, 'tools' | 'tool_choice' | 'parallel_tool_calls'> {
  return {
    tools: tools.map((tool): ChatCompletionTool => ({
      type: 'function',
      function: {
        name: tool.name,
        ...(tool.description === undefined ? {} : { description: tool.description }),
        parameters: parametersSchema(tool.parameters),
        ...(tool.strict === undefined ? {} : { strict: tool.strict }),
      },
    })),
    ...(toolChoice === undefined
      ? {}
      : {
          tool_choice:
            typeof toolChoice === 'string' ? toolChoice : { type: 'function', function: { name: toolChoice.name } },
        }),
    ...(parallelToolCalls === undefined ? {} : { parallel_tool_calls: parallelToolCalls }),
  }
}
