import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../../core/ids.js'
import type { JsonValue } from '../../core/json.js'
import { withDeadline } from '../abortable.js'
import { Inbox } from '../inbox.js'
import type { LogEntry } from '../log/entry.js'
import type { RunFold } from '../log/fold.js'
import type { RunFailure } from '../log/run-record.js'
import type { InStep } from '../log/source.js'
import type { StepOutput } from '../log/step-record.js'
import { nestedRun } from '../nested-run.js'
import { RunFailedError, toRunFailure } from '../run-failure.js'
import type { Yielded } from '../runnable.js'
import { executorWait } from './executor-wait.js'
import { named } from './place.js'
import type { Place } from './place.js'
import { answerOf, passedOver } from './step-gate.js'
import type { StepNode } from './step-node.js'
import { contentTypeOf, toJson } from './step-outcome.js'
import type { StepOutcome, StepWait } from './step-outcome.js'
import type { StepWork } from './step-work.js'
import { Stop } from './stop.js'

export type LeafNode = Extract<StepNode, { type: 'Function' | 'Step' | 'Workflow' }>
type FunctionNode = Extract<LeafNode, { type: 'Function' }>
type ExecutorNode = Exclude<LeafNode, FunctionNode>

/** One try of a step. */
type Tried = { output: StepOutput; isStop: boolean } | { failure: RunFailure } | { waits: readonly StepWait[] }

/** What a step goes by when it runs again because somebody wants it otherwise. */
export interface Round {
  number: number
  feedback?: string
}

/** Runs a step that holds no others: tries it, and tries it again, as its rules say. */
export async function* leafStep(
  work: StepWork,
  node: LeafNode,
  place: Place,
  input: unknown,
  round: Round,
): AsyncGenerator<Yielded, StepOutcome> {
  let failure: RunFailure | undefined
  for (;;) {
    const { starts = 0, failures = 0, isRunning = false, error } = work.fold.steps.get(place.id) ?? {}
    if (!isRunning && failures >= triesOf(work, node, place)) {
      const message = error ?? `The step "${node.name}" has failed.`
      const known = failure ?? { errorCode: 'STEP_FAILED', message, retryable: true }
      const settled = yield* settleFailure(work, node, place, input, known, failures)
      if (settled) return settled
      continue
    }
    if (!isRunning) yield { event: { event: 'StepStarted', ...named(place) } }
    else if (node.type === 'Function' && node.atMostOnce) {
      const again = yield* askAgain(work, node, place, input, starts)
      if (again) return again
    }
    const tried =
      node.type === 'Function'
        ? yield* callFunction(work, node, place, input, { attempt: failures + 1, feedback: round.feedback })
        : yield* runExecutor(work, node, place, input, { attempt: failures + 1, round: round.number })
    if ('waits' in tried) return { kind: 'waiting', waits: tried.waits }
    if ('output' in tried) return yield* completed(node, place, tried.output, tried.isStop)
    failure = tried.failure
    yield { event: { event: 'StepError', ...named(place), error: failure.message } }
    if (failures + 1 < triesOf(work, node, place)) await pause(work, node.retry?.delayMs ?? 0)
  }
}

/** How often a step may run, with the tries that somebody has allowed since. */
function triesOf({ fold }: StepWork, { retry }: LeafNode, { id }: Place): number {
  const allowed = fold.steps.errors.filter(({ stepId, decision }) => stepId === id && decision === 'retry').length
  return 1 + (retry?.times ?? 0) + allowed
}

async function pause({ run: { signal } }: StepWork, milliseconds: number): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => signal.throwIfAborted())
}

