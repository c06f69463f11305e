import type { z } from 'zod'
import type { Runnable } from '../runnable.js'
import type { StepContext } from './step-context.js'

/** What happens when a step fails for good. */
export type StepErrorPolicy = 'fail' | 'skip' | 'pause'

/** How a step is carried out. */
export interface StepRules<OnError extends StepErrorPolicy = StepErrorPolicy> {
  /** Further tries after a failure, and the milliseconds before each. Default: none. */
  retry?: { times: number; delayMs?: number }
  /** Milliseconds that one try may take. Default: no limit but the run's. */
  timeoutMs?: number
  /**
   * `fail` (the default) ends the workflow as `error`; `skip` goes on with what the step was given; `pause` waits for
   * somebody to say which of the two, or to try again.
   */
  onError?: OnError
}

/** What happens at a step when somebody says no. */
export type RejectPolicy = 'cancel' | 'skip' | 'else' | 'retry'
/** What happens at a step when nobody answers in time. */
export type TimeoutPolicy = 'cancel' | 'skip' | 'approve'

export type ConfirmPolicy = Exclude<RejectPolicy, 'retry'>

interface Waits<OnTimeout extends TimeoutPolicy = TimeoutPolicy> {
  /** Shown to whoever decides. */
  message?: string
  /** Milliseconds that are waited. Default: for ever. */
  timeoutMs?: number
  /** Default: `cancel`. */
  onTimeout?: OnTimeout
}

/** Somebody has to agree before the step runs. */
export interface Confirmation<
  OnReject extends ConfirmPolicy = ConfirmPolicy,
  OnTimeout extends TimeoutPolicy = TimeoutPolicy,
> extends Waits<OnTimeout> {
  /** Default: `cancel`. `else` takes the other way of a branch. */
  onReject?: OnReject
  /** `required`: the agreement is an approval of its own, which only who may resolve approvals can give. */
  approval?: 'required'
}

/** Somebody looks at what came of the step before the workflow goes on; what they change counts. */
export interface Review<
  OnReject extends RejectPolicy = RejectPolicy,
  OnTimeout extends TimeoutPolicy = TimeoutPolicy,
> extends Waits<OnTimeout> {
  /** Default: `cancel`. `retry` runs the step again with what the reviewer has said. */
  onReject?: OnReject
  /** Tries after a rejection. Default: 3. */
  maxRetries?: number
}

interface Named {
  name: string
  description?: string
  confirm?: Confirmation
  review?: Review
}

/** A function with its place in a workflow; erased of its types. */
export type StepFunction = (input: unknown, context: StepContext) => unknown

export type StepNode =
  | (Named &
      StepRules & {
        type: 'Function'
        run: StepFunction
        input?: z.ZodType
        output?: z.ZodType
        atMostOnce: boolean
        /** It gives what it is given. */
        passesOn?: boolean
      })
  | (Named & StepRules & { type: 'Step' | 'Workflow'; executor: Runnable; prompt?: StepFunction })
  | (Named & { type: 'Steps'; steps: readonly StepNode[] })
  | (Named & { type: 'Parallel'; branches: readonly (readonly [key: string, node: StepNode])[]; concurrency: number })
  | (Named & { type: 'Condition'; test: StepFunction; then: StepNode; otherwise?: StepNode })
  | (Named & {
      type: 'Router'
      choices: readonly (readonly [key: string, node: StepNode])[]
      select?: StepFunction
      /** Somebody chooses. */
      ask?: Waits & { multiple: boolean }
    })
  | (Named & { type: 'Loop'; step: StepNode; until: StepFunction; maxIterations: number })
  | (Named & { type: 'Map'; step: StepNode; concurrency: number })
  | (Named & { type: 'Sleep'; until: StepFunction })
  | (Named & {
      type: 'WaitForEvent'
      event: string
      payload?: z.ZodType
      timeoutMs?: number
      onTimeout: 'fail' | 'skip'
    })
  | (Named & { type: 'Input'; fields: z.ZodType; ask: Waits })

type Of<Type extends StepNode['type']> = Extract<StepNode, { type: Type }>
export type FunctionNode = Of<'Function'>
export type ExecutorNode = Of<'Step' | 'Workflow'>
export type LeafNode = FunctionNode | ExecutorNode
export type { Of as NodeOf }
