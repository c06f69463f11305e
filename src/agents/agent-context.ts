import type { Caller } from '../core/caller.js'
import type { JsonObject } from '../core/json.js'
import type { Logger } from '../core/logger.js'
import type { RunInput } from './log/run-record.js'

/** What instructions, hooks, guardrails and tools are told about the run that they are part of. */
export interface AgentContext {
  readonly runId: string
  readonly sessionId: string
  readonly userId?: string
  /** Who started the run. */
  readonly caller: Caller
  readonly input: RunInput
  /** An ordinary object: change it in place. What was changed is stored with the session. */
  readonly sessionState: JsonObject
  /** What the agent was given, with the request's values over it. */
  readonly dependencies: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<JsonObject>
  /** Aborts when the run is cancelled or has run out of time. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** What a run can be given beside its input: values, or a function that makes them for each run. */
export type Dependencies =
  | Readonly<Record<string, unknown>>
  | ((
      context: Omit<AgentContext, 'dependencies'>,
    ) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>)
