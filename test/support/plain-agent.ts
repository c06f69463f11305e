import type { LogEntry } from '../../src/agents/log/entry.js'
import type { Message } from '../../src/agents/log/message.js'
import type { RunContext, Runnable } from '../../src/agents/runnable.js'
import type { AgentDescription } from '../../src/agents/description.js'
import type { JsonValue } from '../../src/core/json.js'

export interface PlainAgentOptions {
  id?: string
  name?: string
  answer?: (message: JsonValue) => JsonValue
  /** Runs wait here before they answer. */
  gate?: Promise<void>
  describe?: () => Partial<AgentDescription>
}

/** An agent without a model: the least that can be run. Its conversation has a message of every role. */
export function plainAgent(options: PlainAgentOptions = {}): Runnable {
  const { id = 'support', name = 'Support', answer = () => 'On its way.', gate } = options
  return {
    kind: 'agent',
    id,
    name,
    historyRuns: () => 3,
    async *execute(context) {
      const question = context.input.inputContent
      if (context.fold.lastIndex < 0) yield entry({ event: 'RunStarted', model: 'plain', modelProvider: 'test' })
      yield entry({ event: 'ModelRequestStarted' }, [
        message(context, 'system', 'Be brief.'),
        message(context, 'user', typeof question === 'string' ? question : JSON.stringify(question)),
      ])
      await gate
      const content = answer(question)
      const text = typeof content === 'string' ? content : JSON.stringify(content)
      yield entry({ event: 'ModelRequestCompleted' }, [
        message(context, 'tool', 'Order 7: sent'),
        message(context, 'assistant', text),
      ])
      yield entry({
        event: 'RunCompleted',
        content,
        contentType: typeof content === 'string' ? 'str' : 'dict',
        status: 'completed',
      })
    },
    describe: () => ({ id, name, isFactory: false, isComponent: false, ...options.describe?.() }),
  }
}

function entry(event: LogEntry['event'], messages?: Message[]): LogEntry {
  return messages ? { event, facts: { messages } } : { event }
}

function message({ clock, runId }: RunContext, role: Message['role'], content: string): Message {
  return {
    id: `${runId}-${role}`,
    role,
    content,
    fromHistory: false,
    stopAfterToolCall: false,
    createdAt: Math.floor(clock.now() / 1000),
  }
}
