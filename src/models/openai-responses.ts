import type { Response, ResponseCreateParamsBase, ResponseOutputItem } from 'openai/resources/responses/responses.js'
import { providerError } from './http-failure.js'
import type { ModelResponse, ModelStreamPart } from './model.js'
import { ModelError } from './model-error.js'
import { isReasoningModel, type OpenAICall } from './openai-options.js'
import { responsesInput } from './openai-responses-input.js'
import { responsesAnswer } from './openai-responses-output.js'
import { isStrictSchema, parametersSchema, schemaName } from './output-schema.js'
import { translateErrors } from './translate-errors.js'

/** One request to the Responses API. */
export async function generateResponses(call: OpenAICall): Promise<ModelResponse> {
  const body = responsesBody(call)
  const response = await call.client.responses
    .create({ ...body, stream: false }, { signal: call.request.signal })
    .catch((error: unknown) => Promise.reject(call.translate(error)))
  return finish(call, response, response.output)
}

/** One streamed request to the Responses API. */
export async function* streamResponses(call: OpenAICall): AsyncGenerator<ModelStreamPart> {
  const body = responsesBody(call)
  const stream = await call.client.responses
    .create({ ...body, stream: true }, { signal: call.request.signal })
    .catch((error: unknown) => Promise.reject(call.translate(error)))

  let shown = ''
  const items: ResponseOutputItem[] = []
  for await (const event of translateErrors(stream, call.translate)) {
    switch (event.type) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        if (event.delta === '') break
        shown += event.delta
        yield { type: 'text', text: event.delta }
        break
      case 'response.reasoning_summary_part.added':
        if (event.summary_index > 0) yield { type: 'reasoning', text: '\n\n' }
        break
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        if (event.delta !== '') yield { type: 'reasoning', text: event.delta }
        break
      case 'response.output_item.done':
        items.push(event.item)
        break
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed': {
        // Some servers leave the output out of the last event, having sent its items before.
        const output = event.response.output?.length ? event.response.output : items
        const response = finish(call, event.response, output)
        if (response.content.length > shown.length && response.content.startsWith(shown)) {
          yield { type: 'text', text: response.content.slice(shown.length) }
        }
        yield { type: 'finish', response }
        return
      }
      default:
      // All other events announce or repeat what the ones above bring.
    }
  }
  call.request.signal.throwIfAborted()
  throw new ModelError('connection', `The stream of ${call.settings.modelId} broke off before it was complete.`)
}

function finish(call: OpenAICall, response: Response, output: ResponseOutputItem[] | undefined): ModelResponse {
  if (response.status === 'failed' || response.error) {
    const message = response.error?.message ?? 'The provider reports a failure without a reason.'
    throw providerError({ code: response.error?.code ?? 'server_error', message })
  }
  if (!Array.isArray(output)) {
    throw new ModelError('invalid_response', `The answer of ${call.settings.modelId} is not a response object.`)
  }
  return responsesAnswer(response, output, call.settings)
}

function responsesBody({ settings, request }: OpenAICall): ResponseCreateParamsBase {
  const { options } = settings
  const reasoning = {
    ...(options.reasoningEffort === undefined ? {} : { effort: options.reasoningEffort }),
    ...(options.reasoningSummary === undefined ? {} : { summary: options.reasoningSummary }),
  }
  const text = {
    ...(options.verbosity === undefined ? {} : { verbosity: options.verbosity }),
    ...(request.output === undefined
      ? {}
      : {
          format: {
            type: 'json_schema' as const,
            name: schemaName(request.output.name),
            schema: request.output.schema,
            strict: isStrictSchema(request.output.schema),
          },
        }),
  }
  return {
    model: settings.modelId,
    input: responsesInput(request.messages, settings),
    store: options.store ?? false,
    // Nothing is kept at the provider, so what the model reasoned has to travel with the conversation.
    ...(isReasoningModel(settings) && !options.store ? { include: ['reasoning.encrypted_content' as const] } : {}),
    ...(Object.keys(reasoning).length > 0 ? { reasoning } : {}),
    ...(Object.keys(text).length > 0 ? { text } : {}),
    ...(request.tools?.length ? responsesTools(request, options.parallelToolCalls) : {}),
    ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
    ...(options.topP === undefined ? {} : { top_p: options.topP }),
    ...(options.maxOutputTokens === undefined ? {} : { max_output_tokens: options.maxOutputTokens }),
    ...(options.serviceTier === undefined ? {} : { service_tier: options.serviceTier }),
    ...options.extraBody,
  }
}

function responsesTools(
  { tools = [], toolChoice }: OpenAICall['request'],
  parallelToolCalls: boolean | undefined,
): Pick<ResponseCreateParamsBase, 'tools' | 'tool_choice' | 'parallel_tool_calls'> {
  return {
    tools: tools.map((tool) => ({
      type: 'function',
      name: tool.name,
      ...(tool.description === undefined ? {} : { description: tool.description }),
      parameters: parametersSchema(tool.parameters),
      // Left out, it would mean true here, and most schemas would be refused.
      strict: tool.strict ?? false,
    })),
    ...(toolChoice === undefined
      ? {}
      : { tool_choice: typeof toolChoice === 'string' ? toolChoice : { type: 'function', name: toolChoice.name } }),
    ...(parallelToolCalls === undefined ? {} : { parallel_tool_calls: parallelToolCalls }),
  }
}
