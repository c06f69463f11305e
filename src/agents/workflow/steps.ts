import type { z } from 'zod'
import type { JsonValue } from '../../core/json.js'
import type { Agent } from '../agent.js'
import type { ContentOf, Schema } from '../model-component.js'
import type { Runnable } from '../runnable.js'
import type { Team } from '../team/team.js'
import { ConfigurationError } from '../../core/errors.js'
import { checkConfirmation, checkCount, checkName, checkNames } from './check-step.js'
import type { Stop } from './stop.js'
import type { StepContext } from './step-context.js'
import type { Confirmation, Review, StepFunction, StepNode, StepRules } from './step-node.js'
import type { Workflow } from './workflow.js'

declare const types: unique symbol

/**
 * A part of a workflow: takes an `In`, gives an `Out`. What it gives is stored as JSON, and is the same JSON for the
 * next step whether or not a crash came between; a step with an `output` schema has it parsed by that each time.
 */
export interface Step<In, Out> {
  readonly name: string
  readonly node: StepNode
  readonly [types]?: (input: In) => Out
}

/** What every step can have. */
interface StepOptions {
  /** Names the step among its neighbours, in records and in events: 1 to 100 characters, no `/` and no `:`. */
  name: string
  description?: string
  /** Somebody has to agree before it runs. */
  confirm?: Confirmation
  /** Somebody looks at what came of it. */
  review?: Review
}

type Output<Value> = Value extends Stop<infer Inner> ? Inner : Value
type Parsed<Given extends z.ZodType | undefined, Fallback> = Given extends z.ZodType ? z.output<Given> : Fallback

interface FunctionOptions<In, Out, Input extends z.ZodType | undefined, Result extends z.ZodType | undefined>
  extends StepOptions, StepRules {
  /** Checks what the step is given. */
  input?: Input
  /** Checks what the step gives. */
  output?: Result
  /** Is never run again when a crash has cut it off: the run pauses, and somebody decides. Default: false. */
  atMostOnce?: boolean
  run: (input: Parsed<Input, In>, context: StepContext) => Out | Promise<Out>
}

interface ExecutorOptions<In> extends StepOptions, StepRules {
  /** What the executor is asked. Default: what the step is given. */
  prompt?: (input: In, context: StepContext) => JsonValue | Promise<JsonValue>
}

interface Erased {
  agent?: unknown
  team?: unknown
  workflow?: unknown
  run?: unknown
  prompt?: unknown
  atMostOnce?: boolean
}

/**
 * A step: a function, or an agent, a team or another workflow that is asked.
 *
 * @example
 * ```ts
 * const draft = step({ name: 'draft', agent: writer, prompt: (topic: string) => `Write about ${topic}.` })
 * const count = step({ name: 'count', run: (text: string) => ({ words: text.split(' ').length }) })
 * ```
 * @throws ConfigurationError when the name can't be one.
 */
export function step<Result extends Schema, In = string>(
  options: ExecutorOptions<In> & { agent: Agent<Result, Schema> },
): Step<In, ContentOf<Result>>
export function step<Result extends Schema, In = string>(
  options: ExecutorOptions<In> & { team: Team<Result, Schema> },
): Step<In, ContentOf<Result>>
export function step<In, Out>(options: ExecutorOptions<In> & { workflow: Workflow<In, Out> }): Step<In, Out>
export function step<
  In = JsonValue,
  Out = unknown,
  Input extends z.ZodType | undefined = undefined,
  Result extends z.ZodType | undefined = undefined,
