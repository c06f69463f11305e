import type { RunInput } from '../../src/agents/log/run-record.js'
import { describe, expect, it } from 'vitest'
import { Agent, tool } from 'agentos-sdk'
import type { AgentOS, Run, RunEvent } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { collect, gate, testAgentOS, until } from '../support/agent-os.js'
import { scopedCaller } from '../support/served-os.js'

const ask = tool({ name: 'ask', requiresConfirmation: true, execute: () => 'asked' })

/** Answers; fails when told to, until it is told again; and asks before it does what needs asking. */
function speaking() {
  const model = scripted(
    ({ messages }) => {
      const last = messages.at(-1)
      if (last?.role === 'user' && last.content === 'Fail.') return { fail: { kind: 'authentication' } }
      if (last?.role === 'user' && last.content === 'Ask.') return { toolCalls: [{ name: 'ask' }] }
      return `Answer to ${messages.length}.`
    },
    { record: true },
  )
  const agents = [new Agent({ id: 'my-agent', model, tools: [ask] }), new Agent({ id: 'other', model })]
  return { model, agentOS: testAgentOS(model, { agents }) }
}

const say = (agentOS: AgentOS, message: string, more: object = {}) =>
  agentOS.runs.create({ agentId: 'my-agent', message, sessionId: 's', ...more })

const runsOf = async (agentOS: AgentOS, sessionId: string): Promise<Run[]> =>
  (await agentOS.runs.list({ sessionId, limit: 1000 })).data

const logOf = async (agentOS: AgentOS, runId: string): Promise<RunEvent[]> => collect(await agentOS.runs.resume(runId))

/** A run without what says whose it is. */
function content({ runId: _run, sessionId: _session, forkedFromSessionId: _from, ...rest }: Run) {
  const { forkedFromRunId: _forked, regeneratedFrom: _regenerated, ...same } = rest
  return same
}

function withoutIds({ runId: _run, sessionId: _session, ...event }: RunEvent) {
  return event
}

