import { concurrently } from '../concurrently.js'
import type { LogEntry } from '../log/entry.js'
import type { StepOutput, StepType } from '../log/step-record.js'
import { RunFailedError } from '../run-failure.js'
import type { Yielded } from '../runnable.js'
import { named, placeInside } from './place.js'
import type { Place } from './place.js'
import { outputFacts } from './step-entries.js'
import type { NodeOf, StepNode } from './step-node.js'
import { toJson } from './step-outcome.js'
import type { StepOutcome } from './step-outcome.js'
import type { StepWork } from './step-work.js'

export type Running = AsyncGenerator<Yielded, StepOutcome>

/** Steps one after the other, from the first that is not over. */
export async function* sequenceStep(work: StepWork, node: NodeOf<'Steps'>, place: Place, input: unknown): Running {
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
export async function* inOrder(work: StepWork, nodes: readonly StepNode[], place: Place, input: unknown): Running {
  let value = input
  const steps: StepOutput[] = []
  for (const [at, node] of nodes.entries()) {
    const outcome = yield* work.execute(node, placeInside(place, node.name, at), value)
    if (outcome.kind === 'waiting') return outcome
    steps.push(outcome.output)
    value = outcome.value
    if (outcome.kind === 'stopped') return { kind: 'stopped', value, output: { ...outcome.output, steps } }
  }
  const last = steps.at(-1) ?? { success: true, stop: false, isPaused: false }
  return { kind: 'done', value, output: { ...last, steps } }
}

/** All branches at once. One that waits does not keep the others from being carried out. */
export async function* parallelStep(work: StepWork, node: NodeOf<'Parallel'>, place: Place, input: unknown): Running {
  const { branches, concurrency } = node
  const count = { parallelStepCount: branches.length }
  if (isNew(work, place)) yield begun(place, { event: 'ParallelExecutionStarted', ...named(place), ...count })
  const outcomes = yield* concurrently(
    branches.map(
      ([, one], at) =>
        () =>
          work.execute(one, placeInside(place, one.name, at), input),
    ),
    concurrency,
  )
  const together = allOf(place, 'Parallel', outcomes, (values) =>
    Object.fromEntries(branches.map(([key], at) => [key, values[at]])),
  )
  if (together.kind === 'waiting') return together
  const { output } = together
  yield {
    event: { event: 'ParallelExecutionCompleted', ...named(place), ...count, stepResults: output.steps },
    facts: outputFacts(place, output),
  }
  return together
}

/** One step for each item of a list. */
export async function* mapStep(work: StepWork, node: NodeOf<'Map'>, place: Place, input: unknown): Running {
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
        work.execute(node.step, placeInside(place, node.step.name, at, { of: 'map', number: at }), item),
    ),
    node.concurrency,
  )
  const together = allOf(place, 'Map', outcomes, (values) => values)
  if (together.kind === 'waiting') return together
  const { output } = together
  yield {
    event: { event: 'MapExecutionCompleted', ...named(place), ...count, stepResults: output.steps },
    facts: outputFacts(place, output),
  }
  return together
}

export function isNew({ fold }: StepWork, { id }: Place): boolean {
  return fold.steps.get(id) === undefined
}

/** The entry with which a step begins that holds others. `found`: what it goes by from then on. */
export function begun(place: Place, event: LogEntry['event'], found?: unknown): LogEntry {
  return { event, facts: { step: { stepId: place.id, ...(found !== undefined && { found }) } } }
}

/** What came of steps that ran beside each other: all that they wait for, what the first has stopped with, or all. */
function allOf(
  place: Place,
  stepType: StepType,
  outcomes: readonly StepOutcome[],
  join: (values: unknown[]) => unknown,
): StepOutcome {
  const waits = outcomes.flatMap((outcome) => (outcome.kind === 'waiting' ? outcome.waits : []))
  if (waits.length > 0) return { kind: 'waiting', waits }
  const over = outcomes as Exclude<StepOutcome, { kind: 'waiting' }>[]
  const stopped = over.find(({ kind }) => kind === 'stopped')
  const ended = {
    kind: stopped ? ('stopped' as const) : ('done' as const),
    value: stopped ? stopped.value : join(over.map(({ value }) => value)),
  }
  const steps = over.map(({ output }) => output)
  return { ...ended, output: whole(place, stepType, ended, steps) }
}

/** What came of a step that holds others. */
export function whole(
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
