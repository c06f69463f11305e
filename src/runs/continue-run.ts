import { z } from 'zod'
import { ValidationError } from '../core/errors.js'
import { UserJsonObject } from '../core/schema.js'
import { RequirementDecision, ToolDecision } from './decisions.js'
import { ErrorDecision, StepDecision } from './step-decisions.js'

/** How much of a run stays: everything, up to its last user message, or so many messages. */
export const ContinueFrom = z.union([z.enum(['end', 'last_user']), z.number().int()], {
  error: 'must be "end", "last_user" or a whole number',
})
export type ContinueFrom = z.infer<typeof ContinueFrom>

/** What says how a run is gone on with, beside decisions and values; the same in code and over HTTP. */
export const continueFields = {
  /** What the user says further. */
  input: z.string().min(1).optional(),
  /** Default: `end`. */
  continueFrom: ContinueFrom.optional(),
  /** Works on a copy with an id of its own. */
  fork: z.boolean().optional(),
  /** Drops the last answer and asks for another, in a copy. */
  regenerate: z.boolean().optional(),
  /** Of a regeneration: the source is superseded once the new answer is there. Default: true. */
  replaceOriginal: z.boolean().optional(),
  /** Of a regeneration: what the user says further. */
  additionalInstructions: z.string().min(1).optional(),
}

/** What `runs.continue()` takes. */
export const ContinueRun = z.object({
  /** Decisions about paused tool calls, by the call's id. */
  tools: z.array(ToolDecision).optional(),
  /** The same, by the requirement's id. */
  requirements: z.array(RequirementDecision).optional(),
  /** Of a workflow: decisions about the steps that it waits at. */
  stepRequirements: z.array(StepDecision).optional(),
  /** Of a workflow: what to do about steps that have failed. */
  errorRequirements: z.array(ErrorDecision).optional(),
  ...continueFields,
  /** Values for tools and prompts in this leg; these keys win over those that the run began with. */
  dependencies: z.record(z.string(), z.unknown()).optional(),
  metadata: UserJsonObject.optional(),
  knowledgeFilters: z.unknown().optional(),
})
export type ContinueRun = z.input<typeof ContinueRun> & { signal?: AbortSignal }
export type CheckedContinue = z.output<typeof ContinueRun>

/** @throws ValidationError `CONTINUE_PARAMS_CONFLICT` when two fields contradict each other. */
export function checkParams(input: CheckedContinue): void {
  const { regenerate = false, fork = false, continueFrom } = input
  if (input.input !== undefined && input.additionalInstructions !== undefined) {
    throw conflict('additional_instructions', 'stands beside input; send one of them')
  }
  if (regenerate && fork) throw conflict('fork', 'stands beside regenerate, which forks by itself; leave it out')
  if (regenerate && typeof continueFrom === 'number') {
    throw conflict('continue_from', 'is a number, but regenerate goes on from the end or the last user message')
  }
  if (regenerate) return
  if (input.replaceOriginal !== undefined) throw conflict('replace_original', 'is for regenerate only; leave it out')
  if (input.additionalInstructions !== undefined) {
    throw conflict('additional_instructions', 'is for regenerate only; send input')
  }
}

function conflict(path: string, message: string): ValidationError {
  return new ValidationError('CONTINUE_PARAMS_CONFLICT', `${path} ${message}.`, [{ path, message }])
}
