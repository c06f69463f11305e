import type { JsonValue } from '../core/json.js'
import type { ModelCitation } from '../models/model.js'
import { textOf } from './conversation.js'
import type { LogEntry } from './log/entry.js'
import type { Citations, Message } from './log/message.js'

interface ShownContent {
  text?: string
  value?: JsonValue
  contentType?: string
  reasoning?: string
  citations?: Citations
}

/** The event that shows this; none when there is nothing to show. */
export function contentEntries({ text = '', value, contentType, reasoning = '', citations }: ShownContent): LogEntry[] {
  if (text === '' && value === undefined && reasoning === '' && !citations) return []
  return [
    {
      event: {
        event: 'RunContent',
        content: value ?? (text === '' ? null : text),
        ...(contentType !== undefined && { contentType }),
        ...(reasoning !== '' && { reasoningContent: reasoning }),
        ...(citations && { citations }),
      },
    },
  ]
}

/**
 * What of the whole was not shown yet; nothing when something else was shown, since that is what the reader has seen.
 */
export function restOf(whole: string, shown: string): string {
  return whole.startsWith(shown) ? whole.slice(shown.length) : ''
}

/** All that a run has said: the texts of the model, and the results of tools that end the run. */
export function spoken(messages: readonly Message[], part: 'content' | 'reasoningContent'): string {
  let joined = ''
  for (const message of messages) {
    if (message.role === 'assistant') joined += part === 'content' ? textOf(message) : (message.reasoningContent ?? '')
    else if (part === 'content' && isFinalResult(message)) joined += textOf(message)
  }
  return joined
}

/** Whether the message is the result of a tool that ends the run; one that failed does not. */
export function isFinalResult({ role, stopAfterToolCall, toolCallError }: Message): boolean {
  return role === 'tool' && stopAfterToolCall && toolCallError !== true
}

export function toCitations(citations: readonly ModelCitation[] | undefined): Citations | undefined {
  return citations?.length ? { urls: citations.map(({ url, title }) => ({ url, title })) } : undefined
}
