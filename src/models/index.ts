/**
 * Models: OpenAI and whatever speaks its protocols, any provider of the AI SDK, and a scripted model for tests.
 *
 * @module
 */
export { aiSdk } from './ai-sdk.js'
export type { AiSdkLanguageModel, AiSdkOptions } from './ai-sdk.js'
export type {
  InputPart,
  Model,
  ModelCitation,
  ModelMessage,
  ModelOutputFormat,
  ModelRequest,
  ModelResponse,
  ModelStreamPart,
  ModelTool,
  ModelToolCall,
  Usage,
} from './model.js'
export { ModelError } from './model-error.js'
export type { ModelErrorKind } from './model-error.js'
export { openai } from './openai.js'
export type { OpenAIOptions } from './openai-options.js'
export { defaultRetryPolicy, retryDelay } from './retry.js'
export type { RetryPolicy } from './retry.js'
export { scripted } from './scripted.js'
export type {
  ScriptedFailure,
  ScriptedFunction,
  ScriptedModel,
  ScriptedOptions,
  ScriptedReply,
  ScriptedStall,
  ScriptedStep,
  ScriptedToolCall,
} from './scripted.js'
