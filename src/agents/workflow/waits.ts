import type { z } from 'zod'
import type { JsonValue } from '../../core/json.js'
import { checkConfirmation, checkCount, checkName } from './check-step.js'
import type { StepContext } from './step-context.js'
import type { Confirmation, StepFunction } from './step-node.js'
import type { Parsed, Step } from './typed-step.js'

/** Waits for a time, without a process that waits; gives what it is given. `ms`: milliseconds from then on. */
export function sleep<Value>(options: {
  name: string
  ms: number | ((input: Value, context: StepContext) => number | Promise<number>)
}): Step<Value, Value> {
  const { name, ms } = options
  checkName(name)
  return { name, node: { type: 'Sleep', name, until: (typeof ms === 'number' ? () => ms : ms) as StepFunction } }
}

/**
 * Waits until an event of this name is sent to the run, without a process that waits; gives its payload. Events that
 * came before count, each once, in the order in which they came.
 */
export function waitForEvent<
  Payload extends z.ZodType | undefined = undefined,
  In = unknown,
  OnTimeout extends 'fail' | 'skip' = 'fail',
>(options: {
  name: string
  event: string
  /** Checks the payload; one that does not fit fails the step. */
  payload?: Payload
  /** Milliseconds. Default: for ever. */
  timeoutMs?: number
  /** Default: `fail`. `skip` goes on with `null`. */
  onTimeout?: OnTimeout
}): Step<In, Parsed<Payload, JsonValue> | (OnTimeout extends 'skip' ? null : never)> {
  const { name, onTimeout = 'fail' as const, ...rest } = options
  checkName(name)
  checkCount(name, 'timeoutMs', rest.timeoutMs, 1)
  return { name, node: { ...rest, type: 'WaitForEvent', name, onTimeout } }
}

/** Waits until somebody agrees; gives what it is given. */
export function approval<Value>(options: { name: string; description?: string } & Confirmation): Step<Value, Value> {
  const { name, description, ...confirm } = options
  checkName(name)
  checkConfirmation(name, confirm)
  const node = {
    type: 'Function' as const,
    name,
    confirm,
    run: (input: unknown) => input,
    atMostOnce: false,
    passesOn: true,
  }
  return { name, node: description === undefined ? node : { ...node, description } }
}

/** Waits until somebody has filled in a form; gives what they have said. */
export function humanInput<Fields extends z.ZodObject, In = unknown>(options: {
  name: string
  description?: string
  fields: Fields
  message?: string
  timeoutMs?: number
}): Step<In, z.output<Fields>> {
  const { name, description, fields, ...ask } = options
  checkName(name)
  const node = { type: 'Input' as const, name, fields, ask }
  return { name, node: description === undefined ? node : { ...node, description } }
}
