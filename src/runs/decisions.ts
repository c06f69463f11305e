import { z } from 'zod'
import { isWaiting } from '../agents/log/decision.js'
import type { Decision } from '../agents/log/decision.js'
import type { RunRequirement, ToolExecution, UserInputField } from '../agents/log/tool-execution.js'
import { ConflictError, ValidationError } from '../core/errors.js'
import type { JsonValue } from '../core/json.js'
import { UserJsonObject } from '../core/schema.js'

const Field = z.object({ name: z.string(), value: z.unknown() })

/** The fields of a tool execution that decide. Whatever else a client sends along comes from the stored run. */
const ToolFields = z.object({
  confirmed: z.boolean().nullish(),
  confirmationNote: z.string().nullish(),
  editedArgs: UserJsonObject.nullish(),
  userInputSchema: z.array(Field).nullish(),
  answered: z.boolean().nullish(),
  result: z.string().nullish(),
  toolCallError: z.boolean().nullish(),
})

/** A decision about a paused tool call, found by the call's id. */
export const ToolDecision = ToolFields.extend({ toolCallId: z.string() })
export type ToolDecision = z.input<typeof ToolDecision>

/** A decision about a requirement, found by its id. What it says counts for its tool execution, and the reverse. */
export const RequirementDecision = z.object({
  id: z.string(),
  confirmation: z.boolean().nullish(),
  confirmationNote: z.string().nullish(),
  userInputSchema: z.array(Field).nullish(),
  externalExecutionResult: z.string().nullish(),
  toolExecution: ToolFields.nullish(),
})
export type RequirementDecision = z.input<typeof RequirementDecision>

export interface GivenDecisions {
  tools?: readonly z.output<typeof ToolDecision>[]
  requirements?: readonly z.output<typeof RequirementDecision>[]
}

/** A call left open by these decisions: nothing may happen. */
export class UndecidedError extends ConflictError {
  constructor(readonly requirementIds: readonly string[]) {
    super(
      'RUN_REQUIREMENTS_UNRESOLVED',
      `The run still waits for a decision about ${requirementIds.join(', ')}; decide about each of them.`,
    )
  }
}

/**
 * The decisions about what a run waits for, out of all its requirements. Only decisions are taken from what was given,
 * for calls that wait; names, arguments and flags are the stored run's.
 *
 * @param settled what approvals have decided, by the call's id: nothing else counts for these calls.
 * @throws ConflictError `APPROVAL_ALREADY_RESOLVED` when what was given contradicts an approval.
 * @throws ValidationError `UNKNOWN_TOOL_CALL` for a call that the run does not wait for; `VALIDATION_ERROR` for a field
 *   that was not asked for.
 * @throws ConflictError `RUN_REQUIREMENTS_UNRESOLVED` when one is left undecided.
 */
export function decide(
  requirements: readonly RunRequirement[],
  given: GivenDecisions,
  settled: ReadonlyMap<string, Decision> = NOTHING_SETTLED,
): Decision[] {
  // Clients send the whole list back: what was decided before is passed over.
  const byCall = collect(requirements, given)
  const waiting = requirements.filter(({ toolExecution }) => isWaiting(toolExecution))
  const undecided: string[] = []
  const decisions = waiting.flatMap((requirement) => {
    const { toolCallId } = requirement.toolExecution
    const said = byCall.get(toolCallId) ?? {}
    const made = settled.get(toolCallId)
    if (made && contradicts(said, made)) throw settledOtherwise(made)
    const decision = made ?? decisionOf(requirement.toolExecution, said)
    if (decision) return [decision]
    undecided.push(requirement.id)
    return []
  })
  if (undecided.length > 0) throw new UndecidedError(undecided)
  return decisions
}

const NOTHING_SETTLED: ReadonlyMap<string, Decision> = new Map()

type Given = z.output<typeof ToolFields>

