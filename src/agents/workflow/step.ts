import type { z } from 'zod'
import { ConfigurationError } from '../../core/errors.js'
import type { JsonValue } from '../../core/json.js'
import type { Agent } from '../agent.js'
import type { ContentOf, Schema } from '../model-component.js'
import type { Runnable } from '../runnable.js'
import type { Team } from '../team/team.js'
import { checkConfirmation, checkCount, checkName } from './check-step.js'
import type { StepContext } from './step-context.js'
import type {
  ConfirmPolicy,
  Confirmation,
  RejectPolicy,
  Review,
  StepErrorPolicy,
  StepNode,
  StepRules,
  TimeoutPolicy,
} from './step-node.js'
import type { Stop } from './stop.js'
import type { Parsed, PassedOver, Step } from './typed-step.js'
import type { Workflow } from './workflow.js'

/** What every step can have. `No…`, `Late…`: what happens when somebody says no, or nobody says anything in time. */
interface StepOptions<
  OnError extends StepErrorPolicy,
  No extends ConfirmPolicy,
  Late extends TimeoutPolicy,
  NoReview extends RejectPolicy,
  LateReview extends TimeoutPolicy,
> extends StepRules<OnError> {
  /** Names the step among its neighbours, in records and in events: 1 to 100 characters, no `/` and no `:`. */
  name: string
  description?: string
  /** Somebody has to agree before it runs. */
  confirm?: Confirmation<No, Late>
  /** Somebody looks at what came of it. */
  review?: Review<NoReview, LateReview>
}

type Output<Value> = Value extends Stop<infer Inner> ? Inner : Value
type Given<Input extends z.ZodType | undefined, Fallback> = Input extends z.ZodType ? z.input<Input> : Fallback

interface FunctionWork<
  In,
  Out,
  Input extends z.ZodType | undefined,
  Result extends z.ZodType | undefined,
  Once extends boolean,
> {
  /** Checks what the step is given. */
  input?: Input
  /** Checks what the step gives. */
  output?: Result
  /** Is never run again when a crash has cut it off: the run pauses, and somebody decides. Default: false. */
  atMostOnce?: Once
  run: (input: Parsed<Input, In>, context: StepContext) => Out | Promise<Out>
}

interface Prompt<In> {
  /** What the executor is asked. Default: what the step is given. */
  prompt?: (input: In, context: StepContext) => JsonValue | Promise<JsonValue>
}

type AnyOptions = StepOptions<StepErrorPolicy, ConfirmPolicy, TimeoutPolicy, RejectPolicy, TimeoutPolicy>

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
export function step<
  Result extends Schema,
  In = string,
  OnError extends StepErrorPolicy = 'fail',
  No extends ConfirmPolicy = 'cancel',
  Late extends TimeoutPolicy = 'cancel',
  NoReview extends RejectPolicy = 'cancel',
  LateReview extends TimeoutPolicy = 'cancel',
>(
  options: StepOptions<OnError, No, Late, NoReview, LateReview> & Prompt<In> & { agent: Agent<Result, Schema> },
): Step<In, ContentOf<Result> | PassedOver<OnError | No | Late | NoReview | LateReview, In>>
export function step<
  Result extends Schema,
  In = string,
  OnError extends StepErrorPolicy = 'fail',
  No extends ConfirmPolicy = 'cancel',
  Late extends TimeoutPolicy = 'cancel',
  NoReview extends RejectPolicy = 'cancel',
  LateReview extends TimeoutPolicy = 'cancel',
>(
  options: StepOptions<OnError, No, Late, NoReview, LateReview> & Prompt<In> & { team: Team<Result, Schema> },
): Step<In, ContentOf<Result> | PassedOver<OnError | No | Late | NoReview | LateReview, In>>
export function step<
  In,
  Out,
  OnError extends StepErrorPolicy = 'fail',
  No extends ConfirmPolicy = 'cancel',
  Late extends TimeoutPolicy = 'cancel',
  NoReview extends RejectPolicy = 'cancel',
  LateReview extends TimeoutPolicy = 'cancel',
>(
  options: StepOptions<OnError, No, Late, NoReview, LateReview> & Prompt<In> & { workflow: Workflow<In, Out> },
): Step<In, Out | PassedOver<OnError | No | Late | NoReview | LateReview, In>>
export function step<
  In = unknown,
  Out = unknown,
  Input extends z.ZodType | undefined = undefined,
  Result extends z.ZodType | undefined = undefined,
  Once extends boolean = false,
  OnError extends StepErrorPolicy = 'fail',
  No extends ConfirmPolicy = 'cancel',
  Late extends TimeoutPolicy = 'cancel',
  NoReview extends RejectPolicy = 'cancel',
  LateReview extends TimeoutPolicy = 'cancel',
>(
  options: StepOptions<OnError, No, Late, NoReview, LateReview> & FunctionWork<In, Out, Input, Result, Once>,
): Step<
  Given<Input, In>,
  Parsed<Result, Output<Out>> | PassedOver<Once | OnError | No | Late | NoReview | LateReview, Given<Input, In>>
>
export function step(options: AnyOptions & Erased): Step<never, unknown> {
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
