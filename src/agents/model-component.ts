import type { z } from 'zod'
import { ValidationError } from '../core/errors.js'
import type { JsonObject, JsonValue } from '../core/json.js'
import { agentLoop } from './agent-loop.js'
import type { AgentOptions } from './agent-options.js'
import { DEFAULT_HISTORY_RUNS } from './agent-plan.js'
import type { AgentPlan } from './agent-plan.js'
import { formOfOptions } from './answer-form.js'
import { checkDecisions } from './check-decisions.js'
import type { AgentDescription } from './description.js'
import type { ComponentKind } from './log/source.js'
import type { RunInput } from './log/run-record.js'
import { DEFAULT_TIMEOUT_MS } from './run-ending.js'
import type { Concurrency, MadeDecision, RunContext, Runnable, RunOptions, Yielded } from './runnable.js'
import { checkMedia } from './check-media.js'

export type Schema = z.ZodType | undefined
/** What an answer is: what the component's `output` says, else a text. */
export type ContentOf<Output extends Schema> = Output extends z.ZodType ? z.output<Output> : string
/** What is asked: what the component's `input` says, else a text or any JSON. */
export type InputOf<Input extends Schema> = Input extends z.ZodType ? z.input<Input> : JsonValue

/** What agents and the leaders of teams have in common: a model that is asked in a loop. */
export abstract class ModelComponent implements Runnable {
  abstract readonly kind: ComponentKind
  readonly id: string
  readonly name: string
  readonly sessionState?: JsonObject
  readonly introduction?: string
  readonly concurrency?: Concurrency
  readonly timeoutMs: number
  private readonly input: Schema

  constructor(
    options: AgentOptions<Schema, Schema>,
    protected readonly plan: AgentPlan,
  ) {
    this.id = options.id
    this.name = options.name ?? options.id
    this.sessionState = options.sessionState
    this.introduction = options.introduction
    this.concurrency = options.concurrency
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    this.input = options.input
  }

  historyRuns({ addHistoryToContext }: RunOptions): number {
    if (addHistoryToContext === undefined) return this.plan.historyRuns
    return addHistoryToContext ? this.plan.historyRuns || DEFAULT_HISTORY_RUNS : 0
  }

  checkInput(input: RunInput, options: RunOptions): RunInput {
    checkMedia(input)
    formOfOptions(options)
    if (this.input === undefined) return input
    return { ...input, inputContent: parsed(this.input, input.inputContent) }
  }

  async checkDecisions(decisions: readonly MadeDecision[]): Promise<void> {
    await checkDecisions(this.plan, decisions)
  }

  async contentProblem(content: JsonValue): Promise<string | undefined> {
    const { form } = this.plan
    if (!form) return typeof content === 'string' ? undefined : 'It has to be a text'
    const checked = await form.check(JSON.stringify(content))
    return 'problem' in checked ? checked.problem : undefined
  }

  execute(context: RunContext): AsyncGenerator<Yielded, void, void> {
    return agentLoop(this.plan, context)
  }

  abstract describe(): AgentDescription
}

function parsed(schema: z.ZodType, content: JsonValue): JsonValue {
  const result = schema.safeParse(fromText(content))
  if (result.success) return JSON.parse(JSON.stringify(result.data)) as JsonValue
  const issues = result.error.issues.map(({ path, message }) => ({ path: ['message', ...path].join('.'), message }))
  const [first] = issues
  throw new ValidationError(
    'INPUT_SCHEMA_MISMATCH',
    `The input does not have the form that the agent asks for: ${first?.path}: ${first?.message}`,
    issues,
  )
}

/** Form bodies can carry JSON only as text. */
export function fromText(content: JsonValue): JsonValue {
  if (typeof content !== 'string') return content
  try {
    return JSON.parse(content) as JsonValue
  } catch (error) {
    if (error instanceof SyntaxError) return content
    throw error
  }
}
