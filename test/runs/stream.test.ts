import { describe, expect, it } from 'vitest'
import { scripted } from 'agentos-sdk/models'
import { collect, gate, names, shownText, testAgentOS, until } from '../support/agent-os.js'

const text = 'A text that is long enough to come in several pieces, one after the other.'

describe('runs.stream', () => {
  it('shows every event once and in order, and ends with the run', async () => {
    const agentOS = testAgentOS(scripted(text))
    const stream = agentOS.runs.stream({ agentId: 'my-agent', message: 'Hi', sessionId: 's' })
    const events = await collect(stream)
    expect(names(events)).toEqual([
      'RunStarted',
      'ModelRequestStarted',
      ...Array.from({ length: Math.ceil(text.length / 16) }, () => 'RunContent'),
      'ModelRequestCompleted',
      'RunContentCompleted',
      'RunCompleted',
    ])
    expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, index) => index))
    expect(new Set(events.map(({ runId }) => runId))).toEqual(new Set([stream.runId]))
    expect(shownText(events)).toBe(text)
    expect(events.at(-1)).toMatchObject({ content: text, sessionId: 's', agentId: 'my-agent', status: 'completed' })
  })

  it('rejects with what refuses the run', async () => {
    const agentOS = testAgentOS()
    await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', runId: 'r1' })
    const stream = agentOS.runs.stream({ agentId: 'my-agent', message: 'Hi', runId: 'r1' })
    await expect(stream.accepted).rejects.toMatchObject({ code: 'RUN_EXISTS' })
    await expect(collect(stream)).rejects.toMatchObject({ code: 'RUN_EXISTS' })
  })

  it('goes on for the grace period when nobody reads it any more, and is then cancelled', async () => {
    const agentOS = testAgentOS(scripted({ content: text, stall: { afterDeltas: 2 } }), {
      runs: { disconnectGraceMs: 50 },
    })
    const stream = agentOS.runs.stream({ agentId: 'my-agent', message: 'Hi' })
    for await (const event of stream) if (event.event === 'RunContent') break
    await until(async () => (await agentOS.runs.get(stream.runId)).status === 'cancelled')
    expect((await agentOS.runs.get(stream.runId)).content).toBe(text.slice(0, 32))
  })

  it('goes on to its end when somebody else follows it within the grace period', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(scripted({ content: text, stall: { afterDeltas: 2, until: opened } }), {
      runs: { disconnectGraceMs: 100 },
    })
    const stream = agentOS.runs.stream({ agentId: 'my-agent', message: 'Hi' })
    for await (const event of stream) if (event.event === 'RunContent') break
    const resumed = collect(await agentOS.runs.resume(stream.runId))
    await new Promise((resolve) => setTimeout(resolve, 200))
    open()
    expect((await resumed).at(-1)?.event).toBe('RunCompleted')
    expect(shownText(await resumed)).toBe(text)
  })

  it('replays the stream of the first request when the key repeats', async () => {
    const agentOS = testAgentOS(scripted(text))
    const input = { agentId: 'my-agent', message: 'Hi', idempotencyKey: 'k' }
    const first = await collect(agentOS.runs.stream(input))
    const again = agentOS.runs.stream(input)
    expect(await collect(again)).toEqual(first)
    expect((await again.accepted).runId).toBe(first[0]?.runId)
    const rest = agentOS.runs.stream({ ...input, lastEventIndex: 3 })
    expect(await collect(rest)).toEqual(first.slice(4))
  })

  it('in the background goes on without a reader', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(scripted({ content: text, stall: { afterDeltas: 2, until: opened } }), {
      runs: { disconnectGraceMs: 20 },
    })
    const stream = agentOS.runs.streamInBackground({ agentId: 'my-agent', message: 'Hi' })
    for await (const event of stream) if (event.event === 'RunContent') break
    await new Promise((resolve) => setTimeout(resolve, 60))
    open()
    await until(async () => (await agentOS.runs.get(stream.runId)).status !== 'running')
    expect((await agentOS.runs.get(stream.runId)).content).toBe(text)
  })
})

describe('runs.resume', () => {
  it('gives exactly the rest of a run of 300 events from every index, live and afterwards', async () => {
    const { opened, open } = gate()
    const long = Array.from({ length: 295 }, (_, index) => `delta ${index}`.padEnd(16, '.')).join('')
    const agentOS = testAgentOS(scripted({ content: long, stall: { afterDeltas: 150, until: opened } }))
    const stream = agentOS.runs.stream({ agentId: 'my-agent', message: 'Hi' })
    const whole = collect(stream)
    await stream.accepted
    await until(async () => (await agentOS.runs.head(stream.runId)).lastIndex >= 151)
    const live = Array.from({ length: 300 }, async (_, after) => {
      return collect(await agentOS.runs.resume(stream.runId, { after }))
    })
    open()
    const events = await whole
    expect(events).toHaveLength(300)
    for (const [after, rest] of (await Promise.all(live)).entries()) expect(rest).toEqual(events.slice(after + 1))
    for (let after = -1; after < events.length; after++) {
      const resumed = await agentOS.runs.resume(stream.runId, { after })
      expect(await collect(resumed)).toEqual(events.slice(after + 1))
    }
  })
})
