import type { Decision } from '../agents/log/decision.js'
import { isWaiting } from '../agents/log/decision.js'
import type { LogEntry } from '../agents/log/entry.js'
import type { WorkflowPause } from '../agents/log/events.js'
import type { RunRequirement, ToolExecution } from '../agents/log/tool-execution.js'
import { newId } from '../core/ids.js'
import type { StoredApproval } from './approval-repository.js'
import type { ResolutionData } from './approval.js'

/** The run that pauses, as its approval names it. */
export type PausedRun = Pick<StoredApproval, 'runId' | 'sessionId' | 'userId' | 'startedBy' | 'source'>

/**
 * The entry of a pause as it is logged: when calls in it need an approval, they name it, and it comes along to be
 * stored in the same unit. There is one for all of them.
 */
export function withApproval(
  entry: LogEntry,
  run: PausedRun,
  at: number,
): { entry: LogEntry; approval?: StoredApproval } {
  const { event, facts } = entry
  if (event.event !== 'RunPaused') return { entry }
  const { requirements, tools } = event
  const gated = requirements.flatMap(({ toolExecution }) => (isGated(toolExecution) ? [toolExecution] : []))
  // A workflow that went on at another step waits on for the approval that it has asked for before.
  const isAsked = (tool: ToolExecution): boolean => tool.approvalId !== undefined && !tool.interrupted
  if (gated.every(isAsked)) return { entry }
  const approvalId = newId('apr')
  const stamp = (tool: ToolExecution): ToolExecution =>
    isGated(tool) && !isAsked(tool) ? { ...tool, approvalId } : tool
  const stamped = requirements.map((one) => ({ ...one, toolExecution: stamp(one.toolExecution) }))
  return {
    entry: {
      ...entry,
      event: {
        ...event,
        ...(tools && { tools: tools.map(stamp) }),
        requirements: stamped,
        ...(event.workflow && { workflow: stampedSteps(event.workflow, stamp) }),
      },
    },
    approval: {
      ...about(
        run,
        approvalId,
        gated.filter((tool) => !isAsked(tool)),
        stamped,
        at,
      ),
      status: 'pending',
      approvalType: 'required',
      ...(facts?.approvalTerms && { terms: facts.approvalTerms }),
    },
  }
}

function stampedSteps(workflow: WorkflowPause, stamp: (tool: ToolExecution) => ToolExecution): WorkflowPause {
  const { stepRequirements } = workflow
  if (!stepRequirements) return workflow
  return {
    ...workflow,
    stepRequirements: stepRequirements.map((step) => {
      const { executorRequirements } = step
      if (!executorRequirements) return step
      const shown = executorRequirements.map((one) => ({ ...one, toolExecution: stamp(one.toolExecution) }))
      return { ...step, executorRequirements: shown }
    }),
  }
}

/** Whether a call waits for an approval, and for nothing less. */
export function isGated(tool: ToolExecution): boolean {
  return tool.approvalType === 'required' && isWaiting(tool)
}

/**
 * The call as a copy of its run takes it over. What was approved is the call of the source: where it may still be made,
 * the copy of it takes an approval of its own.
 */
export function withoutApproval(tool: ToolExecution): ToolExecution {
  if (tool.result !== undefined || tool.approvalId === undefined) return tool
  const { approvalId: _approval, ...rest } = tool
  return rest
}

/**
 * The records of decisions about calls that are only to be recorded, which name them from then on: one for all that was
 * approved, one for all that was rejected.
 */
export function withAudits(
  decisions: readonly Decision[],
  requirements: readonly RunRequirement[],
  run: PausedRun,
  resolved: { by?: string; at: number },
): { decisions: Decision[]; approvals: StoredApproval[] } {
  const tools = new Map(requirements.map(({ toolExecution }) => [toolExecution.toolCallId, toolExecution]))
  const audited = decisions.filter(({ toolCallId }) => tools.get(toolCallId)?.approvalType === 'audit')
  const approvals: StoredApproval[] = []
  const ids = new Map<string, string>()
  for (const status of ['approved', 'rejected'] as const) {
    const group = audited.filter(({ kind }) => (kind === 'reject') === (status === 'rejected'))
    if (group.length === 0) continue
    const id = newId('apr')
    for (const { toolCallId } of group) ids.set(toolCallId, id)
    const asked = group.map(({ toolCallId }) => tools.get(toolCallId)!)
    approvals.push({
      ...about(run, id, asked, [...requirements], resolved.at),
      status,
      approvalType: 'audit',
      resolution: dataOf(group),
      ...(resolved.by !== undefined && { resolvedBy: resolved.by }),
      resolvedAt: resolved.at,
      appliedAt: resolved.at,
    })
  }
  return {
    decisions: decisions.map((decision) => {
      const approvalId = ids.get(decision.toolCallId)
      return approvalId === undefined ? decision : { ...decision, approvalId }
    }),
    approvals,
  }
}

function about(
  run: PausedRun,
  id: string,
  tools: readonly ToolExecution[],
  requirements: RunRequirement[],
  at: number,
): Omit<StoredApproval, 'status' | 'approvalType'> {
  const first = tools[0]!
  return {
    ...run,
    id,
    pauseType: pauseTypeOf(first),
    toolName: first.toolName,
    ...(first.toolArgs && { toolArgs: first.toolArgs }),
    toolNames: [...new Set(tools.map(({ toolName }) => toolName))],
    requirements,
    createdAt: at,
    updatedAt: at,
  }
}

function pauseTypeOf({ externalExecutionRequired, requiresUserInput }: ToolExecution): StoredApproval['pauseType'] {
  if (externalExecutionRequired) return 'external_execution'
  return requiresUserInput ? 'user_input' : 'confirmation'
}

function dataOf(decisions: readonly Decision[]): ResolutionData {
  const data: ResolutionData = {}
  for (const decision of decisions) {
    if (decision.kind === 'reject' && decision.note !== undefined) data.note = decision.note
    if (decision.kind === 'input') data.values = { ...data.values, ...decision.values }
    if (decision.kind === 'external') data.result = decision.result
    if (decision.kind === 'confirm' && decision.editedArgs) {
      data.editedArgs = { ...data.editedArgs, [decision.toolCallId]: decision.editedArgs }
    }
  }
  return data
}
