import { GuardrailError } from './guardrail.js'
import { RunFailedError } from './run-failure.js'

/** What ends the run when a guardrail or a hook has thrown this. */
export function refusal(error: unknown, side: 'input' | 'output'): unknown {
  if (!(error instanceof GuardrailError)) return error
  return new RunFailedError(
    {
      errorCode: side === 'input' ? 'INPUT_CHECK_FAILED' : 'OUTPUT_CHECK_FAILED',
      errorType: side === 'input' ? 'input_check_error' : 'output_check_error',
      errorId: error.id,
      message: error.message,
      ...(error.data && { additionalData: error.data }),
      retryable: false,
    },
    { cause: error },
  )
}