/** A step that may not run twice, and was cut off: somebody decides. Undefined when it is to run again. */
async function* askAgain(
  work: StepWork,
  node: FunctionNode,
  place: Place,
  input: unknown,
  starts: number,
): AsyncGenerator<Yielded, StepOutcome | undefined> {
  const shown = { stepType: node.type, requiresConfirmation: true, onReject: 'skip' as const }
  const message = `The step "${node.name}" was interrupted, and may have done its work. Confirm to run it again.`
  const answered = answerOf(work, place, {
    gate: `again#${starts}`,
    interrupted: true,
    shown: { ...shown, confirmationMessage: message },
  })
  if ('wait' in answered) {
    if (answered.isNew) {
      yield {
        event: {
          event: 'StepPaused',
          ...named(place),
          requiresConfirmation: true,
          confirmationMessage: message,
          requiresUserInput: false,
        },
      }
    }
    return { kind: 'waiting', waits: [answered.wait] }
  }
  if ('decision' in answered && answered.decision.kind !== 'reject') {
    yield { event: { event: 'StepStarted', ...named(place) } }
    return undefined
  }
  return yield* skipped(place, input)
}

/** Goes on with what the step was given. */
export async function* skipped(place: Place, input: unknown, error?: string): AsyncGenerator<Yielded, StepOutcome> {
  const output = passedOver(place, toJson(input), error)
  yield completedEntry(place, output)
  return { kind: 'done', value: input, output }
}

async function* completed(
  node: LeafNode,
  place: Place,
  output: StepOutput,
  isStop: boolean,
): AsyncGenerator<Yielded, StepOutcome> {
  const entries: LogEntry[] = []
  if (node.type === 'Function') {
    entries.push({ event: { event: 'StepOutput', ...named(place), stepOutput: output } })
  }
  // What is still to be looked at does not count yet.
  entries.push(node.review ? { event: completedEntry(place, output).event } : completedEntry(place, output))
  yield entries
  const value = valueOf(node, output)
  return isStop ? { kind: 'stopped', value, output } : { kind: 'done', value, output }
}

/** What the next step is given: the output as the log has it, in the form that the step's schema makes of it. */
export function valueOf(node: StepNode, { content }: StepOutput): unknown {
  if (node.type !== 'Function' || !node.output) return content
  return node.output.parse(content)
}

export function completedEntry(place: Place, output: StepOutput): LogEntry {
  const { content, images, videos, audio, files } = output
  return {
    event: {
      event: 'StepCompleted',
      ...named(place),
      ...(content !== undefined && { content, contentType: contentTypeOf(content) }),
      ...(images && { images }),
      ...(videos && { videos }),
      ...(audio && { audio }),
      ...(files && { files }),
      stepResponse: output,
    },
    facts: outputFacts(place, output),
  }
}

export function outputFacts(place: Place, output: StepOutput): LogEntry['facts'] {
  return {
    step: { stepId: place.id, output, ...(place.parentId === undefined && { isOutermost: true }) },
  }
}