describe('a session that is forked', () => {
  it('is copied with its ended runs and their logs, under new ids', async () => {
    const { agentOS } = speaking()
    await say(agentOS, 'One.', { userId: 'alice', sessionState: { cart: [7] } })
    await say(agentOS, 'Fail.')
    await say(agentOS, 'Two.')
    const before = await runsOf(agentOS, 's')
    const forked = await agentOS.sessions.fork('s')
    expect(forked).toEqual({ sessionId: expect.stringMatching(/^ses_/), forkedFromSessionId: 's' })
    const copies = await runsOf(agentOS, forked.sessionId)
    expect(copies.map(content)).toEqual(before.map(content))
    for (const [at, copy] of copies.entries()) {
      expect(copy).toMatchObject({ sessionId: forked.sessionId, forkedFromSessionId: 's' })
      expect(copy.runId).not.toBe(before[at]!.runId)
      const log = await logOf(agentOS, copy.runId)
      expect(log.map(withoutIds)).toEqual((await logOf(agentOS, before[at]!.runId)).map(withoutIds))
      expect(new Set(log.map(({ runId }) => runId))).toEqual(new Set([copy.runId]))
    }
    expect(await runsOf(agentOS, 's')).toEqual(before)
  })

  it('keeps its name, state, metadata and summary, and names its source in its state', async () => {
    const { agentOS } = speaking()
    await say(agentOS, 'One.', { userId: 'alice', sessionState: { cart: [7] } })
    await agentOS.sessions.update('s', {
      sessionName: 'Shopping',
      metadata: { channel: 'web' },
      summary: { summary: 'About a cart.' },
    })
    const { sessionId } = await agentOS.sessions.fork('s')
    const [source, copy] = [await agentOS.sessions.get('s'), await agentOS.sessions.get(sessionId)]
    const { sessionName, metadata, sessionSummary, userId, metrics } = source as Record<string, unknown>
    expect(copy).toMatchObject({ sessionName, metadata, sessionSummary, userId, metrics, agentId: 'my-agent' })
    expect(copy.sessionState).toEqual({ cart: [7], forked_from_session_id: 's' })
    expect('chatHistory' in copy && copy.chatHistory?.map(({ content: text }) => text)).toEqual([
      'One.',
      'Answer to 1.',
    ])
  })

  it('goes on by itself: what is said in the one is not heard in the other', async () => {
    const { agentOS, model } = speaking()
    await say(agentOS, 'One.')
    const { sessionId } = await agentOS.sessions.fork('s')
    await say(agentOS, 'Here.', { sessionId })
    expect(model.requests.at(-1)?.messages.map(({ content: text }) => text)).toEqual(['One.', 'Answer to 1.', 'Here.'])
    await say(agentOS, 'There.')
    expect(model.requests.at(-1)?.messages.map(({ content: text }) => text)).toEqual(['One.', 'Answer to 1.', 'There.'])
  })

  it('names copies where its runs name each other', async () => {
    const { agentOS } = speaking()
    const first = await say(agentOS, 'One.')
    const second = await agentOS.runs.continue(first.runId, { input: 'Two.' })
    await agentOS.runs.continue(second.runId, { regenerate: true })
    const { sessionId } = await agentOS.sessions.fork('s')
    const copies = await runsOf(agentOS, sessionId)
    const [a, b, c] = copies.map(({ runId }) => runId)
    expect(copies.map(({ status }) => status)).toEqual(['completed', 'regenerated', 'completed'])
    expect(copies.map(({ forkedFromRunId }) => forkedFromRunId)).toEqual([undefined, a, b])
    expect(copies[2]!.regeneratedFrom).toBe(b)
    expect(c).toMatch(/^run_/)
  })

  it('remembers the oldest ancestor in its runs, and the nearest in its state', async () => {
    const { agentOS } = speaking()
    await say(agentOS, 'One.')
    const child = await agentOS.sessions.fork('s')
    await say(agentOS, 'Two.', { sessionId: child.sessionId })
    const grandchild = await agentOS.sessions.fork(child.sessionId)
    const copies = await runsOf(agentOS, grandchild.sessionId)
    expect(copies.map(({ forkedFromSessionId }) => forkedFromSessionId)).toEqual(['s', child.sessionId])
    const { sessionState } = await agentOS.sessions.get(grandchild.sessionId)
    expect(sessionState).toEqual({ forked_from_session_id: child.sessionId })
  })

  it('leaves runs behind that go on or wait', async () => {
    const slow = gate()
    const model = scripted(({ messages }) => {
      const { content: text } = messages.at(-1)!
      if (text === 'Ask.') return { toolCalls: [{ name: 'ask' }] }
      return text === 'Wait.' ? { content: 'Waited.', stall: { until: slow.opened } } : 'Answer.'
    })
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [ask] })] })
    await say(agentOS, 'One.')
    await say(agentOS, 'Ask.')
    await agentOS.runs.start({ agentId: 'my-agent', message: 'Wait.', sessionId: 's' })
    await agentOS.runs.start({ agentId: 'my-agent', message: 'Later.', sessionId: 's' })
    await until(async () => (await runsOf(agentOS, 's'))[2]?.status === 'running')
    const { sessionId } = await agentOS.sessions.fork('s')
    expect(
      (await runsOf(agentOS, sessionId)).map(({ status, input }) => [status, (input as RunInput).inputContent]),
    ).toEqual([['completed', 'One.']])
    // The copy has no run that goes on, so it is free.
    expect((await say(agentOS, 'Two.', { sessionId })).status).toBe('completed')
    slow.open()
    await until(async () => (await runsOf(agentOS, 's')).at(-1)?.status === 'completed')
  })

  it('can have its failed runs continued, and its answers regenerated', async () => {
    let mayFail = true
    const model = scripted(() => (mayFail ? { fail: 'authentication' } : 'Better now.'), { record: true })
    const agentOS = testAgentOS(model)
    await say(agentOS, 'One.')
    const { sessionId } = await agentOS.sessions.fork('s')
    const [failed] = await runsOf(agentOS, sessionId)
    mayFail = false
    const run = await agentOS.runs.continue(failed!.runId)
    expect(run).toMatchObject({ runId: failed!.runId, sessionId, status: 'completed', forkedFromSessionId: 's' })
    const again = await agentOS.runs.continue(run.runId, { regenerate: true })
    expect(again).toMatchObject({ sessionId, status: 'completed', regeneratedFrom: run.runId })
    expect((await runsOf(agentOS, 's')).map(({ status }) => status)).toEqual(['error'])
  })

  it('supersedes nothing in the session that it was copied from', async () => {
    let mayFail = false
    const model = scripted(() => (mayFail ? { fail: 'authentication' } : 'Fine.'))
    const agentOS = testAgentOS(model)
    const { runId } = await say(agentOS, 'One.')
    mayFail = true
    await agentOS.runs.continue(runId, { regenerate: true })
    mayFail = false
    const { sessionId } = await agentOS.sessions.fork('s')
    const [, failed] = await runsOf(agentOS, sessionId)
    await agentOS.runs.continue(failed!.runId)
    expect((await runsOf(agentOS, sessionId)).map(({ status }) => status)).toEqual(['regenerated', 'completed'])
    expect((await runsOf(agentOS, 's')).map(({ status }) => status)).toEqual(['completed', 'error'])
  })

  it('is whole, with several hundred runs', async () => {
    const model = scripted('Fine.')
    const agentOS = testAgentOS(model)
    for (let n = 0; n < 230; n++) await say(agentOS, `Message ${n}.`)
    const { sessionId } = await agentOS.sessions.fork('s')
    const inputs = (await runsOf(agentOS, sessionId)).map(({ input }) => (input as RunInput).inputContent)
    expect(inputs).toEqual(Array.from({ length: 230 }, (_, n) => `Message ${n}.`))
  })
})

