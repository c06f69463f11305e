import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { gate, testAgentOS, until } from '../support/agent-os.js'
import { startNode } from '../support/start-node.js'
import { temporaryDirectory } from '../support/two-processes.js'

const text = 'A text that is long enough to come in several pieces.'

describe('a streamed run that is read in another process', () => {
  it('goes on when the client that started it leaves, and is cancelled when that reader leaves too', async () => {
    const graceMs = 1_500
    const runs = { disconnectGraceMs: graceMs }
    const database = join(temporaryDirectory(), 'two.db')
    const agentOS = testAgentOS(scripted({ content: text, stall: { afterDeltas: 2 } }), {
      storage: sqlite(database),
      runs,
    })
    const stream = agentOS.runs.stream({ agentId: 'my-agent', message: 'Hi' })
    await stream.accepted
    const other = await startNode(database, runs)
    await other.ask('follow', stream.runId)
    for await (const event of stream) if (event.event === 'RunContent') break
    await other.until((events) => events.some(({ event }) => event === 'RunContent'))
    await new Promise((resolve) => setTimeout(resolve, 2.5 * graceMs))
    expect((await agentOS.runs.get(stream.runId)).status).toBe('running')
    const left = Date.now()
    await other.ask('leave', stream.runId)
    await until(async () => (await agentOS.runs.get(stream.runId)).status === 'cancelled')
    expect(Date.now() - left).toBeGreaterThanOrEqual(graceMs * 0.9)
  })
})
