import { isWaiting } from '../agents/log/decision.js'
import type { Decision } from '../agents/log/decision.js'
import type { RunRequirement } from '../agents/log/tool-execution.js'
import { ValidationError } from '../core/errors.js'
import { decide, UndecidedError } from '../runs/decisions.js'
import { incomplete } from './approval-errors.js'
import type { StoredApproval } from './approval-repository.js'
import type { ResolutionData } from './approval.js'

/** What an approval decides about the calls that wait for it. */
export function decisionsOf(
  { id: approvalId, status, resolution = {} }: Pick<StoredApproval, 'id' | 'status' | 'resolution'>,
  waiting: readonly RunRequirement[],
): Decision[] {
  if (status === 'approved') {
    return decide(waiting, givenBy(resolution, waiting)).map((decision) => ({ ...decision, approvalId }))
  }
  const note = resolution.note ?? (status === 'expired' ? 'Nobody has approved it in time.' : undefined)
  return waiting.map(({ toolExecution: { toolCallId } }) => ({
    toolCallId,
    approvalId,
    kind: 'reject',
    ...(note !== undefined && { note }),
  }))
}

/** The requirements of an approval that wait for it. */
function gatedBy({ id, requirements }: Pick<StoredApproval, 'id' | 'requirements'>): RunRequirement[] {
  return requirements.filter(({ toolExecution }) => toolExecution.approvalId === id && isWaiting(toolExecution))
}

/**
 * Checks that a resolution says all that the calls need, and nothing else.
 *
 * @returns what it decides.
 * @throws ValidationError `RESOLUTION_INCOMPLETE`, `UNKNOWN_TOOL_CALL`
 */
export function checkedDecisions(
  approval: Pick<StoredApproval, 'id' | 'requirements'>,
  status: 'approved' | 'rejected',
  data: ResolutionData,
): Decision[] {
  const waiting = gatedBy(approval)
  if (status === 'approved') refuseUnknown(waiting, data)
  try {
    return decisionsOf({ id: approval.id, status, resolution: data }, waiting)
  } catch (error) {
    if (!(error instanceof UndecidedError)) throw error
    const open = waiting.find(({ id }) => error.requirementIds.includes(id))!.toolExecution
    throw open.externalExecutionRequired
      ? incomplete(`is missing: approving "${open.toolName}" takes its result`, 'result')
      : incomplete(`must hold ${missingFields(open.userInputSchema, data)}`, 'values')
  }
}

function givenBy({ values = {}, result, editedArgs = {} }: ResolutionData, waiting: readonly RunRequirement[]) {
  const tools = waiting.map(({ toolExecution: tool }) => ({
    toolCallId: tool.toolCallId,
    confirmed: true,
    ...(Object.hasOwn(editedArgs, tool.toolCallId) && { editedArgs: editedArgs[tool.toolCallId] }),
    ...(tool.externalExecutionRequired && { result }),
    ...(tool.requiresUserInput && {
      userInputSchema: (tool.userInputSchema ?? [])
        .filter(({ name }) => Object.hasOwn(values, name))
        .map(({ name }) => ({ name, value: values[name] })),
    }),
  }))
  return { tools }
}

function refuseUnknown(waiting: readonly RunRequirement[], { values = {}, result, editedArgs = {} }: ResolutionData) {
  const tools = waiting.map(({ toolExecution }) => toolExecution)
  const fields = new Set(
    tools.flatMap(({ requiresUserInput, userInputSchema = [] }) =>
      requiresUserInput ? userInputSchema.map(({ name }) => name) : [],
    ),
  )
  const odd = Object.keys(values).find((name) => !fields.has(name))
  if (odd !== undefined) throw incomplete(`is not asked for`, `values.${odd}`)
  if (result !== undefined && !tools.some(({ externalExecutionRequired }) => externalExecutionRequired)) {
    throw incomplete('is not asked for: no call of the run is executed elsewhere', 'result')
  }
  for (const toolCallId of Object.keys(editedArgs)) {
    const path = `edited_args.${toolCallId}`
    const tool = tools.find((one) => one.toolCallId === toolCallId)
    if (!tool) {
      const message = `The approval is not for a tool call "${toolCallId}"`
      throw new ValidationError('UNKNOWN_TOOL_CALL', `${message}.`, [{ path: `resolution_data.${path}`, message }])
    }
    if (!tool.requiresConfirmation) throw incomplete('is for calls that wait for a confirmation', path)
  }
}

function missingFields(schema: { name: string; value?: unknown }[] = [], { values = {} }: ResolutionData): string {
  const missing = schema.filter(
    ({ name, value }) => value == null && (!Object.hasOwn(values, name) || values[name] == null),
  )
  return missing.map(({ name }) => `"${name}"`).join(', ')
}