describe('what is refused', () => {
  it('a session that is not there, of another kind, agent or user: SESSION_NOT_FOUND', async () => {
    const { agentOS } = speaking()
    await say(agentOS, 'One.', { userId: 'alice' })
    const missing = { code: 'SESSION_NOT_FOUND', status: 404 }
    await expect(agentOS.sessions.fork('nobody')).rejects.toMatchObject(missing)
    await expect(agentOS.sessions.fork('s', { agentId: 'other' })).rejects.toMatchObject(missing)
    await expect(agentOS.sessions.fork('s', { type: 'team' })).rejects.toMatchObject(missing)
    await expect(agentOS.sessions.fork('s', { userId: 'bob' })).rejects.toMatchObject(missing)
    await expect(agentOS.as(scopedCaller('bob')).sessions.fork('s')).rejects.toMatchObject(missing)
    const { sessionId } = await agentOS.as(scopedCaller('alice')).sessions.fork('s', { agentId: 'my-agent' })
    expect(await agentOS.as(scopedCaller('alice')).sessions.get(sessionId)).toMatchObject({ userId: 'alice' })
  })

  it('a session without a run that has ended: SESSION_EMPTY, and nothing is written', async () => {
    const { agentOS } = speaking()
    await agentOS.sessions.create({ sessionId: 'empty' })
    await say(agentOS, 'Ask.')
    for (const sessionId of ['empty', 's']) {
      await expect(agentOS.sessions.fork(sessionId)).rejects.toMatchObject({ code: 'SESSION_EMPTY', status: 409 })
    }
    expect((await agentOS.sessions.list()).data).toHaveLength(2)
  })
})

it('a copy has the media of its source, and keeps them when the source is deleted', async () => {
  const model = scripted('Nice.')
  const agentOS = testAgentOS(model, { storage: sqlite(':memory:') })
  const images = [{ content: Buffer.from('pixels').toString('base64'), mimeType: 'image/png' }]
  await agentOS.runs.create({ agentId: 'my-agent', message: 'Look', images, sessionId: 's' })
  const { sessionId } = await agentOS.sessions.fork('s')
  await agentOS.sessions.delete('s')
  const [copy] = await runsOf(agentOS, sessionId)
  expect(copy!.messages![0]!.images).toMatchObject(images)
})
