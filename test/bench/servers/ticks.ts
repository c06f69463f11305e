/** Streams whose events say when they were made, so that a reader can tell how long they took. */
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { Agent, AgentOS } from 'agentos-sdk'
import type { Model, ModelStreamPart } from 'agentos-sdk/models'
import { createNodeHandler } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'
import { answer, directory, heapUsed, listen } from './serve.ts'

function model(ticks: number, everyMs: number, text: () => string): Model {
  return {
    id: 'ticks',
    provider: 'bench',
    generate: () => Promise.reject(new Error('This model only streams.')),
    async *stream({ signal }): AsyncGenerator<ModelStreamPart> {
      let content = ''
      for (let tick = 0; tick < ticks; tick++) {
        await sleep(everyMs, undefined, { signal })
        const piece = text()
        content += piece
        yield { type: 'text', text: piece }
      }
      const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }
      yield { type: 'finish', response: { content, toolCalls: [], finishReason: 'stop', usage } }
    },
  }
}

const agentOS = new AgentOS({
  storage: sqlite(join(directory, 'ticks.db')),
  agents: [
    new Agent({ id: 'clock', model: model(40, 250, () => `${Date.now()};`) }),
    new Agent({ id: 'flood', model: model(8000, 1, () => 'x'.repeat(4096)) }),
  ],
  runs: { maxExecuting: 1000 },
})
answer({ heap: heapUsed })
await listen(createNodeHandler(agentOS))
