import type { Yielded } from '../runnable.js'
import { confirmed } from './confirm-step.js'
import { mapStep, parallelStep, sequenceStep } from './container-steps.js'
import { branchStep, loopStep, routerStep } from './deciding-steps.js'
import { inputStep } from './input-step.js'
import type { Place } from './place.js'
import { reviewed } from './review.js'
import type { StepNode } from './step-node.js'
import type { StepOutcome } from './step-outcome.js'
import type { StepWork } from './step-work.js'
import { sleepStep, waitStep } from './waiting-steps.js'

/** Runs one step of a workflow, from wherever the log says that it stands. What is over is not run again. */
export async function* executeStep(
  work: StepWork,
  node: StepNode,
  place: Place,
  input: unknown,
): AsyncGenerator<Yielded, StepOutcome> {
  const known = work.fold.steps.get(place.id)
  if (known?.output) {
    const { output } = known
    return { kind: output.stop ? 'stopped' : 'done', value: work.value(node, place, input), output }
  }
  if (node.confirm && !known?.starts && known?.found === undefined) {
    const refused = yield* confirmed(work, node, place, input)
    if (refused) return refused
  }
  switch (node.type) {
    case 'Function':
    case 'Step':
    case 'Workflow':
      return yield* reviewed(work, node, place, input)
    case 'Steps':
      return yield* sequenceStep(work, node, place, input)
    case 'Parallel':
      return yield* parallelStep(work, node, place, input)
    case 'Condition':
      return yield* branchStep(work, node, place, input)
    case 'Router':
      return yield* routerStep(work, node, place, input)
    case 'Loop':
      return yield* loopStep(work, node, place, input)
    case 'Map':
      return yield* mapStep(work, node, place, input)
    case 'Sleep':
      return yield* sleepStep(work, node, place, input)
    case 'WaitForEvent':
      return yield* waitStep(work, node, place, input)
    case 'Input':
      return yield* inputStep(work, node, place, input)
  }
}
