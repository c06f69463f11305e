import { redactText } from '../core/redact.js'
import { describeConnectionFailure, isConnectionFailure, providerError } from './http-failure.js'
import { ModelError, type ModelErrorKind } from './model-error.js'

const kindByName: Readonly<Record<string, ModelErrorKind>> = {
  AI_LoadAPIKeyError: 'authentication',
  AI_JSONParseError: 'invalid_response',
  AI_TypeValidationError: 'invalid_response',
  AI_InvalidResponseDataError: 'invalid_response',
  AI_NoContentGeneratedError: 'invalid_response',
  AI_EmptyResponseBodyError: 'invalid_response',
}

/** Everything that an AI SDK provider threw, as a {@link ModelError}; once the caller aborted, the reason for that. */
export function aiSdkError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof ModelError) return error
  // Providers put what they got into their `error` parts as it came: a string, or the provider's JSON.
  if (!(error instanceof Error)) return providerError({ message: describe(error) })
  // By name: the AI SDK's classes are not loaded here, and an application may hold several copies of them.
  if (error.name === 'AI_APICallError') return apiCallError(error)
  const kind = kindByName[error.name]
  if (kind !== undefined) return new ModelError(kind, redactText(error.message))
  if (isConnectionFailure(error)) {
    return new ModelError('connection', redactText(`The connection failed: ${describeConnectionFailure(error)}`))
  }
  return new ModelError('invalid_request', redactText(error.message))
}

function apiCallError(error: Error): ModelError {
  const { statusCode, responseHeaders, isRetryable } = error as Error & {
    statusCode?: number
    responseHeaders?: Record<string, string>
    isRetryable?: boolean
  }
  if (statusCode === undefined && (isRetryable || isConnectionFailure(error))) {
    return new ModelError('connection', redactText(`The connection failed: ${error.message}`))
  }
  // A good status with a body that can't be read: the provider throws the same error for it.
  if (statusCode !== undefined && statusCode < 400) {
    return new ModelError('invalid_response', redactText(error.message), { status: statusCode })
  }
  return providerError({
    status: statusCode,
    message: error.message,
    header: (name) => responseHeaders?.[name],
  })
}

function describe(error: unknown): string {
  if (typeof error === 'string') return error
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message)
  return JSON.stringify(error) ?? String(error)
}
