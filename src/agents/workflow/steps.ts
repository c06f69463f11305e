import { checkConfirmation, checkCount, checkNames } from './check-step.js'
import type { StepContext } from './step-context.js'
import type { ConfirmPolicy, Confirmation, StepFunction, TimeoutPolicy } from './step-node.js'
import type { AnyStep, PassedOver, Step } from './typed-step.js'

type InputOfStep<One> = One extends Step<infer In, unknown> ? In : never
type OutputOfStep<One> = One extends Step<never, infer Out> ? Out : never
type Every<Value> = (Value extends unknown ? (value: Value) => void : never) extends (value: infer All) => void
  ? All
  : never

/**
 * Steps at the same time, all given the same; gives what came of each, by its key.
 *
 * @param options.concurrency how many run at once. Default: all.
 */
export function parallel<const Steps extends Readonly<Record<string, AnyStep>>>(
  name: string,
  steps: Steps,
  options: { concurrency?: number } = {},
): Step<Every<InputOfStep<Steps[keyof Steps]>>, { [Key in keyof Steps]: OutputOfStep<Steps[Key]> }> {
  const branches = Object.entries(steps).map(([key, { node }]) => [key, node] as const)
  checkNames(name, Object.values(steps))
  checkCount(name, 'concurrency', options.concurrency, 1)
  return { name, node: { type: 'Parallel', name, branches, concurrency: options.concurrency ?? branches.length } }
}

/** One way, or another: without `else`, what was given goes on as it is. */
export function branch<
  In,
  Then,
  Else = In,
  No extends ConfirmPolicy = 'cancel',
  Late extends TimeoutPolicy = 'cancel',
>(options: {
  name: string
  description?: string
  confirm?: Confirmation<No, Late>
  if: (input: In, context: StepContext) => boolean | Promise<boolean>
  then: Step<In, Then>
  else?: Step<In, Else>
}): Step<In, Then | Else | PassedOver<No | Late, In>> {
  const { name, if: test, then, else: otherwise, ...rest } = options
  checkNames(name, otherwise ? [then, otherwise] : [then])
  checkConfirmation(name, rest.confirm)
  const node = { ...rest, type: 'Condition' as const, name, test: test as StepFunction, then: then.node }
  return { name, node: otherwise ? { ...node, otherwise: otherwise.node } : node }
}

interface RouterOptions<Steps> {
  name: string
  description?: string
  choices: Steps
}

/** Goes on with one of several steps, or with some of them one after the other: a function chooses, or a person. */
export function router<const Steps extends Readonly<Record<string, AnyStep>>>(
  options: RouterOptions<Steps> & {
    select: (
      input: Every<InputOfStep<Steps[keyof Steps]>>,
      context: StepContext,
    ) => (keyof Steps & string) | Promise<keyof Steps & string>
  },
): Step<Every<InputOfStep<Steps[keyof Steps]>>, OutputOfStep<Steps[keyof Steps]>>
export function router<const Steps extends Readonly<Record<string, AnyStep>>>(
  options: RouterOptions<Steps> & { ask: { message?: string; multiple?: false } },
): Step<Every<InputOfStep<Steps[keyof Steps]>>, OutputOfStep<Steps[keyof Steps]>>
export function router<const Steps extends Readonly<Record<string, AnyStep>>>(
  options: RouterOptions<Steps> & { ask: { message?: string; multiple: true } },
): Step<Every<InputOfStep<Steps[keyof Steps]>>, OutputOfStep<Steps[keyof Steps]>[]>
export function router(
  options: RouterOptions<Readonly<Record<string, AnyStep>>> & {
    select?: StepFunction
    ask?: { message?: string; multiple?: boolean }
  },
): Step<never, unknown> {
  const { name, choices, select, ask, ...rest } = options
  checkNames(name, Object.values(choices))
  const node = {
    ...rest,
    type: 'Router' as const,
    name,
    choices: Object.entries(choices).map(([key, one]) => [key, one.node] as const),
  }
  if (ask) return { name, node: { ...node, ask: { ...ask, multiple: ask.multiple ?? false } } }
  return { name, node: { ...node, select: select! } }
}

/** A step again and again, each time given what it gave before, until it is good or has run often enough. */
export function loop<Value>(options: {
  name: string
  description?: string
  step: Step<Value, Value>
  until: (output: Value, context: StepContext) => boolean | Promise<boolean>
  maxIterations: number
}): Step<Value, Value> {
  const { name, step: one, until, maxIterations, ...rest } = options
  checkNames(name, [one])
  checkCount(name, 'maxIterations', maxIterations, 1)
  return { name, node: { ...rest, type: 'Loop', name, step: one.node, until: until as StepFunction, maxIterations } }
}

/** A step for each item of a list; gives the list of what came of them. `concurrency`: default 1. */
export function map<Item, Out>(options: {
  name: string
  description?: string
  step: Step<Item, Out>
  concurrency?: number
}): Step<readonly Item[], Out[]> {
  const { name, step: one, concurrency = 1, ...rest } = options
  checkNames(name, [one])
  checkCount(name, 'concurrency', concurrency, 1)
  return { name, node: { ...rest, type: 'Map', name, step: one.node, concurrency } }
}
