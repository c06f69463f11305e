/** An AgentOS on either database. Its clock says when each of its pieces was made, so that a reader elsewhere can tell. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, AgentOS } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { Model } from 'agentos-sdk/models'
import { createNodeHandler } from 'agentos-sdk/node'
import { postgres, sqlite } from 'agentos-sdk/storage'
import { answer, directory, listen } from './serve.ts'

const RUN = 'run_clock'
const TICKS = 500
const EVERY_MS = 10

const now = (): number => performance.timeOrigin + performance.now()

const clock: Model = {
  id: 'clock',
  provider: 'bench',
  generate: () => Promise.reject(new Error('This model only streams.')),
  async *stream({ signal }) {
    let content = ''
    for (let tick = 0; tick < TICKS; tick++) {
      await sleep(EVERY_MS, undefined, { signal })
      const text = `${now()};`
      content += text
      yield { type: 'text', text }
    }
    const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }
    yield { type: 'finish', response: { content, toolCalls: [], finishReason: 'stop', usage } }
  },
}

const url = process.argv[3]
const agentOS = new AgentOS({
  storage: url === undefined ? sqlite(join(directory, 'node.db')) : postgres(url),
  agents: [new Agent({ id: 'plain', model: scripted('Hello!') }), new Agent({ id: 'clock', model: clock })],
})

answer({
  /** Executes the clock's run here. */
  async tick() {
    for await (const _batch of agentOS.runs.stream({ agentId: 'clock', message: 'Hi', runId: RUN }).batches());
    return true
  },
  /** Milliseconds from the making of each piece until it is seen here. */
  async delays() {
    while (!(await agentOS.runs.head(RUN).catch(() => undefined))) await sleep(5)
    const delays: number[] = []
    for await (const event of await agentOS.runs.resume(RUN)) {
      if (event.event !== 'RunContent' || typeof event.content !== 'string') continue
      delays.push(now() - Number(event.content.split(';').at(-2)))
    }
    return delays
  },
})
await listen(createNodeHandler(agentOS))
