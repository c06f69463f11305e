import type { JsonObject, JsonValue } from '../../core/json.js'
import type { RunRequirement, ToolExecution, UserInputField } from './tool-execution.js'

/**
 * What somebody with the right to decide has decided about one tool call that a run waits for.
 *
 * `approvalId` names the approval that it comes from, or that has only recorded it. Which of the two says `approval`:
 * without it, no call of a tool with `approval: 'required'` is made. `isTimeout`: nobody has decided in time.
 */
export type Decision = { toolCallId: string; approvalId?: string; approval?: 'required'; isTimeout?: true } & (
  | { kind: 'confirm'; editedArgs?: JsonObject }
  | { kind: 'reject'; note?: string }
  /** Values of the fields that a person gives. */
  | { kind: 'input'; values: Record<string, JsonValue> }
  /** The result of a tool that was executed elsewhere. */
  | { kind: 'external'; result: string; isError?: boolean }
)

/** Whether a call waits for somebody. */
export function isWaiting(tool: ToolExecution): boolean {
  return Boolean(tool.requiresConfirmation || tool.requiresUserInput || tool.externalExecutionRequired)
}

/** The call with the decision in its record; it waits no more. */
export function decided(tool: ToolExecution, decision: Decision): ToolExecution {
  const { requiresConfirmation, requiresUserInput, externalExecutionRequired, ...rest } = tool
  const waited = {
    ...rest,
    ...(decision.approvalId !== undefined && { approvalId: decision.approvalId }),
    ...(requiresConfirmation !== undefined && { requiresConfirmation: false }),
    ...(requiresUserInput !== undefined && { requiresUserInput: false }),
    ...(externalExecutionRequired !== undefined && { externalExecutionRequired: false }),
  }
  switch (decision.kind) {
    case 'confirm':
      return { ...waited, confirmed: true, ...(decision.editedArgs && { editedArgs: decision.editedArgs }) }
    case 'reject':
      return { ...waited, confirmed: false, ...(decision.note !== undefined && { confirmationNote: decision.note }) }
    case 'input':
      return { ...waited, answered: true, userInputSchema: filled(tool.userInputSchema ?? [], decision.values) }
    case 'external':
      return waited
  }
}

/** The requirement with the decision in its record. */
export function resolved(requirement: RunRequirement, decision: Decision): RunRequirement {
  const toolExecution = decided(requirement.toolExecution, decision)
  const rest = { ...requirement, toolExecution, needsConfirmation: false, needsUserInput: false }
  switch (decision.kind) {
    case 'confirm':
      return { ...rest, confirmation: true }
    case 'reject':
      return { ...rest, confirmation: false, ...(decision.note !== undefined && { confirmationNote: decision.note }) }
    case 'input':
      return { ...rest, userInputSchema: toolExecution.userInputSchema }
    case 'external':
      return { ...rest, externalExecutionResult: decision.result }
  }
}

function filled(fields: readonly UserInputField[], values: Readonly<Record<string, JsonValue>>): UserInputField[] {
  return fields.map((field) => (Object.hasOwn(values, field.name) ? { ...field, value: values[field.name] } : field))
}
