import { toEpochSeconds } from '../core/clock.js'
import { newId } from '../core/ids.js'
import type { JsonObject, JsonValue } from '../core/json.js'
import { redactText } from '../core/redact.js'
import { withDeadline } from './abortable.js'
import type { AgentLeg } from './agent-leg.js'
import type { Delegated } from './delegation.js'
import { isWaiting } from './log/decision.js'
import type { Decision } from './log/decision.js'
import type { LogEntry } from './log/entry.js'
import type { ToolExecution } from './log/tool-execution.js'
import { isEnough, pauseOf } from './tool-pause.js'
import { resultText, ToolResult } from './tool-result.js'
import type { Tool, ToolContext } from './tool.js'

/** A call as the model wrote it; `arguments` is JSON text that may not parse. */
export interface AskedCall {
  id: string
  name: string
  arguments: string
}

/** What is to be done about a call of the model. */
export type PlannedCall =
  | { todo: 'run'; execution: ToolExecution; tool: Tool; args: unknown; isStarted: boolean }
  /** The call can't be made; the model is told why. */
  | { todo: 'refuse'; execution: ToolExecution; problem: string; isStarted: boolean }
  /** Somebody has answered in the tool's place. */
  | { todo: 'answer'; execution: ToolExecution; text: string; isError: boolean }
  /** Somebody has to act first. */
  | { todo: 'pause'; execution: ToolExecution; tool: Tool }

/** Decides about a call; nothing has happened yet when this returns. */
export async function planCall(leg: AgentLeg, call: AskedCall): Promise<PlannedCall> {
  const { run, tools } = leg
  const tool = tools.get(call.name)
  const known = run.fold.tool(call.id)
  const written = parseArguments(call.arguments)
  const asWritten = 'value' in written ? withoutUserInput(written.value, tool) : undefined
  const execution: ToolExecution = known ?? {
    toolCallId: call.id,
    toolName: call.name,
    ...(asWritten && { toolArgs: asWritten }),
    stopAfterToolCall: tool?.stopAfterCall ?? false,
    createdAt: toEpochSeconds(run.clock.now()),
    ...(tool?.approval && { approvalType: tool.approval }),
  }
  const decision = run.fold.decision(call.id)
  if (decision && tool && !isEnough(decision, tool)) return askAgain(tool, execution)
  if (decision?.kind === 'reject') return { todo: 'answer', execution, text: rejection(decision.note), isError: false }
  // In a fork, where the decision of its source is in the record only.
  if (!decision && known?.confirmed === false && !isWaiting(known)) {
    return { todo: 'answer', execution, text: rejection(known.confirmationNote), isError: false }
  }
  if (decision?.kind === 'external') {
    return { todo: 'answer', execution, text: decision.result, isError: decision.isError ?? false }
  }
  const isStarted = known !== undefined && decision === undefined
  const args = asWritten && standingArgs(asWritten, known)
  const refuse = (problem: string): PlannedCall => ({ todo: 'refuse', execution, problem, isStarted })
  if (tool === undefined) {
    const names = [...tools.keys()]
    return refuse(
      `There is no tool "${call.name}". ${names.length > 0 ? `There are: ${names.join(', ')}.` : ''}`.trim(),
    )
  }
  if ('problem' in written || args === undefined) return refuse('problem' in written ? written.problem : '')
  const checked = await (decision
    ? tool.check(decidedArgs(args, decision))
    : tool.check(args, isStarted ? [] : tool.requiresUserInput))
  if ('problem' in checked) return refuse(`The arguments are wrong.\n${checked.problem}`)
  const pause = decision ? undefined : pauseOf(tool, execution, known)
  if (pause) return { todo: 'pause', execution: pause, tool }
  return { todo: 'run', execution, tool, args: checked.args, isStarted }
}

/** The tool has come to need an approval while the call waited for less. */
function askAgain(tool: Tool, execution: ToolExecution): PlannedCall {
  const { confirmed: _confirmed, answered: _answered, editedArgs: _args, approvalId: _audit, ...asked } = execution
  const waiting = pauseOf(tool, { ...asked, approvalType: 'required' }, undefined)
  return { todo: 'pause', execution: waiting ?? asked, tool }
}

/** The arguments that a call had when it was last made: those of the model, or what a decision has made of them. */
export function standingArgs(args: JsonObject, known: ToolExecution | undefined): JsonObject {
  if (known?.editedArgs) return known.editedArgs
  if (!known?.answered) return args
  const given = (known.userInputSchema ?? []).filter(({ value }) => value !== null && value !== undefined)
  return { ...args, ...Object.fromEntries(given.map(({ name, value }) => [name, value as JsonValue])) }
}

/** The arguments of a call once somebody has decided about it: as the model wrote them, as edited, or filled in. */
export function decidedArgs(args: JsonObject, decision: Decision): JsonObject {
  if (decision.kind === 'confirm') return decision.editedArgs ?? args
  return decision.kind === 'input' ? { ...args, ...decision.values } : args
}

