import { newId } from '../../core/ids.js'
import type { LogEntry } from '../log/entry.js'
import type { RunFold } from '../log/fold.js'
import type { RunInput } from '../log/run-record.js'
import type { InStep } from '../log/source.js'
import type { StepOutput } from '../log/step-record.js'
import { nestedRun } from '../nested-run.js'
import type { Yielded } from '../runnable.js'
import { executorWait } from './executor-wait.js'
import type { Place } from './place.js'
import type { ExecutorNode } from './step-node.js'
import { RejectedError, toJson } from './step-outcome.js'
import type { Tried } from './step-outcome.js'
import type { StepWork } from './step-work.js'

/** Which try of an executor it is. */
export interface ExecutorTry {
  attempt: number
  /** How often somebody has wanted the output otherwise. */
  round: number
  feedback?: string
}

/** One run of the agent, the team or the workflow of a step; what is in the log of it already is gone on from. */
export async function* runExecutor(
  work: StepWork,
  node: ExecutorNode,
  place: Place,
  input: unknown,
  { attempt, round, feedback }: ExecutorTry,
): AsyncGenerator<Yielded, Tried> {
  const { run } = work
  const { executor, timeoutMs } = node
  const stepId = round === 0 ? place.id : `${place.id}#${round}`
  // Each try is a run of its own; one that has failed is told of before there is another.
  const begun = run.fold.children.find(({ start }) => start.stepId === stepId && (start.attempt ?? 1) === attempt)
  const runId = begun?.source.runId ?? newId('run')
  const { dependencies, metadata, knowledgeFilters } = run.options
  let fold: RunFold
  try {
    const asked = begun ? undefined : yield* askedOf(work, node, place, input, { attempt, round, feedback })
    const numbered = attempt === 1 ? {} : { attempt }
    const start = begun?.start ?? { input: inputOf(work, asked), stepId, ...numbered }
    fold = yield* nestedRun(run, {
      runnable: timeoutMs === undefined ? executor : limited(executor, timeoutMs),
      runId,
      start,
      options: {
        ...(dependencies && { dependencies }),
        ...(metadata && { metadata }),
        ...(knowledgeFilters !== undefined && { knowledgeFilters }),
      },
      step: stepOf(work, place),
      isDeeper: executor.kind === 'workflow',
    })
  } catch (error) {
    run.signal.throwIfAborted()
    run.checkLease?.()
    return { failure: work.failure(node.name, error) }
  }
  if (fold.status === 'paused') return yield* executorWait(work, node, place, runId, fold)
  // Only who rejects ends the run of a workflow inside of another like this, and means all of it.
  if (fold.status === 'cancelled') throw new RejectedError(`The workflow "${executor.id}" was cancelled.`)
  const { content, error, ...body } = fold.body(work.now)
  if (fold.status !== 'completed') {
    const message = `"${executor.id}" has not completed.`
    return { failure: error ?? { errorCode: 'STEP_FAILED', message, retryable: true } }
  }
  const output: StepOutput = {
    stepName: place.name,
    stepId: place.id,
    stepType: node.type,
    executorType: executor.kind,
    executorName: executor.name,
    stepRunId: runId,
    ...(content !== undefined && { content }),
    ...fold.media,
    ...(body.metrics && executor.kind !== 'workflow' && { metrics: body.metrics }),
    ...(body.workflowMetrics && { metrics: used(body.workflowMetrics) }),
    success: true,
    stop: false,
    isPaused: false,
  }
  return { output }
}

/** With the media that steps before it have made, too. */
function inputOf({ media: { audio, ...media } }: StepWork, asked: unknown): RunInput {
  return { inputContent: toJson(asked) ?? '', ...media, ...(audio && { audios: audio }) }
}

/** What the executor is asked. Whoever wants it otherwise has a word in it. */
async function* askedOf(
  work: StepWork,
  { prompt }: ExecutorNode,
  place: Place,
  input: unknown,
  { attempt, feedback }: ExecutorTry,
): AsyncGenerator<Yielded, unknown> {
  if (!prompt) {
    if (feedback === undefined || typeof input !== 'string') return input
    return `${input}\n\nYour last answer was not accepted: ${feedback}`
  }
  const shown: LogEntry[] = []
  const show = (entry: LogEntry): unknown => shown.push(entry)
  const asked = await prompt(input, work.context(place, { attempt, feedback, show }))
  if (shown.length > 0) yield shown
  return asked
}

function used({ steps: _steps, ...metrics }: NonNullable<ReturnType<RunFold['body']>['workflowMetrics']>) {
  return metrics
}

function limited(executor: ExecutorNode['executor'], timeoutMs: number): ExecutorNode['executor'] {
  return Object.create(executor, { timeoutMs: { value: timeoutMs, enumerable: true } }) as ExecutorNode['executor']
}

/** The step as the events of what it runs name it. */
function stepOf({ run }: StepWork, { id, name, index }: Place): InStep {
  return { workflowId: run.workflowId ?? '', workflowRunId: run.runId, stepId: id, stepName: name, stepIndex: index }
}
