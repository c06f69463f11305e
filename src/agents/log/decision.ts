import type { JsonObject, JsonValue } from '../../core/json.js'

/** What somebody with the right to decide has decided about one tool call that a run waits for. */
export type Decision = { toolCallId: string } & (
  | { kind: 'confirm'; editedArgs?: JsonObject }
  | { kind: 'reject'; note?: string }
  /** Values of the fields that a person gives. */
  | { kind: 'input'; values: Record<string, JsonValue> }
  /** The result of a tool that was executed elsewhere. */
  | { kind: 'external'; result: string; isError?: boolean }
)
