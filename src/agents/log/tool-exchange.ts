import type { Message } from './message.js'
import type { ToolExecution } from './tool-execution.js'

/** Ids of the calls that these messages made. */
export function calledIn(messages: readonly Message[]): Set<string> {
  return new Set(messages.flatMap(({ toolCalls }) => toolCalls?.map(({ id }) => id) ?? []))
}

/**
 * The greatest number of first messages, at most `count`, that holds no tool exchange in part: a boundary between a
 * call and its last answer moves down to before the message that made the call.
 */
export function wholeExchanges(messages: readonly Message[], count: number): number {
  const end = Math.max(0, Math.min(count, messages.length))
  for (let at = 0; at < end; at++) {
    const { toolCalls = [] } = messages[at]!
    if (toolCalls.length === 0) continue
    const answered = new Set<string | undefined>()
    let next = at + 1
    for (; next < end && messages[next]!.role === 'tool'; next++) answered.add(messages[next]!.toolCallId)
    if (!toolCalls.every(({ id }) => answered.has(id))) return at
    at = next - 1
  }
  return end
}

/** What the model sees as the answer to its tool call. */
export function toolMessage(id: string, tool: ToolExecution, at: number): Message {
  return {
    id,
    role: 'tool',
    content: tool.result ?? '',
    toolCallId: tool.toolCallId,
    toolName: tool.toolName,
    ...(tool.toolArgs && { toolArgs: tool.toolArgs }),
    ...(tool.toolCallError !== undefined && { toolCallError: tool.toolCallError }),
    fromHistory: false,
    stopAfterToolCall: tool.stopAfterToolCall,
    createdAt: Math.floor(at / 1000),
  }
}
