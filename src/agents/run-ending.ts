import { toEpochSeconds } from '../core/clock.js'
import { newId } from '../core/ids.js'
import type { LogEntry } from './log/entry.js'
import type { RunFold } from './log/fold.js'
import type { NestedRun } from './log/nested-runs.js'
import type { Message } from './log/message.js'
import type { ToolExecution } from './log/tool-execution.js'
import { RunFailedError } from './run-failure.js'

/** Milliseconds that a run may take, where the component sets no limit of its own. */
export const DEFAULT_TIMEOUT_MS = 30 * 60_000

/** The reason with which a run's signal aborts when its time is up. */
export function timeoutFailure(limit: number): RunFailedError {
  return new RunFailedError({
    errorCode: 'RUN_TIMEOUT',
    message: `The run took longer than ${limit} ms.`,
    retryable: true,
  })
}

/**
 * The last entries of a run that is cancelled: an answer for each tool call that is still open, and the text that was
 * shown so far as the model's message, so that the conversation can go on after it.
 */
export function cancelEntries(fold: RunFold, now: number, reason: string): LogEntry[] {
  return [...cancelNested(fold.openInside, now, reason), ...cancelOwn(fold, now, reason)]
}

/** The last entries of runs inside of one that ends, or that needs them no more. */
export function cancelNested(open: readonly NestedRun[], now: number, reason: string): LogEntry[] {
  return open.flatMap(({ fold, source }) => cancelOwn(fold, now, reason).map((entry) => ({ ...entry, source })))
}

function cancelOwn(fold: RunFold, now: number, reason: string): LogEntry[] {
  const openTools = fold.tools.filter((tool) => tool.result === undefined && tool.toolCallError === undefined)
  const text = fold.openText
  const facts = text === '' ? undefined : { messages: [partialAnswer(text, now)] }
  return [
    ...openTools.map((tool) => cancelledTool(tool)),
    {
      event: { event: 'RunCancelled', reason, ...(fold.text !== '' && { content: fold.text }) },
      ...(facts && { facts }),
    },
  ]
}

function cancelledTool(tool: ToolExecution): LogEntry {
  const error = 'The run was cancelled before the tool had finished.'
  return {
    event: { event: 'ToolCallError', tool: { ...tool, toolCallError: true, result: error }, error },
    facts: { toolMessageId: newId('msg') },
  }
}

function partialAnswer(content: string, now: number): Message {
  return {
    id: newId('msg'),
    role: 'assistant',
    content,
    fromHistory: false,
    stopAfterToolCall: false,
    createdAt: toEpochSeconds(now),
  }
}
