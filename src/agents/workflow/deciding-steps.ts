import type { StepOutput } from '../log/step-record.js'
import { begun, inOrder, isNew, whole } from './container-steps.js'
import type { Running } from './container-steps.js'
import { named, placeInside } from './place.js'
import type { Place } from './place.js'
import { choose } from './route-choice.js'
import { outputFacts } from './step-entries.js'
import type { NodeOf } from './step-node.js'
import type { StepOutcome } from './step-outcome.js'
import type { StepWork } from './step-work.js'

/** @param decided what somebody has decided in the place of the test. */
export async function* branchStep(
  work: StepWork,
  node: NodeOf<'Condition'>,
  place: Place,
  input: unknown,
  decided?: boolean,
): Running {
  const known = work.fold.steps.get(place.id)?.found as boolean | undefined
  const conditionResult =
    known ?? decided ?? Boolean(yield* work.called(node.name, place, (context) => node.test(input, context)))
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

/** The steps that were chosen, one after the other, each given the same. */
export async function* routerStep(work: StepWork, node: NodeOf<'Router'>, place: Place, input: unknown): Running {
  const known = work.fold.steps.get(place.id)?.found as string[] | undefined
  const selectedSteps = known ?? (yield* choose(work, node, place, input))
  if (!Array.isArray(selectedSteps)) return selectedSteps
  if (!known) {
    yield begun(place, { event: 'RouterExecutionStarted', ...named(place), selectedSteps }, selectedSteps)
  }
  const steps: StepOutput[] = []
  const values: unknown[] = []
  let isStopped = false
  for (const [at, [key, one]] of node.choices.entries()) {
    if (!selectedSteps.includes(key) || isStopped) continue
    const outcome = yield* work.execute(one, placeInside(place, one.name, at), input)
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

/** One step again and again, each time given what it gave before. */
export async function* loopStep(work: StepWork, node: NodeOf<'Loop'>, place: Place, input: unknown): Running {
  const { maxIterations } = node
  if (isNew(work, place)) yield begun(place, { event: 'LoopExecutionStarted', ...named(place), maxIterations })
  let value = input
  let isStopped = false
  const allResults: StepOutput[][] = []
  for (let iteration = 1; iteration <= maxIterations; iteration++) {
    // The turn is noted under an id of its own, beside the step that runs in it.
    const turnId = `${place.id}#${iteration}`
    const turn = work.fold.steps.get(turnId)
    const about = { ...named(place), iteration, maxIterations }
    if (!turn) yield { event: { event: 'LoopIterationStarted', ...about }, facts: { step: { stepId: turnId } } }
    const inner = placeInside(place, node.step.name, 0, { of: 'loop', number: iteration })
    const outcome = yield* work.execute(node.step, inner, value)
    if (outcome.kind === 'waiting') return outcome
    value = outcome.value
    isStopped = outcome.kind === 'stopped'
    allResults.push([outcome.output])
    let shouldContinue = turn?.found as boolean | undefined
    if (shouldContinue === undefined) {
      const isGood =
        isStopped || (yield* work.called(node.name, { ...place, iteration }, (context) => node.until(value, context)))
      shouldContinue = !isGood && iteration < maxIterations
      yield {
        event: { event: 'LoopIterationCompleted', ...about, iterationResults: [outcome.output], shouldContinue },
        facts: { step: { stepId: turnId, found: shouldContinue } },
      }
    }
    if (!shouldContinue) break
  }
  const kind = isStopped ? 'stopped' : 'done'
  const output = whole(place, 'Loop', { kind, value }, allResults.flat())
  const totalIterations = allResults.length
  yield {
    event: { event: 'LoopExecutionCompleted', ...named(place), totalIterations, maxIterations, allResults },
    facts: outputFacts(place, output),
  }
  return { kind, value, output }
}
