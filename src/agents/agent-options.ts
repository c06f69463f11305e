import type { z } from 'zod'
import type { JsonObject } from '../core/json.js'
import type { Model, ModelRequest } from '../models/model.js'
import type { RetryPolicy } from '../models/retry.js'
import type { Dependencies } from './agent-context.js'
import type { InputGuardrail, OutputGuardrail, PostHook, PreHook } from './guardrail.js'
import type { Concurrency } from './runnable.js'
import type { Instructions } from './system-message.js'
import type { Tool, Toolset } from './tool.js'

/** What an {@link Agent} is made of. */
export interface AgentOptions<
  Output extends z.ZodType | undefined = undefined,
  Input extends z.ZodType | undefined = undefined,
> {
  /** Names the agent in URLs and records: 1 to 255 characters. */
  id: string
  /** For people. Default: the id. */
  name?: string
  /** What it is for, for whoever lists agents. */
  description?: string
  role?: string
  /** The model; of several, the next one is asked when the one before has failed for good. */
  model: Model | readonly [Model, ...Model[]]
  /** The system message. */
  instructions?: Instructions
  tools?: readonly (Tool | Toolset)[]
  /** Which tools the model may or must call. Default: the provider's own, which is `auto`. */
  toolChoice?: ModelRequest['toolChoice']
  /** Shape of the input, where it is more than a text. A text is then read as JSON. */
  input?: Input
  /** Shape of the answer: `content` is then an object that was validated, else a string. */
  output?: Output
  /** How many earlier runs of the session the model sees; `false` for none. Default: 3. */
  history?: { runs: number } | false
  /** The state that a new session starts with. */
  sessionState?: JsonObject
  /** What instructions, hooks and tools need: clients, settings, the user's record. Never stored, never shown. */
  dependencies?: Dependencies
  /** Stored with each run. */
  metadata?: JsonObject
  hooks?: { pre?: readonly PreHook[]; post?: readonly PostHook[] }
  guardrails?: { input?: readonly InputGuardrail[]; output?: readonly OutputGuardrail[] }
  /**
   * Shows text while it comes, though an output guardrail may refuse it in the end; it is then withdrawn with
   * `RunRecovered`. Default: false, text is held back until the guardrails have passed it.
   */
  streamBeforeGuardrail?: boolean
  /** Model steps that a run may take. Default: 50. */
  stepLimit?: number
  /** Tokens, in and out, from which on the model is not asked again. Default: none. */
  tokenBudget?: number
  /** Milliseconds that a run may take. Default: 30 minutes. */
  timeoutMs?: number
  /** Milliseconds that a tool may take, unless it says so itself. Default: 60 seconds. */
  toolTimeoutMs?: number
  /** How a failed model request is sent again. Default: 3 requests in all, per model. */
  retry?: Partial<RetryPolicy>
  /** The first thing that a new session says. */
  introduction?: string
  /** What a second run of a busy session does. Default: `queue`. */
  concurrency?: Concurrency
  /** Shows the dependencies that JSON can hold to the model. Default: false. */
  addDependenciesToContext?: boolean
  /** Shows the session's state to the model. Default: false. */
  addSessionStateToContext?: boolean
}
