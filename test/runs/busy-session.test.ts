import { describe, expect, it } from 'vitest'
import { Agent } from 'agentos-sdk'
import type { AgentOS } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { ModelRequest } from 'agentos-sdk/models'
import { collect, gate, names, testAgentOS, until } from '../support/agent-os.js'
import { textOf } from '../support/messages.js'

/** Answers "Re: <message>" after a turn of the event loop; what it saw of the session is kept. */
function echoing() {
  const seen: string[][] = []
  const model = scripted(async ({ messages }: ModelRequest) => {
    await new Promise((resolve) => setTimeout(resolve, 2))
    seen.push(messages.map(textOf))
    return `Re: ${textOf(messages.at(-1))}`
  })
  return { model, seen }
}

const twenty = Array.from({ length: 20 }, (_, index) => `message ${index}`)

async function records(agentOS: AgentOS) {
  return (await agentOS.runs.list({ sessionId: 's', limit: 100 })).data
}

describe('a second run of a busy session', () => {
  it('waits its turn in "queue": every message is answered, in the order in which they came', async () => {
    const { model, seen } = echoing()
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, history: { runs: 100 } })] })
    const create = (message: string) => agentOS.runs.create({ agentId: 'my-agent', message, sessionId: 's' })
    const runs = await Promise.all(twenty.map(create))
    expect(runs.map(({ status }) => status)).toEqual(twenty.map(() => 'completed'))
    const conversation = twenty.flatMap((message) => [message, `Re: ${message}`])
    for (const [turn, messages] of seen.entries()) expect(messages).toEqual(conversation.slice(0, turn * 2 + 1))
    expect((await records(agentOS)).map(({ runId }) => runId)).toEqual(runs.map(({ runId }) => runId))
  })

  it('is refused in "reject"', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(scripted({ content: 'Done.', stall: { until: opened } }))
    const input = { agentId: 'my-agent', sessionId: 's', concurrency: 'reject' as const }
    const first = agentOS.runs.create({ ...input, message: 'first' })
    const others = await Promise.allSettled(twenty.map((message) => agentOS.runs.create({ ...input, message })))
    open()
    expect((await first).status).toBe('completed')
    for (const other of others) expect(other).toMatchObject({ reason: { code: 'SESSION_BUSY', status: 409 } })
    expect((await agentOS.runs.create({ ...input, message: 'later' })).status).toBe('completed')
    expect(await records(agentOS)).toHaveLength(2)
  })

  it.each(['interrupt', 'rollback'] as const)('cancels those before it in "%s", whose records stay', async (mode) => {
    const seen: string[][] = []
    const model = scripted(({ messages }) => {
      seen.push(messages.map(textOf))
      const isLast = messages.at(-1)?.content === 'last'
      return isLast ? 'Done.' : { content: 'Let me think about that for a while.', stall: { afterDeltas: 1 } }
    })
    const agentOS = testAgentOS(model)
    const input = { agentId: 'my-agent', sessionId: 's', concurrency: mode }
    const streams = twenty.map((message) => agentOS.runs.stream({ ...input, message }))
    const all = streams.map((stream) => collect(stream))
    await Promise.all(streams.map(({ accepted }) => accepted))
    await until(async () => ['running', 'cancelled'].includes((await agentOS.runs.get(streams[19]!.runId)).status))
    const last = await agentOS.runs.create({ ...input, message: 'last' })
    expect(last.content).toBe('Done.')
    for (const events of all) expect(names(await events).at(-1)).toBe('RunCancelled')
    const stored = await records(agentOS)
    expect(stored).toHaveLength(21)
    expect(stored.filter(({ status }) => status === 'cancelled')).toHaveLength(20)
    // What was said stays in the conversation, unless it was rolled back.
    expect(seen.at(-1)!.some((text) => text.startsWith('Let me think'))).toBe(mode === 'interrupt')
  })

  it('runs beside it in "allow"', async () => {
    const { opened, open } = gate()
    const model = scripted(({ messages }) =>
      messages.at(-1)?.content === 'slow' ? { content: 'Slow.', stall: { until: opened } } : 'Quick.',
    )
    const agentOS = testAgentOS(model)
    const input = { agentId: 'my-agent', sessionId: 's', concurrency: 'allow' as const }
    const slow = agentOS.runs.create({ ...input, message: 'slow' })
    const quick = await Promise.all(twenty.map((message) => agentOS.runs.create({ ...input, message })))
    expect(quick.map(({ content }) => content)).toEqual(twenty.map(() => 'Quick.'))
    open()
    expect((await slow).content).toBe('Slow.')
    expect(await records(agentOS)).toHaveLength(21)
  })

  it('shows the stream of a waiting run when its turn comes', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(scripted({ content: 'Done.', stall: { until: opened } }))
    const first = agentOS.runs.create({ agentId: 'my-agent', message: 'one', sessionId: 's' })
    const stream = agentOS.runs.stream({ agentId: 'my-agent', message: 'two', sessionId: 's' })
    await stream.accepted
    expect((await agentOS.runs.get(stream.runId)).status).toBe('pending')
    open()
    const events = await collect(stream)
    expect(names(events)[0]).toBe('RunStarted')
    expect(names(events).at(-1)).toBe('RunCompleted')
    expect((await first).status).toBe('completed')
  })

  it('lets a waiting run be cancelled, and the line moves on', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(scripted({ content: 'Done.', stall: { until: opened } }))
    const create = (message: string, runId: string) =>
      agentOS.runs.create({ agentId: 'my-agent', message, runId, sessionId: 's' })
    const first = create('one', 'r1')
    const second = create('two', 'r2')
    const third = create('three', 'r3')
    await until(async () => (await records(agentOS)).length === 3)
    expect(await agentOS.runs.cancel('r2')).toMatchObject({ runId: 'r2', status: 'cancelled' })
    open()
    expect((await Promise.all([first, second, third])).map(({ status }) => status)).toEqual([
      'completed',
      'cancelled',
      'completed',
    ])
  })
})

describe('state of a session', () => {
  it('keeps what runs beside each other have written', async () => {
    const { counter, model } = counting()
    const agentOS = testAgentOS(model, { agents: [counter] })
    await Promise.all(
      twenty.map((message) =>
        agentOS.runs.create({ agentId: 'counter', message, sessionId: 's', concurrency: 'allow' }),
      ),
    )
    const session = await agentOS.sessions.get('s')
    expect(Object.keys(session.sessionState ?? {}).toSorted()).toEqual(twenty.toSorted())
  })
})

function counting() {
  const model = scripted('Noted.')
  const counter = new Agent({
    id: 'counter',
    model,
    hooks: {
      pre: [
        ({ input, context }) => {
          context.sessionState[input.inputContent as string] = true
        },
      ],
    },
  })
  return { counter, model }
}
