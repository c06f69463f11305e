import type { JsonObject } from '../core/json.js'
import type { ModelMessage } from './model.js'

/** Whose data it is: another model could not read it, and some refuse a request that holds it. */
interface Origin {
  readonly provider: string
  readonly modelId: string
}

/** Wraps what has to be sent back, with the mark of the protocol and the model that can read it. */
export function withProviderData(
  protocol: string,
  { provider, modelId }: Origin,
  content: JsonObject,
): { providerData: JsonObject } {
  return { providerData: { ...content, protocol, provider, model: modelId } }
}

/** The message's provider data, where this protocol and this very model wrote it. */
export function ownProviderData(
  message: Extract<ModelMessage, { role: 'assistant' }>,
  protocol: string,
  { provider, modelId }: Origin,
): JsonObject | undefined {
  const data = message.providerData
  return data?.protocol === protocol && data.provider === provider && data.model === modelId ? data : undefined
}
