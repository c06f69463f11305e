import type { JsonValue } from '../../core/json.js'
import { withDeadline } from '../abortable.js'
import { Inbox } from '../inbox.js'
import type { LogEntry } from '../log/entry.js'
import type { StepOutput } from '../log/step-record.js'
import { RunFailedError } from '../run-failure.js'
import type { Yielded } from '../runnable.js'
import type { Place } from './place.js'
import type { FunctionNode } from './step-node.js'
import { toJson } from './step-outcome.js'
import type { Tried } from './step-outcome.js'
import type { StepWork } from './step-work.js'
import { Stop } from './stop.js'

/** One call of a step's function; what it emits is shown while it goes on. */
export async function* callFunction(
  work: StepWork,
  node: FunctionNode,
  place: Place,
  input: unknown,
  { attempt, feedback }: { attempt: number; feedback?: string },
): AsyncGenerator<Yielded, Tried> {
  const { run } = work
  run.checkLease?.()
  const inbox = new Inbox<LogEntry | { result: Result } | { thrown: unknown }>()
  const call = async (signal: AbortSignal): Promise<Result> => {
    const given = node.input ? node.input.parse(input) : input
    const context = work.context(place, { attempt, signal, feedback, show: (entry) => inbox.push(entry) })
    const value = await node.run(given, context)
    const isStop = value instanceof Stop
    const content = toJson(isStop ? (value as Stop<unknown>).value : value)
    // Checked here, so that what does not fit counts as a failure of the step.
    if (node.output && !isStop) node.output.parse(content)
    return { content, isStop }
  }
  const limit = node.timeoutMs ?? Number.POSITIVE_INFINITY
  void withDeadline(call, run.signal, limit, () => stepTimeout(node.name, limit)).then(
    (result) => inbox.push({ result }),
    (error: unknown) => inbox.push({ thrown: error }),
  )
  for (;;) {
    const entries: LogEntry[] = []
    for (const item of await inbox.take()) {
      if ('event' in item) {
        entries.push(item)
        continue
      }
      if (entries.length > 0) yield entries
      run.signal.throwIfAborted()
      if ('thrown' in item) return { failure: work.failure(node.name, item.thrown) }
      const { content, isStop } = item.result
      return { output: outputOf(node, place, content, isStop) }
    }
    yield entries
  }
}

interface Result {
  content: JsonValue | undefined
  isStop: boolean
}

function outputOf(node: FunctionNode, place: Place, content: JsonValue | undefined, stop: boolean): StepOutput {
  return {
    stepName: place.name,
    stepId: place.id,
    stepType: 'Function',
    executorType: 'function',
    executorName: node.name,
    ...(content !== undefined && { content }),
    success: true,
    stop,
    isPaused: false,
  }
}

function stepTimeout(name: string, limit: number): RunFailedError {
  const message = `The step "${name}" took longer than ${limit} ms.`
  return new RunFailedError({ errorCode: 'STEP_FAILED', message, retryable: true })
}
