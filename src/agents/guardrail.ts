import type { JsonObject, JsonValue } from '../core/json.js'
import type { AgentContext } from './agent-context.js'
import type { RunInput } from './log/run-record.js'

/** Ids of the contract; one of your own is passed on as it is. */
export type GuardrailId =
  | 'off_topic'
  | 'input_not_allowed'
  | 'output_not_allowed'
  | 'validation_failed'
  | 'prompt_injection'
  | 'pii_detected'
  | (string & {})

/**
 * Thrown by a guardrail or a hook that refuses. The run ends as `error` with `INPUT_CHECK_FAILED` or
 * `OUTPUT_CHECK_FAILED`; id, message and data are shown to the client.
 *
 * @example
 * ```ts
 * throw new GuardrailError({ id: 'pii_detected', message: 'The answer names a card number.' })
 * ```
 */
export class GuardrailError extends Error {
  override readonly name = 'GuardrailError'
  readonly id: GuardrailId
  readonly data?: JsonObject

  constructor({ id, message, data }: { id: GuardrailId; message: string; data?: JsonObject }, options?: ErrorOptions) {
    super(message, options)
    this.id = id
    if (data !== undefined) this.data = data
  }
}

/**
 * Looks at the input before the model does, after the pre-hooks.
 *
 * @throws GuardrailError to refuse it.
 */
export type InputGuardrail = (check: { input: RunInput; context: AgentContext }) => void | Promise<void>

/**
 * Looks at the whole answer before the client does: a text, or the object of a structured answer.
 *
 * @throws GuardrailError to refuse it.
 */
export type OutputGuardrail = (check: { content: JsonValue; context: AgentContext }) => void | Promise<void>

/**
 * Runs before the model is asked, under the name of the function. What it returns replaces the input: a whole one, or
 * a text in the place of its content.
 *
 * @throws GuardrailError to refuse the input.
 */
export type PreHook = (run: {
  input: RunInput
  context: AgentContext
}) => RunInput | string | void | Promise<RunInput | string | void>

/**
 * Runs when the answer is there and was shown, before the run is completed, under the name of the function.
 *
 * @throws GuardrailError to take the answer back.
 */
export type PostHook = (run: { input: RunInput; content: JsonValue; context: AgentContext }) => void | Promise<void>
