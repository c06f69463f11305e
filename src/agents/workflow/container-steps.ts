import { concurrently } from '../concurrently.js'
import type { LogEntry } from '../log/entry.js'
import type { StepOutput, StepType } from '../log/step-record.js'
import { RunFailedError } from '../run-failure.js'
import type { Yielded } from '../runnable.js'
import { executeStep } from './execute-step.js'
import { outputFacts, stepFailure } from './leaf-step.js'
import { named, placeInside } from './place.js'
import type { Place } from './place.js'
import { choose } from './route-choice.js'
import type { StepNode } from './step-node.js'
import { toJson } from './step-outcome.js'
import type { StepOutcome } from './step-outcome.js'
import type { StepWork } from './step-work.js'

type Of<Type extends StepNode['type']> = Extract<StepNode, { type: Type }>
type Running = AsyncGenerator<Yielded, StepOutcome>

/** Steps one after the other, from the first that is not over. */
export async function* sequenceStep(work: StepWork, node: Of<'Steps'>, place: Place, input: unknown): Running {
  const stepsCount = node.steps.length
  if (isNew(work, place)) yield begun(place, { event: 'StepsExecutionStarted', ...named(place), stepsCount })
  const outcome = yield* inOrder(work, node.steps, place, input)
  if (outcome.kind === 'waiting') return outcome
  const { steps = [] } = outcome.output
  const output = whole(place, 'Steps', outcome, steps)
  const ended = { event: 'StepsExecutionCompleted', ...named(place), stepsCount, executedSteps: steps.length } as const
  yield { event: { ...ended, stepResults: steps }, facts: outputFacts(place, output) }
  return { ...outcome, output }
}

/** Runs steps one after the other; what came of each is in the `steps` of the outcome. */
async function* inOrder(work: StepWork, nodes: readonly StepNode[], place: Place, input: unknown): Running {
  let value = input
  const steps: StepOutput[] = []
  for (const [at, node] of nodes.entries()) {
    const outcome = yield* executeStep(work, node, placeInside(place, node.name, at), value)
    if (outcome.kind === 'waiting') return outcome
    steps.push(outcome.output)
    value = outcome.value
    if (outcome.kind === 'stopped') return { kind: 'stopped', value, output: { ...outcome.output, steps } }
  }
  const last = steps.at(-1) ?? { success: true, stop: false, isPaused: false }
  return { kind: 'done', value, output: { ...last, steps } }
}

/** All branches at once. One that waits does not keep the others from being carried out. */
export async function* parallelStep(work: StepWork, node: Of<'Parallel'>, place: Place, input: unknown): Running {
  const { branches, concurrency } = node
  const count = { parallelStepCount: branches.length }
  if (isNew(work, place)) yield begun(place, { event: 'ParallelExecutionStarted', ...named(place), ...count })
  const outcomes = yield* concurrently(
    branches.map(
      ([, one], at) =>
        () =>
          executeStep(work, one, placeInside(place, one.name, at), input),
    ),
    concurrency,
  )
  const waiting = waitsOf(outcomes)
  if (waiting) return waiting
  const over = outcomes as Exclude<StepOutcome, { kind: 'waiting' }>[]
  const steps = over.map(({ output }) => output)
  const stopped = over.find(({ kind }) => kind === 'stopped')
  const value = stopped ? stopped.value : keyed(branches.map(([key], at) => [key, over[at]!.value] as const))
  const kind = stopped ? 'stopped' : 'done'
  const output = whole(place, 'Parallel', { kind, value }, steps)
  yield {
    event: { event: 'ParallelExecutionCompleted', ...named(place), ...count, stepResults: steps },
    facts: outputFacts(place, output),
  }
  return { kind, value, output }
}

/** @param decided what somebody has decided in the place of the test. */
export async function* branchStep(
  work: StepWork,
  node: Of<'Condition'>,
  place: Place,
  input: unknown,
  decided?: boolean,
): Running {
  const known = work.fold.steps.get(place.id)?.found as boolean | undefined
  const conditionResult =
    known ?? decided ?? Boolean(await called(work, node.name, () => node.test(input, work.context(place))))
  if (known === undefined) {
    yield begun(place, { event: 'ConditionExecutionStarted', ...named(place), conditionResult }, conditionResult)
  }
  const chosen = conditionResult ? node.then : node.otherwise
  const outcome: StepOutcome = chosen
    ? yield* inOrder(work, [chosen], place, input)
    : { kind: 'done', value: input, output: { success: true, stop: false, isPaused: false, steps: [] } }
  if (outcome.kind === 'waiting') return outcome
  const { steps = [] } = outcome.output
  const output = whole(place, 'Condition', outcome, steps)
  yield {
    event: {
      event: 'ConditionExecutionCompleted',
      ...named(place),
      conditionResult,
      executedSteps: steps.length,
      branch: conditionResult ? 'if' : 'else',
      stepResults: steps,
    },
    facts: outputFacts(place, output),
  }
  return { ...outcome, output }
}

export async function* routerStep(work: StepWork, node: Of<'Router'>, place: Place, input: unknown): Running {
  const known = work.fold.steps.get(place.id)?.found as string[] | undefined
  const choice = known ?? (yield* choose(work, node, place, input))
  if (!Array.isArray(choice)) return choice
  const selectedSteps = choice
  if (!known) {
    yield begun(place, { event: 'RouterExecutionStarted', ...named(place), selectedSteps }, selectedSteps)
  }
  const steps: StepOutput[] = []
  const values: unknown[] = []
  let isStopped = false
  for (const [at, [key, one]] of node.choices.entries()) {
    if (!selectedSteps.includes(key) || isStopped) continue
    const outcome = yield* executeStep(work, one, placeInside(place, one.name, at), input)
    if (outcome.kind === 'waiting') return outcome
    steps.push(outcome.output)
    values.push(outcome.value)
    isStopped = outcome.kind === 'stopped'
  }
  const value = isStopped || !node.ask?.multiple ? values.at(-1) : values
  const kind = isStopped ? 'stopped' : 'done'
  const output = whole(place, 'Router', { kind, value }, steps)
  const ended = { ...named(place), selectedSteps, executedSteps: steps.length, stepResults: steps }
  yield { event: { event: 'RouterExecutionCompleted', ...ended }, facts: outputFacts(place, output) }
  return { kind, value, output }
}

