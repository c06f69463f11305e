import { describe, expect, it } from 'vitest'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { collect, gate, shownText, testAgentOS, until } from '../support/agent-os.js'

/** A storage that tells how many wait for messages of what is committed. */
function watchedStorage() {
  const storage = sqlite(':memory:')
  const { events } = storage
  const onCommitted = events.onCommitted.bind(events)
  const listening = { count: 0 }
  events.onCommitted = (runId, listener) => {
    listening.count += 1
    const forget = onCommitted(runId, listener)
    return () => {
      listening.count -= 1
      forget()
    }
  }
  return { storage, listening }
}

const long = 'A sentence of many. '.repeat(500)

describe('a stream that nobody reads from', () => {
  it('does not listen any more once it is behind or has all of it, and still gives everything', async () => {
    const { storage, listening } = watchedStorage()
    const { opened, open } = gate()
    const model = scripted({ content: long, chunkSize: 8, stall: { afterDeltas: 900, until: opened } })
    const agentOS = testAgentOS(model, { storage })
    const unread = agentOS.runs.streamInBackground({ agentId: 'my-agent', message: 'Hi' })
    await unread.accepted
    await until(async () => (await agentOS.runs.head(unread.runId)).lastIndex >= 900)
    const resumed = await Promise.all([1, 2, 3].map(() => agentOS.runs.resume(unread.runId)))
    open()
    await until(async () => (await agentOS.runs.head(unread.runId)).status === 'completed')
    expect(listening.count).toBe(0)
    for (const stream of [unread, ...resumed]) {
      const events = await collect(stream)
      expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, index) => index))
      expect(shownText(events)).toBe(long)
    }
    expect(listening.count).toBe(0)
  })

  it('listens again for whoever begins to read', async () => {
    const { storage, listening } = watchedStorage()
    const { opened, open } = gate()
    const model = scripted({ content: long, chunkSize: 8, stall: { afterDeltas: 3, until: opened } })
    const agentOS = testAgentOS(model, { storage, runs: { pollMs: 1_000_000 } })
    const { runId } = await agentOS.runs.start({ agentId: 'my-agent', message: 'Hi' })
    await until(async () => (await agentOS.runs.head(runId)).lastIndex >= 3)
    const stream = await agentOS.runs.resume(runId)
    expect(listening.count).toBe(0)
    const all = collect(stream)
    await until(() => listening.count === 1)
    open()
    expect(shownText(await all)).toBe(long)
    expect(listening.count).toBe(0)
  })

  it('ends when the server stops', async () => {
    const agentOS = testAgentOS(scripted({ content: long, stall: true }), { runs: { stopDeadlineMs: 10 } })
    const { runId } = await agentOS.runs.start({ agentId: 'my-agent', message: 'Hi' })
    const stream = await agentOS.runs.resume(runId)
    await agentOS.stop()
    expect(await collect(stream)).toEqual([])
  })
})
