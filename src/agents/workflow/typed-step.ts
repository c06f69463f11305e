import type { z } from 'zod'
import type { StepNode } from './step-node.js'

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

export type AnyStep = Step<never, unknown>

/**
 * What a step gives beside what it makes: what it was given, where it may be passed over. That is so where its rules say
 * `skip`, and where a person may: about a failure, or about a step that was cut off and may run once only.
 */
export type PassedOver<Rules, In> = Extract<Rules, 'skip' | 'pause' | true> extends never ? never : In

export type Parsed<Result extends z.ZodType | undefined, Fallback> = Result extends z.ZodType
  ? z.output<Result>
  : Fallback
