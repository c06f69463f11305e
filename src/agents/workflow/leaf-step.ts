import { setTimeout as sleep } from 'node:timers/promises'
import type { RunFailure } from '../log/run-record.js'
import { FAILED } from '../log/step-log.js'
import type { LogEntry } from '../log/entry.js'
import { RunFailedError } from '../run-failure.js'
import type { Yielded } from '../runnable.js'
import { runExecutor } from './executor-step.js'
import { callFunction } from './function-step.js'
import { named } from './place.js'
import type { Place } from './place.js'
import { completedEntry, skipped } from './step-entries.js'
import { answerOf } from './step-gate.js'
import type { FunctionNode, LeafNode } from './step-node.js'
import type { StepOutcome, Tried } from './step-outcome.js'
import type { StepWork } from './step-work.js'

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
  { number: round, feedback }: Round,
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
    const attempt = failures + 1
    const tried: Tried =
      node.type === 'Function'
        ? yield* callFunction(work, node, place, input, { attempt, feedback })
        : yield* runExecutor(work, node, place, input, { attempt, round, feedback })
    if ('waits' in tried) return { kind: 'waiting', waits: tried.waits }
    if ('output' in tried) return yield* completed(work, node, place, tried.output, input)
    failure = tried.failure
    yield { event: { event: 'StepError', ...named(place), error: failure.message } }
    if (attempt < triesOf(work, node, place)) await pause(work, node.retry?.delayMs ?? 0)
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
  const confirmationMessage = `The step "${node.name}" was interrupted, and may have done its work. Confirm to run it again.`
  const answered = answerOf(work, place, {
    gate: `again#${starts}`,
    interrupted: true,
    shown: { stepType: node.type, requiresConfirmation: true, onReject: 'skip', confirmationMessage },
  })
  if ('wait' in answered) {
    if (answered.isNew) {
      const asks = { requiresConfirmation: true, confirmationMessage, requiresUserInput: false }
      yield { event: { event: 'StepPaused', ...named(place), ...asks } }
    }
    return { kind: 'waiting', waits: [answered.wait] }
  }
  if ('decision' in answered && answered.decision.kind !== 'reject') {
    yield { event: { event: 'StepStarted', ...named(place) } }
    return undefined
  }
  return yield* skipped(place, input)
}

async function* completed(
  work: StepWork,
  node: LeafNode,
  place: Place,
  output: LogOutput,
  input: unknown,
): AsyncGenerator<Yielded, StepOutcome> {
  const entries: LogEntry[] = []
  if (node.type === 'Function') {
    entries.push({ event: { event: 'StepOutput', ...named(place), stepOutput: output } })
  }
  // What is still to be looked at does not count yet.
  const isDraft = node.review !== undefined && !output.stop
  entries.push(isDraft ? { event: completedEntry(place, output).event } : completedEntry(place, output))
  yield entries
  if (output.stop) return { kind: 'stopped', value: output.content, output }
  return { kind: 'done', value: isDraft ? undefined : work.value(node, place, input), output }
}

type LogOutput = Extract<Tried, { output: unknown }>['output']

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
    gate: `${FAILED}${failures}`,
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