/** Whether somebody wants something else than what was decided. A form that is sent back as it came says nothing. */
function contradicts({ confirmed, editedArgs, result, userInputSchema }: Given, made: Decision): boolean {
  const wanted = made.kind !== 'reject'
  if (typeof confirmed === 'boolean' && confirmed !== wanted) return true
  if (editedArgs && !(made.kind === 'confirm' && isSame(editedArgs, made.editedArgs))) return true
  if (typeof result === 'string' && !(made.kind === 'external' && made.result === result)) return true
  if (made.kind !== 'input') return false
  return (userInputSchema ?? []).some(({ name, value }) => value != null && !isSame(value, made.values[name]))
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

function settledOtherwise({ toolCallId, approvalId }: Decision): ConflictError {
  return new ConflictError(
    'APPROVAL_ALREADY_RESOLVED',
    `Approval "${approvalId}" has decided about call "${toolCallId}" otherwise. Leave the call out.`,
  )
}

function collect(requirements: readonly RunRequirement[], given: GivenDecisions): Map<string, Given> {
  const byId = new Map(requirements.map((requirement) => [requirement.id, requirement.toolExecution.toolCallId]))
  const calls = new Set(byId.values())
  const byCall = new Map<string, Given>()
  const add = (toolCallId: string, fields: Given): void => {
    const said = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)
    byCall.set(toolCallId, { ...byCall.get(toolCallId), ...Object.fromEntries(said) })
  }
  for (const [index, { toolCallId, ...fields }] of (given.tools ?? []).entries()) {
    if (!calls.has(toolCallId)) throw unknown(`tools.${index}.tool_call_id`, `a tool call "${toolCallId}"`)
    add(toolCallId, fields)
  }
  for (const [index, { id, toolExecution, ...fields }] of (given.requirements ?? []).entries()) {
    const toolCallId = byId.get(id)
    if (toolCallId === undefined) throw unknown(`requirements.${index}.id`, `a requirement "${id}"`)
    if (toolExecution) add(toolCallId, toolExecution)
    const { confirmation: confirmed, externalExecutionResult: result, ...rest } = fields
    add(toolCallId, { confirmed, result, ...rest })
  }
  return byCall
}

function decisionOf(waiting: ToolExecution, given: Given): Decision | undefined {
  const { toolCallId } = waiting
  if (waiting.externalExecutionRequired) {
    if (typeof given.result !== 'string') return undefined
    return { toolCallId, kind: 'external', result: given.result, ...(given.toolCallError && { isError: true }) }
  }
  if (waiting.requiresUserInput) return inputOf(waiting, given)
  if (given.confirmed === true) {
    return { toolCallId, kind: 'confirm', ...(given.editedArgs && { editedArgs: given.editedArgs }) }
  }
  if (given.confirmed !== false) return undefined
  return { toolCallId, kind: 'reject', ...(given.confirmationNote && { note: given.confirmationNote }) }
}

function inputOf({ toolCallId, userInputSchema = [] }: ToolExecution, given: Given): Decision | undefined {
  // A form that is not filled in can still be refused.
  if (given.confirmed === false) {
    return { toolCallId, kind: 'reject', ...(given.confirmationNote && { note: given.confirmationNote }) }
  }
  const names = new Map(userInputSchema.map((field) => [field.name, field]))
  const values: Record<string, JsonValue> = {}
  for (const { name, value } of given.userInputSchema ?? []) {
    const field = names.get(name)
    if (!field) throw unknownField(toolCallId, name)
    if (value !== null && value !== undefined) set(values, name, checked(toolCallId, field, value as JsonValue))
  }
  for (const { name, value } of userInputSchema) {
    if (!Object.hasOwn(values, name) && value !== null && value !== undefined) set(values, name, value as JsonValue)
  }
  const isComplete = userInputSchema.every(({ name }) => Object.hasOwn(values, name))
  return isComplete || given.answered === true ? { toolCallId, kind: 'input', values } : undefined
}

const TYPES: Record<UserInputField['fieldType'], (value: JsonValue) => boolean> = {
  str: (value) => typeof value === 'string',
  int: (value) => Number.isInteger(value),
  float: (value) => typeof value === 'number',
  bool: (value) => typeof value === 'boolean',
  list: (value) => Array.isArray(value),
  dict: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

/** Whether a field takes such a value. */
export function isOfType(fieldType: UserInputField['fieldType'], value: JsonValue): boolean {
  return TYPES[fieldType](value)
}

function checked(toolCallId: string, { name, fieldType }: UserInputField, value: JsonValue): JsonValue {
  if (TYPES[fieldType](value)) return value
  const message = `Must be of type ${fieldType}`
  throw new ValidationError('VALIDATION_ERROR', `The value of "${name}" for call "${toolCallId}": ${message}.`, [
    { path: `user_input_schema.${name}`, message },
  ])
}

function set(values: Record<string, JsonValue>, name: string, value: JsonValue): void {
  Object.defineProperty(values, name, { value, enumerable: true, writable: true, configurable: true })
}

function unknown(path: string, what: string): ValidationError {
  const message = `The run does not wait for ${what}`
  return new ValidationError('UNKNOWN_TOOL_CALL', `${message}.`, [{ path, message }])
}

function unknownField(toolCallId: string, name: string): ValidationError {
  const message = `Call "${toolCallId}" asks for no field "${name}"`
  return new ValidationError('VALIDATION_ERROR', `${message}.`, [{ path: 'user_input_schema', message }])
}