async function* callFunction(
  work: StepWork,
  node: FunctionNode,
  place: Place,
  input: unknown,
  { attempt, feedback }: { attempt: number; feedback?: string },
): AsyncGenerator<Yielded, Tried> {
  const { run } = work
  run.checkLease?.()
  const inbox = new Inbox<LogEntry | { tried: Tried }>()
  const call = async (signal: AbortSignal): Promise<{ content: JsonValue | undefined; isStop: boolean }> => {
    const given = node.input ? node.input.parse(input) : input
    const context = work.context(place, { attempt, signal, feedback, show: (entry) => inbox.push(entry) })
    const value = await node.run(given, context)
    // Checked here, so that what does not fit counts as a failure of the step.
    const inner = value instanceof Stop ? (value as Stop<unknown>).value : value
    const content = toJson(inner)
    if (node.output && !(value instanceof Stop)) node.output.parse(content)
    return { content, isStop: value instanceof Stop }
  }
  const limit = node.timeoutMs ?? Number.POSITIVE_INFINITY
  void withDeadline(call, run.signal, limit, () => stepTimeout(node.name, limit)).then(
    ({ content, isStop }) => inbox.push({ tried: { output: outputOf(node, place, content, isStop), isStop } }),
    (error: unknown) => inbox.push({ tried: { failure: stepFailure(work, node.name, error) } }),
  )
  for (;;) {
    const entries: LogEntry[] = []
    for (const item of await inbox.take()) {
      if ('event' in item) entries.push(item)
      else {
        if (entries.length > 0) yield entries
        run.signal.throwIfAborted()
        return item.tried
      }
    }
    yield entries
  }
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

/** The text of an error that nobody meant for the outside stays inside. */
export function stepFailure({ run }: StepWork, name: string, error: unknown): RunFailure {
  const failure = toRunFailure(error)
  if (failure.errorCode !== 'INTERNAL_ERROR') return failure
  run.logger.error({ err: error, runId: run.runId, step: name }, 'A step failed')
  const message = `The step "${name}" failed on the server (${failure.errorType}). It has been logged under the run's id.`
  return { ...failure, errorCode: 'STEP_FAILED', message }
}

async function* runExecutor(
  work: StepWork,
  node: ExecutorNode,
  place: Place,
  input: unknown,
  { attempt, round }: { attempt: number; round: number },
): AsyncGenerator<Yielded, Tried> {
  const { run } = work
  const { executor, prompt, timeoutMs } = node
  const stepId = round === 0 ? place.id : `${place.id}#${round}`
  // One that has failed was a try of its own.
  const begun = run.fold.children.findLast(
    ({ start, fold: own }) => start.stepId === stepId && own.status !== 'error' && own.status !== 'cancelled',
  )
  const runId = begun?.source.runId ?? newId('run')
  const { dependencies, metadata, knowledgeFilters } = run.options
  let fold: RunFold
  try {
    const asked = begun ? undefined : prompt ? await prompt(input, work.context(place, { attempt })) : input
    const start = begun?.start ?? { input: { ...run.input, inputContent: toJson(asked) ?? '' }, stepId }
    const entries = nestedRun(run, {
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
    fold = yield* entries
  } catch (error) {
    run.signal.throwIfAborted()
    run.checkLease?.()
    return { failure: stepFailure(work, node.name, error) }
  }
  const { content, error, ...body } = fold.body(work.now)
  if (fold.status === 'paused') return yield* executorWait(work, node, place, runId, fold)
  if (fold.status !== 'completed') {
    const message = `"${executor.id}" was cancelled.`
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
    ...(body.metrics && { metrics: body.metrics }),
    success: true,
    stop: false,
    isPaused: false,
  }
  return { output, isStop: false }
}

function limited(executor: ExecutorNode['executor'], timeoutMs: number): ExecutorNode['executor'] {
  return Object.create(executor, { timeoutMs: { value: timeoutMs, enumerable: true } }) as ExecutorNode['executor']
}

/** The step as the events of what it runs name it. */
function stepOf({ run }: StepWork, { id, name, index }: Place): InStep {
  return { workflowId: run.workflowId ?? '', workflowRunId: run.runId, stepId: id, stepName: name, stepIndex: index }
}

/** A step has failed for good. Undefined when it is to be tried again. */
async function* settleFailure(
  work: StepWork,
  node: LeafNode,
  place: Place,
  input: unknown,
  failure: RunFailure,
  failures: number,
): AsyncGenerator<Yielded, StepOutcome | undefined> {
  if (node.onError === 'skip') return yield* skipped(place, input, failure.message)
  if (node.onError !== 'pause') throw new RunFailedError(failure)
  const answered = answerOf(work, place, {
    gate: `failed#${failures}`,
    shown: { stepType: node.type, onReject: 'skip' },
  })
  if ('decision' in answered) {
    return answered.decision.kind === 'reject' ? yield* skipped(place, input, failure.message) : undefined
  }
  if ('timedOut' in answered) throw new RunFailedError(failure)
  const { stepRequirements: _shown, ...wait } = answered.wait
  const errorRequirement = {
    stepId: place.id,
    stepName: place.name,
    stepIndex: wait.stepIndex,
    errorMessage: failure.message,
    ...(failure.errorType !== undefined && { errorType: failure.errorType }),
    retryCount: failures - 1,
  }
  return { kind: 'waiting', waits: [{ ...wait, errorRequirement }] }
}
