import type { JsonValue } from '../core/json.js'
import type { AgentOptions } from './agent-options.js'
import { planOf } from './agent-plan.js'
import { describeAgent } from './describe-agent.js'
import type { AgentDescription } from './description.js'
import { startRun } from './memory-run.js'
import type { AgentRunOptions, AgentRunOf, AgentStream } from './memory-run.js'
import { ModelComponent } from './model-component.js'
import type { ContentOf, InputOf, Schema } from './model-component.js'

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
export class Agent<Output extends Schema = undefined, Input extends Schema = undefined> extends ModelComponent {
  readonly kind = 'agent'
  private readonly description: AgentDescription

  /** @throws ConfigurationError when the options can't work; it says which, and what to do. */
  constructor(options: AgentOptions<Output, Input>) {
    const plan = planOf(options)
    super(options, plan)
    this.description = describeAgent(options, plan)
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

  describe(): AgentDescription {
    return this.description
  }
}
