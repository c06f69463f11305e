import type { APIError } from 'openai'
import { redactText } from '../core/redact.js'
import { describeConnectionFailure, isConnectionFailure, providerError } from './http-failure.js'
import { ModelError } from './model-error.js'

/** Everything that the client threw, as a {@link ModelError}; once the caller aborted, the reason for that. */
export function openAIError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof ModelError || !(error instanceof Error)) return error
  if (isConnectionFailure(error) || isUnanswered(error)) {
    return new ModelError('connection', redactText(`The connection failed: ${describeConnectionFailure(error)}`))
  }
  if (error instanceof SyntaxError) {
    return new ModelError('invalid_response', `The answer can't be read: ${redactText(error.message)}`)
  }
  // No cause is kept: the client's errors carry headers, and quote what the provider quoted.
  if (!isAPIError(error)) return new ModelError('invalid_request', redactText(error.message))
  // Within a stream there is no status of its own; compatible servers put it into the code, as a number.
  const code: unknown = error.code ?? error.type ?? undefined
  const status = error.status ?? (Number(code) >= 400 ? Number(code) : undefined)
  return providerError({
    status,
    code: typeof code === 'string' ? code : undefined,
    message: error.message,
    header: (name) => error.headers?.get(name),
  })
}

// By shape: the package is only loaded on use, so its classes are not at hand here.
function isAPIError(error: Error): error is APIError<number | undefined, Headers | undefined> {
  return 'status' in error && 'headers' in error && 'code' in error
}

// The client's own connection errors and time-outs: no answer, hence neither status nor headers.
function isUnanswered(error: Error): boolean {
  return isAPIError(error) && error.status === undefined && error.headers === undefined
}
