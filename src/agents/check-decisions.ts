import { ConflictError, ValidationError } from '../core/errors.js'
import type { AgentPlan } from './agent-plan.js'
import type { Decision } from './log/decision.js'
import type { ToolExecution } from './log/tool-execution.js'
import { decidedArgs, standingArgs } from './tool-call.js'
import type { Tool } from './tool.js'

/** How long a source of tools may take to say which there are. */
const TOOLSET_TIMEOUT_MS = 30_000

/**
 * Checks that decided calls can be made by the agent as it is now, which may be another version of the code than the
 * one that the run has paused under.
 *
 * @throws ConflictError `RUN_NOT_CONTINUABLE` when a tool is not there any more, or takes other arguments by now.
 * @throws ValidationError `INVALID_TOOL_ARGS` when what was edited or filled in is not what the tool takes.
 */
export async function checkDecisions(
  plan: AgentPlan,
  decisions: readonly { decision: Decision; tool: ToolExecution }[],
): Promise<void> {
  const toMake = decisions.filter(({ decision: { kind } }) => kind === 'confirm' || kind === 'input')
  if (toMake.length === 0) return
  const tools = await toolsOf(plan)
  for (const { decision, tool } of toMake) await checkOne(tools, decision, tool)
}

async function checkOne(tools: ReadonlyMap<string, Tool>, decision: Decision, call: ToolExecution): Promise<void> {
  const { toolCallId, toolName, toolArgs = {} } = call
  const tool = tools.get(toolName)
  if (tool === undefined) {
    throw new ConflictError(
      'RUN_NOT_CONTINUABLE',
      `The run waits to call the tool "${toolName}", which the agent does not have any more. Reject the call, or bring the tool back.`,
    )
  }
  const checked = await tool.check(decidedArgs(standingArgs(toolArgs, call), decision))
  if (!('problem' in checked)) return
  if (decision.kind === 'confirm' && decision.editedArgs === undefined) {
    throw new ConflictError(
      'RUN_NOT_CONTINUABLE',
      `The tool "${toolName}" does not take the arguments of call "${toolCallId}" any more: ${checked.problem}. Reject the call, or edit its arguments.`,
    )
  }
  const path = decision.kind === 'confirm' ? 'edited_args' : 'user_input_schema'
  throw new ValidationError('INVALID_TOOL_ARGS', `Call "${toolCallId}" of "${toolName}": ${checked.problem}.`, [
    { path, message: checked.problem },
  ])
}

async function toolsOf({ tools, toolsets }: AgentPlan): Promise<ReadonlyMap<string, Tool>> {
  const signal = AbortSignal.timeout(TOOLSET_TIMEOUT_MS)
  const sets = await Promise.all(toolsets.map((set) => set.tools(signal)))
  return new Map([...tools, ...sets.flat()].map((tool) => [tool.name, tool]))
}
