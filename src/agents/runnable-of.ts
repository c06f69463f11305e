import type { JsonValue } from '../core/json.js'
import { DEFAULT_HISTORY_RUNS, checkId } from './agent-plan.js'
import type { AgentDescription } from './description.js'
import type { ForeignAgentDefinition } from './foreign-agent.js'
import { foreignLoop } from './foreign-loop.js'
import { startRun } from './memory-run.js'
import type { AgentRunOf, AgentRunOptions, AgentStream } from './memory-run.js'
import type { RunContext, Runnable, RunOptions, Yielded } from './runnable.js'

/** A foreign agent under the contract. `run` and `stream` work by themselves, as an agent's do. */
export interface ForeignAgent extends Runnable {
  run(input: JsonValue, options?: AgentRunOptions): Promise<AgentRunOf<JsonValue>>
  stream(input: JsonValue, options?: AgentRunOptions): AgentStream<JsonValue>
}

/**
 * Serves an agent of another framework, or any async generator, like one of ours: its runs are stored, streamed,
 * cancelled and listed in the same way.
 *
 * @throws ConfigurationError when the id can't be one.
 *
 * @example
 * ```ts
 * const echo = runnable({
 *   id: 'echo',
 *   async *run(input) {
 *     yield 'You said: '
 *     yield JSON.stringify(input)
 *   },
 * })
 * ```
 */
export function runnable(definition: ForeignAgentDefinition): ForeignAgent {
  const { id, name = id, sessionState, introduction, concurrency, timeoutMs } = definition
  checkId(id)
  const description = describe(definition)
  const agent: ForeignAgent = {
    kind: 'agent',
    id,
    name,
    sessionState,
    introduction,
    concurrency,
    timeoutMs,
    historyRuns: ({ addHistoryToContext }: RunOptions): number => {
      if (addHistoryToContext === false) return 0
      return definition.historyRuns ?? DEFAULT_HISTORY_RUNS
    },
    execute: (context: RunContext): AsyncGenerator<Yielded, void, void> => foreignLoop(definition, context),
    describe: () => description,
    run: async (input, options = {}) => (await startRun(agent, input, options, false).result) as AgentRunOf<JsonValue>,
    stream: (input, options = {}) => startRun(agent, input, options, true) as AgentStream<JsonValue>,
  }
  return agent
}

function describe({ id, name, description, framework, model, introduction }: ForeignAgentDefinition): AgentDescription {
  return {
    id,
    name: name ?? id,
    ...(description !== undefined && { description }),
    ...(introduction !== undefined && { introduction }),
    ...(model && { model: { name: model.id, model: model.id, provider: model.provider, id: model.id } }),
    ...(framework !== undefined && { metadata: { framework } }),
    isFactory: false,
    isComponent: false,
  }
}
