import type { RunFold } from '../log/fold.js'
import { placeInside } from './place.js'
import type { Place } from './place.js'
import type { StepNode } from './step-node.js'

/**
 * What a step that is over gives to the next one, read off the log: the same whether or not a crash came between. What
 * has a schema is parsed by it each time; a step that only passes on gives what it was given.
 *
 * @throws what a schema throws.
 */
export function valueOf(fold: RunFold, node: StepNode, place: Place, input: unknown): unknown {
  const { output, isPassedOver, isMissing, found } = fold.steps.get(place.id) ?? {}
  if (output?.stop) return output.content
  if (isPassedOver) return input
  if (isMissing) return null
  const inner = (one: StepNode, at: number, given: unknown, turn?: Parameters<typeof placeInside>[3]): unknown =>
    valueOf(fold, one, placeInside(place, one.name, at, turn), given)
  switch (node.type) {
    case 'Function':
      if (node.passesOn) return input
      return node.output ? node.output.parse(output?.content) : output?.content
    case 'Step':
    case 'Workflow':
      return output?.content
    case 'WaitForEvent':
      return node.payload ? node.payload.parse(output?.content) : output?.content
    case 'Input':
      return node.fields.parse(output?.content)
    case 'Sleep':
      return input
    case 'Steps':
      return node.steps.reduce((value, one, at) => inner(one, at, value), input)
    case 'Parallel':
      return Object.fromEntries(node.branches.map(([key, one], at) => [key, inner(one, at, input)]))
    case 'Condition': {
      const chosen = found === true ? node.then : node.otherwise
      return chosen ? inner(chosen, 0, input) : input
    }
    case 'Router': {
      const selected = found as string[]
      const values = node.choices.flatMap(([key, one], at) => (selected.includes(key) ? [inner(one, at, input)] : []))
      return node.ask?.multiple ? values : values.at(-1)
    }
    case 'Loop': {
      let value = input
      for (let number = 1; number <= (output?.steps?.length ?? 0); number++) {
        value = inner(node.step, 0, value, { of: 'loop', number })
      }
      return value
    }
    case 'Map':
      return (input as unknown[]).map((item, at) => inner(node.step, at, item, { of: 'map', number: at }))
  }
}