>(
  options: FunctionOptions<In, Out, Input, Result>,
): Step<Input extends z.ZodType ? z.input<Input> : In, Parsed<Result, Output<Out>>>
export function step(options: StepOptions & StepRules & Erased): Step<never, unknown> {
  const { name, agent, team, workflow, run, prompt, atMostOnce, ...rest } = options
  const executor = (agent ?? team ?? workflow) as Runnable | undefined
  checkName(name)
  if ([agent, team, workflow, run].filter((one) => one !== undefined).length !== 1) {
    throw new ConfigurationError(`Step "${name}" needs one of run, agent, team and workflow.`)
  }
  checkConfirmation(name, rest.confirm)
  checkCount(name, 'retry.times', rest.retry?.times, 0)
  checkCount(name, 'retry.delayMs', rest.retry?.delayMs, 0)
  checkCount(name, 'timeoutMs', rest.timeoutMs, 1)
  checkCount(name, 'review.maxRetries', rest.review?.maxRetries, 0)
  checkCount(name, 'review.timeoutMs', rest.review?.timeoutMs, 1)
  const node = executor
    ? {
        ...rest,
        name,
        type: executor.kind === 'workflow' ? 'Workflow' : 'Step',
        executor,
        ...(prompt ? { prompt } : {}),
      }
    : { ...rest, name, type: 'Function', run, atMostOnce: atMostOnce === true }
  return { name, node: node as StepNode }
}

/** Steps one after the other: each is given what the one before gives. */
export function sequence<A, B>(name: string, a: Step<A, B>): Step<A, B>
export function sequence<A, B, C>(name: string, a: Step<A, B>, b: Step<B, C>): Step<A, C>
export function sequence<A, B, C, D>(name: string, a: Step<A, B>, b: Step<B, C>, c: Step<C, D>): Step<A, D>
export function sequence<A, B, C, D, E>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
): Step<A, E>
export function sequence<A, B, C, D, E, F>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
): Step<A, F>
export function sequence<A, B, C, D, E, F, G>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
): Step<A, G>
export function sequence<A, B, C, D, E, F, G, H>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
): Step<A, H>
export function sequence<A, B, C, D, E, F, G, H, I>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
  h: Step<H, I>,
): Step<A, I>
export function sequence<A, B, C, D, E, F, G, H, I, J>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
  h: Step<H, I>,
  i: Step<I, J>,
): Step<A, J>
export function sequence<A, B, C, D, E, F, G, H, I, J, K>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
  h: Step<H, I>,
  i: Step<I, J>,
  j: Step<J, K>,
): Step<A, K>
export function sequence<A, B, C, D, E, F, G, H, I, J, K, L>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
  h: Step<H, I>,
  i: Step<I, J>,
  j: Step<J, K>,
  k: Step<K, L>,
): Step<A, L>
export function sequence<A, B, C, D, E, F, G, H, I, J, K, L, M>(
  name: string,
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
  e: Step<E, F>,
  f: Step<F, G>,
  g: Step<G, H>,
  h: Step<H, I>,
  i: Step<I, J>,
  j: Step<J, K>,
  k: Step<K, L>,
  l: Step<L, M>,
): Step<A, M>
export function sequence(name: string, ...steps: readonly Step<never, unknown>[]): Step<never, unknown> {
  checkNames(name, steps)
  return { name, node: { type: 'Steps', name, steps: steps.map(({ node }) => node) } }
}

type InputOfStep<One> = One extends Step<infer In, unknown> ? In : never
type OutputOfStep<One> = One extends Step<never, infer Out> ? Out : never
type Every<Value> = (Value extends unknown ? (value: Value) => void : never) extends (value: infer All) => void
  ? All
  : never
type AnyStep = Step<never, unknown>

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
export function branch<In, Then, Else = In>(options: {
  name: string
  description?: string
  confirm?: Confirmation
  if: (input: In, context: StepContext) => boolean | Promise<boolean>
  then: Step<In, Then>
  else?: Step<In, Else>
}): Step<In, Then | Else> {
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
export function waitForEvent<Payload extends z.ZodType | undefined = undefined, In = JsonValue>(options: {
  name: string
  event: string
  /** Checks the payload; one that does not fit fails the step. */
  payload?: Payload
  /** Milliseconds. Default: for ever. */
  timeoutMs?: number
  /** Default: `fail`. `skip` goes on with `null`. */
  onTimeout?: 'fail' | 'skip'
}): Step<In, Parsed<Payload, JsonValue>> {
  const { name, onTimeout = 'fail', ...rest } = options
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
export function humanInput<Fields extends z.ZodObject, In = JsonValue>(options: {
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