/** What is known of one turn of a loop. */
interface Turn {
  shouldContinue: boolean
  output: StepOutput
}

export async function* loopStep(work: StepWork, node: Of<'Loop'>, place: Place, input: unknown): Running {
  const { maxIterations } = node
  if (isNew(work, place)) yield begun(place, { event: 'LoopExecutionStarted', ...named(place), maxIterations })
  let value = input
  let last: StepOutcome | undefined
  const allResults: StepOutput[][] = []
  for (let iteration = 1; iteration <= maxIterations; iteration++) {
    const turnId = `${place.id}#${iteration}`
    const turn = work.fold.steps.get(turnId)
    const about = { ...named(place), iteration, maxIterations }
    if (!turn) yield { event: { event: 'LoopIterationStarted', ...about }, facts: { step: { stepId: turnId } } }
    const inner = placeInside(place, node.step.name, 0, { of: 'loop', number: iteration })
    const outcome = yield* executeStep(work, node.step, inner, value)
    if (outcome.kind === 'waiting') return outcome
    value = outcome.value
    last = outcome
    allResults.push([outcome.output])
    const known = turn?.found as Turn | undefined
    let shouldContinue = known?.shouldContinue
    if (shouldContinue === undefined) {
      const isGood =
        outcome.kind === 'stopped' ||
        Boolean(await called(work, node.name, () => node.until(value, work.context({ ...place, iteration }))))
      shouldContinue = !isGood && iteration < maxIterations
      const found: Turn = { shouldContinue, output: { success: true, stop: false, isPaused: false } }
      yield {
        event: { event: 'LoopIterationCompleted', ...about, iterationResults: [outcome.output], shouldContinue },
        facts: { step: { stepId: turnId, found } },
      }
    }
    if (!shouldContinue) break
  }
  const kind = last?.kind === 'stopped' ? 'stopped' : 'done'
  const output = whole(place, 'Loop', { kind, value }, allResults.flat())
  yield {
    event: {
      event: 'LoopExecutionCompleted',
      ...named(place),
      totalIterations: allResults.length,
      maxIterations,
      allResults,
    },
    facts: outputFacts(place, output),
  }
  return { kind, value, output }
}

export async function* mapStep(work: StepWork, node: Of<'Map'>, place: Place, input: unknown): Running {
  if (!Array.isArray(input)) {
    const message = `The step "${node.name}" maps a list, and was given something else.`
    throw new RunFailedError({ errorCode: 'STEP_FAILED', message, retryable: false })
  }
  const items = input as unknown[]
  const count = { itemCount: items.length }
  if (isNew(work, place)) yield begun(place, { event: 'MapExecutionStarted', ...named(place), ...count })
  const outcomes = yield* concurrently(
    items.map(
      (item, at) => () =>
        executeStep(work, node.step, placeInside(place, node.step.name, at, { of: 'map', number: at }), item),
    ),
    Math.max(1, node.concurrency),
  )
  const waiting = waitsOf(outcomes)
  if (waiting) return waiting
  const over = outcomes as Exclude<StepOutcome, { kind: 'waiting' }>[]
  const stopped = over.find(({ kind }) => kind === 'stopped')
  const value = stopped ? stopped.value : over.map((one) => one.value)
  const kind = stopped ? 'stopped' : 'done'
  const steps = over.map(({ output }) => output)
  const output = whole(place, 'Map', { kind, value }, steps)
  yield {
    event: { event: 'MapExecutionCompleted', ...named(place), ...count, stepResults: steps },
    facts: outputFacts(place, output),
  }
  return { kind, value, output }
}

function isNew({ fold }: StepWork, { id }: Place): boolean {
  return fold.steps.get(id) === undefined
}

/** The entry with which a step begins that holds others. `found`: what it goes by from then on. */
function begun(place: Place, event: LogEntry['event'], found?: unknown): LogEntry {
  return { event, facts: { step: { stepId: place.id, ...(found !== undefined && { found }) } } }
}

function waitsOf(outcomes: readonly StepOutcome[]): StepOutcome | undefined {
  const waits = outcomes.flatMap((outcome) => (outcome.kind === 'waiting' ? outcome.waits : []))
  return waits.length > 0 ? { kind: 'waiting', waits } : undefined
}

function keyed(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries)
}

function whole(
  place: Place,
  stepType: StepType,
  { kind, value }: { kind: 'done' | 'stopped'; value: unknown },
  steps: StepOutput[],
): StepOutput {
  const content = toJson(value)
  return {
    stepName: place.name,
    stepId: place.id,
    stepType,
    ...(content !== undefined && { content }),
    success: steps.every(({ success }) => success),
    stop: kind === 'stopped',
    isPaused: false,
    steps,
  }
}

/** Calls a function of the user's that decides how to go on. @throws RunFailedError when it fails. */
export async function called<Result>(
  work: StepWork,
  name: string,
  call: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await call()
  } catch (error) {
    work.run.signal.throwIfAborted()
    throw new RunFailedError(stepFailure(work, name, error), { cause: error })
  }
}
