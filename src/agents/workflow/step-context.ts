import type { Caller } from '../../core/caller.js'
import type { JsonObject, JsonValue } from '../../core/json.js'
import type { Logger } from '../../core/logger.js'
import type { Media } from '../log/media.js'
import type { RunInput } from '../log/run-record.js'

/** What the functions of a workflow's steps are told about the run that they are part of. */
export interface StepContext {
  readonly runId: string
  readonly sessionId: string
  readonly userId?: string
  /** Who started the run. */
  readonly caller: Caller
  /** What the workflow was asked, with its media. */
  readonly input: RunInput
  /** The media of the request, and those that the steps which are over have made, in that order. */
  readonly media: Media
  /** Given with the request for every step. */
  readonly additionalData: Readonly<JsonObject>
  /** What came of the steps that are over, by their names; of several with one name, of the last. */
  readonly outputs: Readonly<Record<string, JsonValue>>
  /** An ordinary object: change it in place. What was changed is stored with the session. */
  readonly sessionState: JsonObject
  readonly dependencies: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<JsonObject>
  readonly stepId: string
  readonly stepName: string
  /** The same for every time that this step of this run is run, whatever crashes: give it to what must not happen twice. */
  readonly idempotencyKey: string
  /** Which try it is, from 1. */
  readonly attempt: number
  /** From 1, in the steps of a loop. */
  readonly iteration?: number
  /** What a reviewer has said about the output before, when the step runs again for it. */
  readonly feedback?: string
  /** Aborts when the run is cancelled, or the step or the run has run out of time. */
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Shows a `CustomEvent` with these fields to whoever follows the run. */
  emit(fields: Readonly<Record<string, unknown>>): void
}
