import { redactText } from '../core/redact.js'
import { ModelError } from '../models/model-error.js'
import type { ModelErrorKind } from '../models/model-error.js'
import type { LogEntry } from './log/entry.js'
import type { RunFailure } from './log/run-record.js'

/** Thrown inside a run to end it as `error` with a code that a program can read. */
export class RunFailedError extends Error {
  override readonly name = 'RunFailedError'

  constructor(
    readonly failure: RunFailure,
    options?: ErrorOptions,
  ) {
    super(failure.message, options)
  }
}

const byKind: Record<ModelErrorKind, Pick<RunFailure, 'errorCode' | 'errorType' | 'errorId'>> = {
  rate_limit: {
    errorCode: 'MODEL_RATE_LIMITED',
    errorType: 'model_provider_error',
    errorId: 'model_rate_limit_error',
  },
  authentication: { errorCode: 'MODEL_AUTH_FAILED', errorType: 'model_authentication_error' },
  context_window: {
    errorCode: 'CONTEXT_WINDOW_EXCEEDED',
    errorType: 'model_provider_error',
    errorId: 'context_window_exceeded_error',
  },
  connection: providerFailure(),
  server: providerFailure(),
  invalid_request: providerFailure(),
  invalid_response: providerFailure(),
}

function providerFailure(): Pick<RunFailure, 'errorCode' | 'errorType' | 'errorId'> {
  return { errorCode: 'MODEL_PROVIDER_ERROR', errorType: 'model_provider_error', errorId: 'model_provider_error' }
}

/**
 * Why a run failed, from what it threw. The text of an error that nobody meant for the outside stays inside: it may
 * hold a path, a query or a secret.
 */
export function toRunFailure(error: unknown): RunFailure {
  if (error instanceof RunFailedError) return error.failure
  if (error instanceof ModelError) {
    return { ...byKind[error.kind], message: error.message, retryable: error.retryable }
  }
  const errorType = error instanceof Error ? error.name : 'Error'
  return {
    errorCode: 'INTERNAL_ERROR',
    errorType,
    message: `The run failed on the server (${errorType}). It has been logged under the run's id.`,
    retryable: false,
  }
}

/** The entry that ends a run which failed. */
export function failureEntry({ message, ...failure }: RunFailure): LogEntry {
  // Errors of hooks and of a host's own models quote what they got.
  return { event: { event: 'RunError', content: redactText(message), ...failure } }
}
