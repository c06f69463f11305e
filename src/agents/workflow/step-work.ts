import type { JsonObject, JsonValue } from '../../core/json.js'
import type { LogEntry } from '../log/entry.js'
import type { RunFold } from '../log/fold.js'
import type { RunContext } from '../runnable.js'
import type { Place } from './place.js'
import type { StepContext } from './step-context.js'

/** One execution of a workflow's run: what all its steps work with. */
export class StepWork {
  constructor(
    readonly run: RunContext,
    readonly additionalData: JsonObject,
    readonly metadata: JsonObject,
  ) {}

  get fold(): RunFold {
    return this.run.fold
  }

  get now(): number {
    return this.run.clock.now()
  }

  /** What came of the steps so far, by name; a later one of the same name stands in the place of an earlier. */
  get outputs(): Record<string, JsonValue> {
    const outputs: Record<string, JsonValue> = {}
    for (const { stepName, content } of this.fold.steps.all) {
      if (stepName === undefined) continue
      Object.defineProperty(outputs, stepName, {
        value: content ?? null,
        enumerable: true,
        writable: true,
        configurable: true,
      })
    }
    return outputs
  }

  /** What the functions of a step are told. */
  context(place: Place, { attempt = 1, signal = this.run.signal, feedback, show }: ContextParts = {}): StepContext {
    const { run } = this
    const { runId, sessionId, userId, caller, input, options, state, logger } = run
    const work = this
    return {
      ...{ runId, sessionId, caller, input, signal, logger, attempt },
      ...(userId !== undefined && { userId }),
      additionalData: this.additionalData,
      // Made when it is asked for: with many steps it is long.
      get outputs() {
        return work.outputs
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
        show?.({ event: { ...own, event: 'CustomEvent', stepId: place.id } })
      },
    }
  }
}

interface ContextParts {
  attempt?: number
  signal?: AbortSignal
  feedback?: string
  show?: (entry: LogEntry) => void
}
