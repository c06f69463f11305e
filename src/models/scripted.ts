import { ConfigurationError } from '../core/errors.js'
import type { Model, ModelRequest, ModelResponse, ModelStreamPart } from './model.js'
import { ModelError } from './model-error.js'
import type { ScriptedFunction, ScriptedOptions, ScriptedReply, ScriptedStep } from './scripted-reply.js'
import { chunksOf, failureOf, pause, responseOf, stallOf } from './scripted-reply.js'

export type {
  ScriptedFailure,
  ScriptedFunction,
  ScriptedOptions,
  ScriptedReply,
  ScriptedStall,
  ScriptedStep,
  ScriptedToolCall,
} from './scripted-reply.js'

/** A {@link scripted} model. */
export interface ScriptedModel extends Model {
  /** What the model was asked, oldest first. Only recorded with `record: true`; reading it without throws. */
  readonly requests: readonly ModelRequest[]
}

type Script = ScriptedReply | ScriptedFunction
type Scripts = Script | readonly Script[]

class Scripted implements ScriptedModel {
  readonly id: string
  readonly provider: string
  private readonly recorded: ModelRequest[] | undefined
  private readonly failures = new Map<ScriptedStep, number>()

  constructor(
    private readonly script: Scripts,
    private readonly options: ScriptedOptions,
  ) {
    this.id = options.id ?? 'scripted'
    this.provider = options.provider ?? 'agentos'
    this.recorded = options.record ? [] : undefined
  }

  get requests(): readonly ModelRequest[] {
    if (this.recorded === undefined) {
      throw new ConfigurationError('This scripted model records nothing. Pass { record: true } to scripted().')
    }
    return this.recorded
  }

  async generate(request: ModelRequest): Promise<ModelResponse> {
    const reply = await this.reply(request)
    if (typeof reply !== 'string') {
      const stall = stallOf(reply)
      if (stall !== undefined) await pause(request.signal, stall.until)
      this.failIfScripted(reply)
    }
    return responseOf(reply, request)
  }

  async *stream(request: ModelRequest): AsyncGenerator<ModelStreamPart> {
    const reply = await this.reply(request)
    const step: ScriptedStep = typeof reply === 'string' ? {} : reply
    const response = responseOf(reply, request)
    const stall = stallOf(step)
    const failAt = failureOf(step)?.afterDeltas ?? 0
    const stallAt = stall?.afterDeltas ?? 0
    const chunkSize = step.chunkSize ?? this.options.chunkSize

    let deltas = 0
    const reach = async (): Promise<void> => {
      if (stall !== undefined && deltas === stallAt) await pause(request.signal, stall.until)
      if (deltas === failAt) this.failIfScripted(step)
      if (deltas > 0 && this.options.delayMs) await pause(request.signal, this.options.delayMs)
      request.signal.throwIfAborted()
    }

    await reach()
    for (const text of chunksOf(response.reasoningContent ?? '', chunkSize)) {
      yield { type: 'reasoning', text }
      deltas++
      await reach()
    }
    for (const text of chunksOf(response.content, chunkSize)) {
      yield { type: 'text', text }
      deltas++
      await reach()
    }
    // The answer ended before the place that the script names: it is reached here at the latest.
    if (stall !== undefined && stallAt > deltas) await pause(request.signal, stall.until)
    if (failAt > deltas) this.failIfScripted(step)
    yield { type: 'finish', response }
  }

  private reply(request: ModelRequest): ScriptedReply | Promise<ScriptedReply> {
    request.signal.throwIfAborted()
    this.recorded?.push({ ...request, messages: [...request.messages] })
    const step = stepOf(request)
    const script = isList(this.script) ? this.pick(this.script, step) : this.script
    return typeof script === 'function' ? script(request, step) : script
  }

  private pick(list: readonly Script[], step: number): Script {
    const last = list.at(-1)
    const script = list[step] ?? (typeof last === 'object' && last.repeat ? last : undefined)
    if (script !== undefined) return script
    throw new ModelError(
      'invalid_request',
      `The scripted model "${this.id}" has ${list.length} replies, and was asked for reply ${step + 1} since the last ` +
        'user message. Add a reply, or mark the last one with repeat: true.',
    )
  }

  private failIfScripted(step: ScriptedStep): void {
    const failure = failureOf(step)
    if (failure === undefined) return
    if (failure.times !== undefined) {
      const failed = this.failures.get(step) ?? 0
      if (failed >= failure.times) return
      this.failures.set(step, failed + 1)
    }
    const { kind, message = `A scripted failure (${kind}).`, status, retryAfterMs } = failure
    throw new ModelError(kind, message, {
      ...(status === undefined ? {} : { status }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
  }
}

/**
 * A model that answers what it was told to: offline, deterministic, at no cost. For tests, benchmarks and first steps.
 *
 * - A string, an object or a function answers every request.
 * - A list is one conversation turn: the first reply answers the user, the next one answers the tool results of the
 *   first, and so on. Which one is due is read off the messages (the assistant messages since the last user message),
 *   never off a counter, so one model serves any number of runs and sessions at a time. Asking for more replies than
 *   there are is an error, unless the last one is marked with `repeat: true`.
 *
 * @example
 * ```ts
 * scripted('Hello!')
 * scripted([{ toolCalls: [{ name: 'weather', arguments: { city: 'Rome' } }] }, 'It is sunny in Rome.'])
 * scripted((request) => `You said ${request.messages.length} things.`)
 * ```
 */
export function scripted(script: Scripts, options: ScriptedOptions = {}): ScriptedModel {
  return new Scripted(script, options)
}

/** How many times the model has already answered since the user spoke last. */
function stepOf({ messages }: ModelRequest): number {
  let step = 0
  for (let index = messages.length - 1; index >= 0; index--) {
    const role = messages[index]?.role
    if (role === 'user') break
    if (role === 'assistant') step++
  }
  return step
}

function isList(script: Scripts): script is readonly Script[] {
  return Array.isArray(script)
}
