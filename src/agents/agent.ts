import type { z } from 'zod'
import { ValidationError } from '../core/errors.js'
import type { JsonObject, JsonValue } from '../core/json.js'
import { agentLoop } from './agent-loop.js'
import type { AgentOptions } from './agent-options.js'
import { DEFAULT_HISTORY_RUNS, planOf } from './agent-plan.js'
import type { AgentPlan } from './agent-plan.js'
import { formOfOptions } from './answer-form.js'
import { checkDecisions } from './check-decisions.js'
import { checkMedia } from './check-media.js'
import { describeAgent } from './describe-agent.js'
import type { AgentDescription } from './description.js'
import { startRun } from './memory-run.js'
import type { AgentRunOptions, AgentRunOf, AgentStream } from './memory-run.js'
import type { Decision } from './log/decision.js'
import type { RunInput } from './log/run-record.js'
import type { ToolExecution } from './log/tool-execution.js'
import { DEFAULT_TIMEOUT_MS } from './run-ending.js'
import type { Concurrency, RunContext, Runnable, RunOptions, Yielded } from './runnable.js'

type Schema = z.ZodType | undefined
/** What an agent's answer is: what its `output` says, else a text. */
export type ContentOf<Output extends Schema> = Output extends z.ZodType ? z.output<Output> : string
/** What an agent is asked: what its `input` says, else a text or any JSON. */
export type InputOf<Input extends Schema> = Input extends z.ZodType ? z.input<Input> : JsonValue

/**
 * An agent: instructions, a model and tools, run in a loop until there is an answer.
 *
 * It is an ordinary object. `run` and `stream` work by themselves, in memory; served by an `AgentOS`, its runs are
 * stored and belong to sessions.
 *
 * @example
 * ```ts
 * const support = new Agent({
 *   id: 'support',
 *   model: openai('gpt-5-mini'),
 *   instructions: 'Answer from the order data only.',
 *   tools: [lookupOrder],
 * })
 * const run = await support.run('Where is order 7?')
 * ```
 */
export class Agent<Output extends Schema = undefined, Input extends Schema = undefined> implements Runnable {
  readonly kind = 'agent'
  readonly id: string
  readonly name: string
  readonly sessionState?: JsonObject
  readonly introduction?: string
  readonly concurrency?: Concurrency
  readonly timeoutMs: number
  private readonly plan: AgentPlan
  private readonly input: Input
  private readonly description: AgentDescription

  /** @throws ConfigurationError when the options can't work; it says which, and what to do. */
  constructor(options: AgentOptions<Output, Input>) {
    this.plan = planOf(options)
    this.description = describeAgent(options, this.plan)
    this.id = options.id
    this.name = options.name ?? options.id
    this.sessionState = options.sessionState
    this.introduction = options.introduction
    this.concurrency = options.concurrency
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    this.input = options.input as Input
  }

  /**
   * Runs the agent in memory; nothing is stored. A run that fails does not throw: its `status` is `error`, and `error`
   * says why.
   *
   * @throws ValidationError when the input or the options are refused before the run begins.
   *
   * @example
   * ```ts
   * const run = await agent.run('Which is the largest moon of Saturn?')
   * if (run.status === 'completed') console.log(run.content)
   * ```
   */
  async run(input: InputOf<Input>, options: AgentRunOptions = {}): Promise<AgentRunOf<ContentOf<Output>>> {
    return (await startRun(this, input as JsonValue, options, false).result) as AgentRunOf<ContentOf<Output>>
  }

  /**
   * Like {@link run}, told while it goes on. Leaving the loop early cancels the run.
   *
   * @throws ValidationError when the input or the options are refused before the run begins.
   *
   * @example
   * ```ts
   * for await (const event of agent.stream('Tell me a story.')) {
   *   if (event.event === 'RunContent') process.stdout.write(String(event.content ?? ''))
   * }
   * ```
   */
  stream(input: InputOf<Input>, options: AgentRunOptions = {}): AgentStream<ContentOf<Output>> {
    return startRun(this, input as JsonValue, options, true) as AgentStream<ContentOf<Output>>
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

  async checkDecisions(decisions: readonly { decision: Decision; tool: ToolExecution }[]): Promise<void> {
    await checkDecisions(this.plan, decisions)
  }

  execute(context: RunContext): AsyncGenerator<Yielded, void, void> {
    return agentLoop(this.plan, context)
  }

  describe(): AgentDescription {
    return this.description
  }
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
function fromText(content: JsonValue): JsonValue {
  if (typeof content !== 'string') return content
  try {
    return JSON.parse(content) as JsonValue
  } catch (error) {
    if (error instanceof SyntaxError) return content
    throw error
  }
}