function rejection(note: string | undefined): string {
  return `The call was rejected, and not made.${note === undefined ? '' : ` ${note}`}`
}

/** The entries of a call that somebody has answered in the tool's place; written at once, so that it is never half done. */
export function answeredCall(
  { execution, text, isError }: Extract<PlannedCall, { todo: 'answer' }>,
  now: number,
): LogEntry[] {
  const tool = finished(execution, text, isError, now, now)
  return [
    { event: { event: 'ToolCallStarted', tool: execution } },
    { event: { event: 'ToolCallCompleted', tool }, facts: { toolMessageId: newId('msg') } },
    ...(isError ? [{ event: { event: 'ToolCallError' as const, tool, error: text } }] : []),
  ]
}

/** Makes the call. What goes wrong with it becomes its result; only the end of the run is thrown. */
export async function runCall(
  leg: AgentLeg,
  { execution, tool, args }: Extract<PlannedCall, { todo: 'run' }>,
  show: (entry: LogEntry) => void,
): Promise<readonly LogEntry[]> {
  const { plan, run } = leg
  // It may be a while since the call was written down: another process may have taken the run over.
  run.checkLease?.()
  const startedAt = run.clock.now()
  let isOpen = true
  const limit = tool.timeoutMs ?? plan.toolTimeoutMs
  try {
    const result = await withDeadline(
      async (signal) =>
        await tool.execute(
          args,
          toolContext(leg, execution, signal, (entry) => isOpen && show(entry)),
        ),
      run.signal,
      limit,
      () => new Error(`The tool "${tool.name}" took longer than ${limit} ms.`),
    )
    const text = resultText(result)
    const media = result instanceof ToolResult ? result.media : {}
    const done = finished(execution, text, false, startedAt, run.clock.now())
    return [{ event: { event: 'ToolCallCompleted', tool: done, ...media }, facts: { toolMessageId: newId('msg') } }]
  } catch (error) {
    run.signal.throwIfAborted()
    run.logger.warn(
      { err: error, runId: run.runId, tool: tool.name, toolCallId: execution.toolCallId },
      'A tool failed',
    )
    // The model and the run's readers get this text: a driver's error may quote a password.
    return failedCall(execution, redactText(errorText(error)), startedAt, run.clock.now())
  } finally {
    isOpen = false
  }
}

/** The entries of a call that failed, or was never made. */
export function failedCall(execution: ToolExecution, error: string, startedAt: number, now: number): LogEntry[] {
  const tool = finished(execution, error, true, startedAt, now)
  return [
    { event: { event: 'ToolCallCompleted', tool }, facts: { toolMessageId: newId('msg') } },
    { event: { event: 'ToolCallError', tool, error } },
  ]
}

/** The entries of a call whose work other runs have done. */
export function delegatedCall(
  execution: ToolExecution,
  { result, isError = false, childRunId, media = {} }: Extract<Delegated, { result: string }>,
  startedAt: number,
  now: number,
): LogEntry[] {
  const call = childRunId === undefined ? execution : { ...execution, childRunId }
  if (isError) return failedCall(call, result, startedAt, now)
  const tool = finished(call, result, false, startedAt, now)
  return [{ event: { event: 'ToolCallCompleted', tool, ...media }, facts: { toolMessageId: newId('msg') } }]
}

function finished(
  execution: ToolExecution,
  result: string,
  toolCallError: boolean,
  startedAt: number,
  now: number,
): ToolExecution {
  const duration = Math.max(0, now - startedAt) / 1000
  const metrics = { startTime: startedAt / 1000, endTime: now / 1000, duration, time: duration }
  return { ...execution, result, toolCallError, metrics }
}

function toolContext(
  leg: AgentLeg,
  { toolCallId }: ToolExecution,
  signal: AbortSignal,
  show: (entry: LogEntry) => void,
): ToolContext {
  return {
    ...leg.about,
    signal,
    toolCallId,
    idempotencyKey: `${leg.run.runId}:${toolCallId}`,
    emit: (fields) => {
      if ('data' in fields) throw new TypeError('A custom event can\'t have a field "data"; give it another name.')
      // As text, since what the tool does to its objects later must not change what was shown.
      const own = JSON.parse(JSON.stringify(fields)) as JsonObject
      show({ event: { ...own, event: 'CustomEvent', toolCallId } })
    },
  }
}

function parseArguments(text: string): { value: JsonObject } | { problem: string } {
  let value: JsonValue
  try {
    value = text.trim() === '' ? {} : (JSON.parse(text) as JsonValue)
  } catch (error) {
    return { problem: `The arguments are not JSON: ${errorText(error)}` }
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? { value: value as JsonObject } : { problem: 'The arguments must be a JSON object.' }
}

/** What a person is to give is not taken from the model. */
function withoutUserInput(args: JsonObject, tool: Tool | undefined): JsonObject {
  const fields = tool?.requiresUserInput
  return fields ? Object.fromEntries(Object.entries(args).filter(([name]) => !fields.includes(name))) : args
}

function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message === '' ? error.name : error.message
}
