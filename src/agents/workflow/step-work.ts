import type { JsonObject, JsonValue } from '../../core/json.js'
import type { LogEntry } from '../log/entry.js'
import type { RunFold } from '../log/fold.js'
import { addMedia } from '../log/media.js'
import type { Media } from '../log/media.js'
import type { RunFailure } from '../log/run-record.js'
import { RunFailedError, toRunFailure } from '../run-failure.js'
import type { RunContext, Yielded } from '../runnable.js'
import type { Place } from './place.js'
import type { StepContext } from './step-context.js'
import type { StepNode } from './step-node.js'
import type { StepOutcome } from './step-outcome.js'
import { valueOf } from './step-value.js'

/** One execution of a workflow's run: what all its steps work with. */
export class StepWork {
  constructor(
    readonly run: RunContext,
    readonly additionalData: JsonObject,
    readonly metadata: JsonObject,
    private readonly executeStep: ExecuteStep,
  ) {}

  /** Runs a step inside of another. */
  execute(node: StepNode, place: Place, input: unknown): AsyncGenerator<Yielded, StepOutcome> {
    return this.executeStep(this, node, place, input)
  }

  get fold(): RunFold {
    return this.run.fold
  }

  get now(): number {
    return this.run.clock.now()
  }

  /** What a step that is over gives. @throws RunFailedError when that does not fit its schema. */
  value(node: StepNode, place: Place, input: unknown): unknown {
    try {
      return valueOf(this.fold, node, place, input)
    } catch (error) {
      throw new RunFailedError(this.failure(node.name, error), { cause: error })
    }
  }

  /** Calls a function of the user's that decides how to go on. @throws RunFailedError when it fails. */
  async *called<Result>(
    name: string,
    place: Place,
    call: (context: StepContext) => Result | Promise<Result>,
  ): AsyncGenerator<Yielded, Result> {
    const shown: LogEntry[] = []
    try {
      const result = await call(this.context(place, { show: (entry) => shown.push(entry) }))
      if (shown.length > 0) yield shown
      return result
    } catch (error) {
      this.run.signal.throwIfAborted()
      throw new RunFailedError(this.failure(name, error), { cause: error })
    }
  }

  /** The text of an error that nobody meant for the outside stays inside. */
  failure(name: string, error: unknown): RunFailure {
    const { logger, runId } = this.run
    const failure = toRunFailure(error)
    if (failure.errorCode !== 'INTERNAL_ERROR') return failure
    logger.error({ err: error, runId, step: name }, 'A step failed')
    const message = `The step "${name}" failed on the server (${failure.errorType}). It has been logged under the run's id.`
    return { ...failure, errorCode: 'STEP_FAILED', message }
  }

  /** What came of the steps so far, by name; a later one of the same name stands in the place of an earlier. */
  get outputs(): Record<string, JsonValue> {
    const outputs: Record<string, JsonValue> = {}
    for (const [stepName, { content }] of this.fold.steps.named) {
      Object.defineProperty(outputs, stepName, {
        value: content ?? null,
        enumerable: true,
        writable: true,
        configurable: true,
      })
    }
    return outputs
  }

  /** What the workflow was asked with, and what the steps so far have made. */
  get media(): Media {
    const { images, videos, audios: audio, files } = this.run.input
    const media: Media = {}
    addMedia(media, { images, videos, audio, files })
    addMedia(media, this.fold.steps.media)
    return media
  }

  /** What the functions of a step are told. */
  context(place: Place, { attempt = 1, signal = this.run.signal, feedback, show }: ContextParts = {}): StepContext {
    const { run } = this
    const { runId, sessionId, userId, caller, input, options, state, logger } = run
    const outputs = () => this.outputs
    const media = () => this.media
    return {
      runId,
      sessionId,
      caller,
      input,
      signal,
      logger,
      attempt,
      ...(userId !== undefined && { userId }),
      additionalData: this.additionalData,
      get outputs() {
        return outputs()
      },
      get media() {
        return media()
      },
      sessionState: state.value,
      dependencies: options.dependencies ?? {},
      metadata: this.metadata,
      stepId: place.id,
      stepName: place.name,
      idempotencyKey: `${runId}:${place.id}`,
      ...(place.iteration !== undefined && { iteration: place.iteration }),
      ...(feedback !== undefined && { feedback }),
      emit: (fields) => {
        if ('data' in fields) throw new TypeError('A custom event can\'t have a field "data"; give it another name.')
        const own = JSON.parse(JSON.stringify(fields)) as JsonObject
        show?.({
          event: {
            ...own,
            event: 'CustomEvent',
            stepId: place.id,
          },
        })
      },
    }
  }
}

/** Handed in, as steps that hold others are carried out by it, and carry it out. */
type ExecuteStep = (
  work: StepWork,
  node: StepNode,
  place: Place,
  input: unknown,
) => AsyncGenerator<Yielded, StepOutcome>

interface ContextParts {
  attempt?: number
  signal?: AbortSignal
  feedback?: string
  show?: (entry: LogEntry) => unknown
}
