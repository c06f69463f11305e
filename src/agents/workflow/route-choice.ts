import type { UserInputField } from '../log/tool-execution.js'
import { RunFailedError } from '../run-failure.js'
import type { Yielded } from '../runnable.js'
import { named } from './place.js'
import type { Place } from './place.js'
import { answerOf } from './step-gate.js'
import type { StepNode } from './step-node.js'
import { RejectedError } from './step-outcome.js'
import type { StepOutcome } from './step-outcome.js'
import type { StepWork } from './step-work.js'

type RouterNode = Extract<StepNode, { type: 'Router' }>

/** The keys of the choices that a router goes on with, or that somebody is still to choose. */
export async function* choose(
  work: StepWork,
  node: RouterNode,
  place: Place,
  input: unknown,
): AsyncGenerator<Yielded, string[] | StepOutcome> {
  const keys = node.choices.map(([key]) => key)
  if (node.select) {
    const { select } = node
    const selected = [yield* work.called(node.name, place, (context) => select(input, context))].flat() as string[]
    const unknown = selected.find((key) => !keys.includes(key))
    if (unknown === undefined) return selected
    const message = `The router "${node.name}" has chosen "${unknown}", and has: ${keys.join(', ')}.`
    throw new RunFailedError({ errorCode: 'STEP_FAILED', message, retryable: false })
  }
  const { message, timeoutMs, multiple } = node.ask!
  const text = message === undefined ? {} : { userInputMessage: message }
  const answered = answerOf(work, place, {
    gate: 'route',
    timeoutMs,
    fields: [CHOICES],
    shown: {
      stepType: 'Router',
      requiresRouteSelection: true,
      availableChoices: keys,
      allowMultipleSelections: multiple,
      ...text,
    },
  })
  if ('wait' in answered) {
    if (answered.isNew) {
      yield {
        event: {
          event: 'RouterPaused',
          ...named(place),
          availableChoices: keys,
          ...text,
          allowMultipleSelections: multiple,
        },
      }
    }
    return { kind: 'waiting', waits: [answered.wait] }
  }
  if ('decision' in answered && answered.decision.kind === 'input') {
    return (answered.decision.values.selected_choices as string[]).filter((key) => keys.includes(key))
  }
  throw new RejectedError(`Nobody has chosen a way at "${node.name}".`)
}

/** How a choice is asked for, and answered. */
export const CHOICES: UserInputField = { name: 'selected_choices', fieldType: 'list', description: null, value: null }
