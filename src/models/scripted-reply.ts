import type { JsonObject, JsonValue } from '../core/json.js'
import type { ModelCitation, ModelRequest, ModelResponse, ModelToolCall, Usage } from './model.js'
import type { ModelErrorKind } from './model-error.js'

/** A tool call of a script. */
export interface ScriptedToolCall {
  name: string
  /** An object, or the JSON text as a model would write it, which need not parse. Default: `{}`. */
  arguments?: JsonObject | string
  /** Default: made from the place in the conversation, and unique within it. */
  id?: string
}

/** A failure of a script. */
export interface ScriptedFailure {
  kind: ModelErrorKind
  message?: string
  status?: number
  retryAfterMs?: number
  /** When streamed, how many deltas come before it. Default: 0. */
  afterDeltas?: number
  /**
   * Fails this often, then answers. Counted per reply over the life of the model, all runs together; a function that
   * makes its replies anew counts for itself.
   */
  times?: number
}

/** A pause of a script, which ends when the request is aborted, or once `until` has settled. */
export interface ScriptedStall {
  until?: PromiseLike<unknown>
  /** When streamed, how many deltas come before it. Default: 0. */
  afterDeltas?: number
}

/** One answer, in full. */
export interface ScriptedStep {
  /** The text; anything but a string becomes JSON text, as structured output does. */
  content?: JsonValue
  toolCalls?: readonly ScriptedToolCall[]
  reasoning?: string
  citations?: readonly ModelCitation[]
  /** Default: a fixed function of the lengths of what went in and came out. */
  usage?: Partial<Usage>
  finishReason?: ModelResponse['finishReason']
  providerData?: JsonObject
  fail?: ModelErrorKind | ScriptedFailure
  /** `true` waits for the abort. */
  stall?: true | ScriptedStall
  /** Characters per delta, in the place of the model's. */
  chunkSize?: number
  /** On the last reply of a list: it answers all further requests as well. */
  repeat?: boolean
}

/** An answer; a string is the simplest one. */
export type ScriptedReply = string | ScriptedStep

/** Answers by what it is asked. `step` counts the assistant messages since the last user message. */
export type ScriptedFunction = (request: ModelRequest, step: number) => ScriptedReply | Promise<ScriptedReply>

/** Options of a scripted model. */
export interface ScriptedOptions {
  /** Default: `scripted`. */
  id?: string
  /** Default: `agentos`. */
  provider?: string
  /** Characters per streamed delta. Default: 16. */
  chunkSize?: number
  /** Waits this long between two deltas, so that a stream can be watched. Default: 0. */
  delayMs?: number
  /** Keeps every request in `model.requests`. */
  record?: boolean
}

const defaultChunkSize = 16
const charactersPerToken = 4

export function failureOf({ fail }: ScriptedStep): ScriptedFailure | undefined {
  return typeof fail === 'string' ? { kind: fail } : fail
}

export function stallOf({ stall }: ScriptedStep): ScriptedStall | undefined {
  return stall === true ? {} : stall
}

/** The finished answer of a reply. */
export function responseOf(reply: ScriptedReply, request: ModelRequest): ModelResponse {
  const step: ScriptedStep = typeof reply === 'string' ? { content: reply } : reply
  const content =
    typeof step.content === 'string' ? step.content : step.content === undefined ? '' : JSON.stringify(step.content)
  const toolCalls = (step.toolCalls ?? []).map((call, index) => toolCallOf(call, index, request.messages.length))
  return {
    content,
    toolCalls,
    finishReason: step.finishReason ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop'),
    usage: usageOf(step, content, toolCalls, request),
    ...(step.reasoning === undefined ? {} : { reasoningContent: step.reasoning }),
    ...(step.citations === undefined ? {} : { citations: [...step.citations] }),
    ...(step.providerData === undefined ? {} : { providerData: step.providerData }),
  }
}

function toolCallOf(call: ScriptedToolCall, index: number, position: number): ModelToolCall {
  return {
    id: call.id ?? `call_${position}_${index}`,
    name: call.name,
    arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments ?? {}),
  }
}

function usageOf(
  step: ScriptedStep,
  content: string,
  toolCalls: readonly ModelToolCall[],
  request: ModelRequest,
): Usage {
  let inputLength = 0
  for (const message of request.messages) {
    if (typeof message.content === 'string') inputLength += message.content.length
    else for (const part of message.content) inputLength += part.type === 'text' ? part.text.length : 0
  }
  let outputLength = content.length + (step.reasoning?.length ?? 0)
  for (const call of toolCalls) outputLength += call.name.length + call.arguments.length

  const inputTokens = step.usage?.inputTokens ?? Math.ceil(inputLength / charactersPerToken)
  const outputTokens = step.usage?.outputTokens ?? Math.ceil(outputLength / charactersPerToken)
  return { totalTokens: inputTokens + outputTokens, ...step.usage, inputTokens, outputTokens }
}

/** Cuts a text into pieces of about `size` UTF-16 units, never through a surrogate pair. */
export function* chunksOf(text: string, size = defaultChunkSize): Generator<string> {
  const step = Math.max(1, Math.floor(size))
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + step, text.length)
    if (isHighSurrogate(text.charCodeAt(end - 1)) && isLowSurrogate(text.charCodeAt(end))) end++
    yield text.slice(start, end)
    start = end
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

/** Waits for the promise or the number of milliseconds, without either for ever; an abort ends it with its reason. */
export async function pause(signal: AbortSignal, until: PromiseLike<unknown> | number | undefined): Promise<void> {
  signal.throwIfAborted()
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      onAbort = () => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      if (typeof until === 'number') timer = setTimeout(resolve, until)
      else
        until?.then(
          () => resolve(),
          () => resolve(),
        )
    })
  } finally {
    clearTimeout(timer)
    if (onAbort) signal.removeEventListener('abort', onAbort)
  }
}
