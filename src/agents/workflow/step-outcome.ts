import type { JsonValue } from '../../core/json.js'
import type { ApprovalTerms } from '../log/entry.js'
import type { RunFailure } from '../log/run-record.js'
import type { ErrorRequirement, PauseKind, StepOutput, StepRequirement } from '../log/step-record.js'
import type { RunRequirement } from '../log/tool-execution.js'

/** What a paused workflow waits for at one of its steps. */
export interface StepWait {
  kind: PauseKind
  stepName: string
  /** Of the outermost step around it. */
  stepIndex: number
  /** What somebody is asked, as decisions are matched with it. */
  requirements?: readonly RunRequirement[]
  /** The same, as the contract shows it for workflows. */
  stepRequirements?: readonly StepRequirement[]
  errorRequirement?: ErrorRequirement
  /** When the workflow goes on by itself, in milliseconds. */
  wakeAt?: number
  eventName?: string
  terms?: ApprovalTerms
}

/** One try of a step. */
export type Tried = { output: StepOutput } | { failure: RunFailure } | { waits: readonly StepWait[] }

/** How far a step has come: it is over, has ended the workflow, or waits. */
export type StepOutcome =
  | { kind: 'done'; value: unknown; output: StepOutput }
  | { kind: 'stopped'; value: unknown; output: StepOutput }
  | { kind: 'waiting'; waits: readonly StepWait[] }

/** Somebody has said no, and that is to end the run as cancelled. */
export class RejectedError extends Error {
  override readonly name = 'RejectedError'
}

/** The value as the log holds it: what JSON can't hold is lost here, the same for everybody. */
export function toJson(value: unknown): JsonValue | undefined {
  const text = JSON.stringify(value) as string | undefined
  return text === undefined ? undefined : (JSON.parse(text) as JsonValue)
}

/** What a step has given, in the form that goes with it. */
export function contentTypeOf(content: unknown): string {
  if (content === undefined || typeof content === 'string') return 'str'
  return Array.isArray(content) ? 'list' : typeof content === 'object' && content !== null ? 'dict' : typeof content
}
