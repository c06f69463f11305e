import { toIso } from '../core/clock.js'
import { newId } from '../core/ids.js'
import { isWaiting } from './log/decision.js'
import type { LogEntry } from './log/entry.js'
import type { RunFold } from './log/fold.js'
import type { RunRequirement, ToolExecution } from './log/tool-execution.js'
import type { Tool } from './tool.js'

/**
 * The call as it waits for somebody; undefined when it may run.
 *
 * @param known the call as the log has it, when it was started before a crash or has waited before.
 */
export function pauseOf(
  tool: Tool,
  execution: ToolExecution,
  known: ToolExecution | undefined,
): ToolExecution | undefined {
  // It was started and its outcome is unknown: doing it twice is for a person to decide.
  const isInterrupted = known !== undefined && !isWaiting(known) && !tool.external
  if (isInterrupted)
    return tool.idempotent ? undefined : { ...execution, requiresConfirmation: true, interrupted: true }
  if (tool.external) return { ...execution, externalExecutionRequired: true }
  if (tool.userInput) {
    const fields = tool.userInput.map((field) => ({ ...field }))
    return { ...execution, requiresUserInput: true, userInputSchema: fields }
  }
  if (tool.requiresConfirmation) return { ...execution, requiresConfirmation: true }
  return undefined
}

/** The entry that ends the leg: these calls wait for somebody. */
export function pausedEntry(paused: readonly ToolExecution[], fold: RunFold, now: number): LogEntry {
  const asked = new Set(paused.map(({ toolCallId }) => toolCallId))
  const earlier = fold.requirements.filter(({ toolExecution }) => !asked.has(toolExecution.toolCallId))
  return {
    event: {
      event: 'RunPaused',
      tools: [...paused],
      requirements: [...earlier, ...paused.map((tool) => requirement(tool, now))],
      content: `The run waits for: ${paused.map(waitsFor).join('; ')}.`,
    },
  }
}

function requirement(toolExecution: ToolExecution, now: number): RunRequirement {
  const { userInputSchema, requiresUserInput, externalExecutionRequired } = toolExecution
  return {
    id: newId('req'),
    createdAt: toIso(now),
    toolExecution,
    ...(userInputSchema && { userInputSchema }),
    needsConfirmation: !requiresUserInput && !externalExecutionRequired,
    needsUserInput: requiresUserInput ?? false,
  }
}

function waitsFor({ toolName, requiresUserInput, externalExecutionRequired, interrupted }: ToolExecution): string {
  if (externalExecutionRequired) return `the result of ${toolName}`
  if (requiresUserInput) return `input for ${toolName}`
  return interrupted
    ? `a confirmation to run ${toolName} again, which was interrupted`
    : `a confirmation of ${toolName}`
}
