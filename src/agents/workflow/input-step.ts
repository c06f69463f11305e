import { z } from 'zod'
import type { JsonSchema } from '../../core/json.js'
import type { StepInputField } from '../log/step-record.js'
import type { Yielded } from '../runnable.js'
import { userInputFields } from '../user-input.js'
import { named } from './place.js'
import type { Place } from './place.js'
import { completedEntry, passedOver } from './step-entries.js'
import { answerOf } from './step-gate.js'
import type { StepNode } from './step-node.js'
import { RejectedError, toJson } from './step-outcome.js'
import type { StepOutcome } from './step-outcome.js'
import type { StepWork } from './step-work.js'

type InputNode = Extract<StepNode, { type: 'Input' }>

/** Asks somebody to fill in a form; gives what they have said. */
export async function* inputStep(
  work: StepWork,
  node: InputNode,
  place: Place,
  input: unknown,
): AsyncGenerator<Yielded, StepOutcome> {
  const { message, timeoutMs } = node.ask
  const fields = fieldsOf(node)
  const text = message === undefined ? {} : { userInputMessage: message }
  const answered = answerOf(work, place, {
    gate: 'input',
    timeoutMs,
    fields: fields.map(({ required: _required, allowedValues: _values, ...field }) => field),
    shown: { stepType: 'Step', requiresUserInput: true, userInputSchema: fields, ...text },
  })
  if ('wait' in answered) {
    if (answered.isNew) {
      yield {
        event: {
          event: 'StepPaused',
          ...named(place),
          requiresConfirmation: false,
          requiresUserInput: true,
          ...text,
          userInputSchema: fields,
        },
      }
    }
    return { kind: 'waiting', waits: [answered.wait] }
  }
  if (!('decision' in answered) || answered.decision.kind !== 'input') {
    throw new RejectedError(`Nobody has answered at "${node.name}".`)
  }
  const output = { ...passedOver(place, toJson(answered.decision.values)), stepType: 'Step' as const }
  yield completedEntry(place, output)
  return { kind: 'done', value: work.value(node, place, input), output }
}

/** The form of an object schema, as a person is asked for it. */
export function fieldsOf({ name, fields }: Pick<InputNode, 'name' | 'fields'>): StepInputField[] {
  const schema = z.toJSONSchema(fields, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  const properties = (schema.properties ?? {}) as Record<string, JsonSchema>
  const required = new Set((schema.required as string[] | undefined) ?? [])
  return userInputFields(schema, Object.keys(properties), name).map((field) => {
    const allowed = properties[field.name]?.enum as unknown[] | undefined
    return { ...field, required: required.has(field.name), ...(allowed && { allowedValues: allowed }) }
  })
}
