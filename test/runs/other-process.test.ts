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

/** Nothing is found by the looks that are there for lost messages. */
const never = { pollMs: 1_000_000, sweepMs: 1_000_000 }

describe('what another process has written', () => {
  it('is shown to a follower as it comes', async () => {
    const database = join(temporaryDirectory(), 'two.db')
    const other = await startNode(database, never)
    const steps = Array.from({ length: 3 }, gate)
    let asked = 0
    const model = scripted(() => ({
      content: `${asked}. ${text}`,
      stall: { afterDeltas: 1, until: steps[asked++]!.opened },
    }))
    const agentOS = testAgentOS(model, { storage: sqlite(database), runs: never })
    for (const { open } of steps) {
      const { runId } = await agentOS.runs.start({ agentId: 'my-agent', message: 'Hi' })
      await other.ask('follow', runId)
      await other.until((events) => events.some(({ event }) => event === 'RunContent'))
      open()
      await other.until((events) => events.at(-1)?.event === 'RunCompleted')
      expect(other.events.map(({ eventIndex }) => eventIndex)).toEqual(other.events.map((_, index) => index))
      other.events.length = 0
    }
  })

  it('stops a run that it was to cancel, whose executor keeps what was said', async () => {
    const database = join(temporaryDirectory(), 'two.db')
    const other = await startNode(database, { ...never, cancelWaitMs: 1_000_000 })
    const agentOS = testAgentOS(scripted({ content: text, stall: { afterDeltas: 2 } }), {
      storage: sqlite(database),
      runs: never,
    })
    const stream = agentOS.runs.streamInBackground({ agentId: 'my-agent', message: 'Hi' })
    for await (const event of stream) if (event.event === 'RunContent') break
    expect(await other.ask('cancel', stream.runId)).toMatchObject({ status: 'cancelled' })
    const { content, status } = await agentOS.runs.get(stream.runId)
    expect(status).toBe('cancelled')
    expect(text).toContain(content)
  })
})
