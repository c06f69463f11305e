import type { Caller } from '../core/caller.js'
import type { JsonObject, JsonValue } from '../core/json.js'
import type { Logger } from '../core/logger.js'
import type { Usage } from '../models/model.js'
import type { RunInput } from './log/run-record.js'
import type { Concurrency } from './runnable.js'

/** A turn of the conversation as every framework takes it. */
export interface ForeignMessage {
  role: 'user' | 'assistant'
  content: string
}

/** What a foreign agent is told about its run. */
export interface ForeignContext {
  readonly runId: string
  readonly sessionId: string
  readonly userId?: string
  readonly caller: Caller
  /** The conversation, oldest first; what is asked now comes last. */
  readonly messages: readonly ForeignMessage[]
  /** The whole input, with its media. */
  readonly input: RunInput
  /** An ordinary object: change it in place. What was changed is stored with the session. */
  readonly sessionState: JsonObject
  readonly dependencies: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<JsonObject>
  /** Aborts when the run is cancelled or has run out of time: give it to the framework. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** What a foreign agent yields. */
export type ForeignPart =
  /** A piece of the text. */
  | string
  /** A `CustomEvent` with these fields. */
  | { event: Readonly<Record<string, unknown>> }
  /** The agent has begun to call a tool of its own. */
  | { toolCall: { id: string; name: string; args?: JsonObject } }
  | { toolResult: { id: string; result: string; isError?: boolean } }
  /** The whole answer, where it is more than the text so far, and what it took. */
  | { content?: JsonValue; contentType?: string; usage?: Partial<Usage> }

/** What {@link runnable} is made from. */
export interface ForeignAgentDefinition {
  /** Names the agent in URLs and records: 1 to 255 characters. */
  id: string
  /** For people. Default: the id. */
  name?: string
  description?: string
  /** What it is made with, such as `langgraph`; shown to whoever lists agents. */
  framework?: string
  /** The model behind it, where that is known. */
  model?: { id: string; provider: string }
  /** How many earlier runs of the session `context.messages` holds. Default: 3. */
  historyRuns?: number
  sessionState?: JsonObject
  introduction?: string
  concurrency?: Concurrency
  /** Milliseconds. Default: 30 minutes. */
  timeoutMs?: number
  /** May be run again from the start after a crash. Default: false, the run ends as `RUN_INTERRUPTED`. */
  idempotent?: boolean
  run(input: JsonValue, context: ForeignContext): AsyncIterable<ForeignPart>
}
