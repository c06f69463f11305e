import { describe, expect, it, onTestFinished } from 'vitest'
import { Agent, AgentOS, tool } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { ModelRequest } from 'agentos-sdk/models'
import { silentLogger } from '../../src/core/logger.js'
import { textOf } from '../support/messages.js'
import { collect, gate, names, shownText, testAgentOS, until } from '../support/agent-os.js'
import { sharedStorage } from '../support/two-processes.js'

/** Answers differently each time it is asked. */
function counting() {
  let count = 0
  return scripted(() => `answer ${++count}`, { record: true })
}

const said = (request: ModelRequest | undefined) => request?.messages.map(({ content }) => textOf({ content }))

describe('an answer that is regenerated', () => {
  it('is superseded by the new one', async () => {
    const agentOS = testAgentOS(counting())
    const source = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', sessionId: 's' })
    const fork = await agentOS.runs.continue(source.runId, { regenerate: true })
    expect(fork).toMatchObject({
      status: 'completed',
      content: 'answer 2',
      input: { inputContent: 'Hi' },
      forkedFromRunId: source.runId,
      forkedFromMessageIndex: 1,
      regeneratedFrom: source.runId,
    })
    expect(await agentOS.runs.get(source.runId)).toEqual({ ...source, status: 'regenerated' })
  })

  it('is left out of what later runs see, and of the chat', async () => {
    const model = counting()
    const agentOS = testAgentOS(model)
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', sessionId: 's' })
    await agentOS.runs.continue(runId, { regenerate: true })
    await agentOS.runs.create({ agentId: 'my-agent', message: 'Next', sessionId: 's' })
    expect(said(model.requests[2])).toEqual(['Hi', 'answer 2', 'Next'])
    const session = await agentOS.sessions.get('s')
    const chat = 'chatHistory' in session ? session.chatHistory : []
    expect(chat?.map(({ content }) => content)).toEqual(['Hi', 'answer 2', 'Next', 'answer 3'])
  })

  it('stays visible beside the new one when that is asked for', async () => {
    const model = counting()
    const agentOS = testAgentOS(model)
    const source = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', sessionId: 's' })
    const fork = await agentOS.runs.continue(source.runId, { regenerate: true, replaceOriginal: false })
    expect(fork.regeneratedFrom).toBe(source.runId)
    expect(await agentOS.runs.get(source.runId)).toEqual(source)
    await agentOS.runs.create({ agentId: 'my-agent', message: 'Next', sessionId: 's' })
    expect(said(model.requests[2])).toEqual(['Hi', 'answer 1', 'answer 2', 'Next'])
  })

  it('is given again as instructed', async () => {
    const model = counting()
    const agentOS = testAgentOS(model)
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    const fork = await agentOS.runs.continue(runId, { regenerate: true, additionalInstructions: 'Shorter.' })
    expect(said(model.requests[1])).toEqual(['Hi', 'Shorter.'])
    expect(fork.input).toEqual({ inputContent: 'Hi' })
  })

  it('keeps the calls that it was made from', async () => {
    let calls = 0
    const work = tool({ name: 'work', execute: () => `worked ${++calls}` })
    const model = scripted([{ toolCalls: [{ name: 'work', id: 'call_1' }] }, 'Done.'], { record: true })
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [work] })] })
    const { runId, tools } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Work' })
    const fork = await agentOS.runs.continue(runId, { regenerate: true })
    expect(fork).toMatchObject({ forkedFromMessageIndex: 3, tools })
    expect(calls).toBe(1)
  })

  it('can be regenerated again and again, while the superseded one can not', async () => {
    const agentOS = testAgentOS(counting())
    const first = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', sessionId: 's' })
    const second = await agentOS.runs.continue(first.runId, { regenerate: true })
    const third = await agentOS.runs.continue(second.runId, { regenerate: true, continueFrom: 'last_user' })
    expect(third).toMatchObject({ content: 'answer 3', regeneratedFrom: second.runId })
    const all = await agentOS.runs.list({ sessionId: 's', limit: 10 })
    expect(all.data.map(({ status }) => status)).toEqual(['regenerated', 'regenerated', 'completed'])
    for (const given of [{}, { fork: true }, { regenerate: true }, { input: 'More' }]) {
      await expect(agentOS.runs.continue(first.runId, given)).rejects.toMatchObject({
        code: 'RUN_NOT_CONTINUABLE',
        status: 409,
      })
    }
    expect(await agentOS.runs.cancel(first.runId)).toMatchObject({ status: 'regenerated' })
  })
})

describe('the old answer', () => {
  it('stands until the new one is there', async () => {
    const slow = gate()
    let count = 0
    const agentOS = testAgentOS(
      scripted(() => (++count === 1 ? 'old' : { content: 'new', stall: { until: slow.opened } })),
    )
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    const { runId: forkId } = await agentOS.runs.continueInBackground(runId, { regenerate: true })
    expect((await agentOS.runs.get(runId)).status).toBe('completed')
    slow.open()
    await until(async () => (await agentOS.runs.get(forkId)).status === 'completed')
    expect((await agentOS.runs.get(runId)).status).toBe('regenerated')
  })

  it.each(['error', 'cancelled'] as const)('stands when the new one ends as %s', async (end) => {
    let count = 0
    const model = scripted(() => {
      if (++count === 1) return 'old'
      return end === 'error' ? { fail: 'authentication' } : { stall: true }
    })
    const agentOS = testAgentOS(model)
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', sessionId: 's' })
    const fork = await agentOS.runs.continueInBackground(runId, { regenerate: true })
    if (end === 'cancelled') await agentOS.runs.cancel(fork.runId)
    await until(async () => (await agentOS.runs.get(fork.runId)).status === end)
    expect((await agentOS.runs.get(runId)).status).toBe('completed')
  })

  it('is superseded when a new one that had failed is continued to its end', async () => {
    let count = 0
    const model = scripted(() => (++count === 2 ? { fail: 'authentication' } : `answer ${count}`))
    const agentOS = testAgentOS(model)
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    const failed = await agentOS.runs.continue(runId, { regenerate: true })
    expect(failed.status).toBe('error')
    const fork = await agentOS.runs.continue(failed.runId)
    expect(fork).toMatchObject({ runId: failed.runId, status: 'completed', regeneratedFrom: runId })
    expect((await agentOS.runs.get(runId)).status).toBe('regenerated')
  })
})

describe('fields that contradict each other', () => {
  it.each([
    { input: 'a', additionalInstructions: 'b' },
    { input: 'a', additionalInstructions: 'b', regenerate: true },
    { fork: true, regenerate: true },
    { replaceOriginal: true },
    { replaceOriginal: false, fork: true },
    { additionalInstructions: 'b' },
    { regenerate: true, continueFrom: 1 },
  ])('%j: CONTINUE_PARAMS_CONFLICT', async (given) => {
    const agentOS = testAgentOS()
    const { runId, sessionId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    const refused = agentOS.runs.continue(runId, given)
    await expect(refused).rejects.toMatchObject({ code: 'CONTINUE_PARAMS_CONFLICT', status: 422 })
    expect((await agentOS.runs.list({ sessionId, limit: 10 })).data).toHaveLength(1)
  })
})

describe('a run that is cut where it stands', () => {
  /** Looks something up, then wants to pay. Messages: user, assistant, tool, assistant. */
  function paying() {
    const called: string[] = []
    const note = (name: string) => () => void called.push(name)
    const tools = [
      tool({ name: 'look', execute: note('look') }),
      tool({ name: 'pay', requiresConfirmation: true, execute: note('pay') }),
    ]
    let hasPaused = false
    const model = scripted(
      ({ messages }) => {
        if (hasPaused) return `After ${messages.length}.`
        if (messages.at(-1)?.role !== 'tool')
          return { content: 'Looking. ', toolCalls: [{ name: 'look', id: 'call_1' }] }
        hasPaused = true
        return { content: 'Paying. ', toolCalls: [{ name: 'pay', id: 'call_2' }] }
      },
      { record: true },
    )
    const agent = new Agent({ id: 'my-agent', model, tools })
    return { agent, called, model }
  }

  it.each([
    [2, 1],
    [3, 3],
    ['last_user', 1],
  ] as const)('from %s keeps %i messages, and drops what it waits for', async (continueFrom, kept) => {
    const { agent, called, model } = paying()
    const agentOS = testAgentOS(model, { agents: [agent] })
    const paused = await agentOS.runs.create({ agentId: 'my-agent', message: 'Pay' })
    const run = await agentOS.runs.continue(paused.runId, { continueFrom })
    expect(run).toMatchObject({ runId: paused.runId, status: 'completed' })
    expect(run.messages?.slice(0, kept)).toEqual(paused.messages!.slice(0, kept))
    expect(run.messages).toHaveLength(kept + 1)
    expect(run.requirements).toBeUndefined()
    expect((run.tools ?? []).map(({ toolName }) => toolName)).toEqual(kept === 3 ? ['look'] : [])
    expect(run.content).toBe(`${kept === 3 ? 'Looking. ' : ''}After ${kept}.`)
    expect(called).toEqual(['look'])
    expect(run.forkedFromRunId).toBeUndefined()
    expect(await agentOS.runs.get(run.runId)).toEqual(run)
  })

  it('tells readers what is void, so that their text is the content', async () => {
    const { agent, model } = paying()
    const agentOS = testAgentOS(model, { agents: [agent] })
    const first = await collect(agentOS.runs.stream({ agentId: 'my-agent', message: 'Pay' }))
    const { runId } = first[0]!
    const second = await collect(await agentOS.runs.continueStream(runId, { continueFrom: 1 }))
    expect(names(second).slice(0, 2)).toEqual(['RunContinued', 'RunRecovered'])
    expect(second[1]).toMatchObject({ reason: 'continue' })
    const { content } = await agentOS.runs.get(runId)
    expect(shownText([...first, ...second])).toBe(content)
    expect(await collect(await agentOS.runs.resume(runId))).toEqual([...first, ...second])
  })

  it('refuses decisions about calls that it drops', async () => {
    const { agent, model } = paying()
    const agentOS = testAgentOS(model, { agents: [agent] })
    const paused = await agentOS.runs.create({ agentId: 'my-agent', message: 'Pay' })
    const given = { continueFrom: 1, tools: [{ toolCallId: 'call_2', confirmed: true }] }
    await expect(agentOS.runs.continue(paused.runId, given)).rejects.toMatchObject({ code: 'UNKNOWN_TOOL_CALL' })
    expect(await agentOS.runs.get(paused.runId)).toEqual(paused)
  })

  it('takes what the user says further after the calls that it waits for', async () => {
    const { agent, called, model } = paying()
    const agentOS = testAgentOS(model, { agents: [agent] })
    const paused = await agentOS.runs.create({ agentId: 'my-agent', message: 'Pay' })
    const run = await agentOS.runs.continue(paused.runId, {
      tools: [{ toolCallId: 'call_2', confirmed: true }],
      input: 'And be quick.',
    })
    expect(called).toEqual(['look', 'pay'])
    const roles = run.messages?.map(({ role }) => role)
    expect(roles).toEqual(['user', 'assistant', 'tool', 'assistant', 'tool', 'user', 'assistant'])
    expect(run.content).toBe('Looking. Paying. After 6.')
  })

  it('stays cut when the process dies that has begun to go on', async () => {
    const storage = sharedStorage()
    const start = (agent: Agent, quick = { leaseMs: 300, sweepMs: 30, pollMs: 20 }) =>
      new AgentOS({ agents: [agent], storage: storage(), logger: silentLogger, runs: quick })
    const { agent, model } = paying()
    const hanging = new Agent({ id: 'my-agent', model: scripted({ stall: true }) })
    const first = start(agent)
    const paused = await first.runs.create({ agentId: 'my-agent', message: 'Pay' })
    await first.stop()
    const second = start(hanging)
    await second.runs.continueInBackground(paused.runId, { continueFrom: 3, input: 'Never mind.' })
    await until(async () => (await second.runs.get(paused.runId)).messages?.at(-1)?.content === 'Never mind.')
    await second.stop({ deadlineMs: 0 })
    const third = start(agent)
    onTestFinished(() => third.stop())
    await until(async () => (await third.runs.get(paused.runId)).status === 'completed')
    const run = await third.runs.get(paused.runId)
    expect(said(model.requests.at(-1))).toEqual(['Pay', 'Looking. ', 'null', 'Never mind.'])
    expect(run).toMatchObject({ content: 'Looking. After 4.' })
    expect(run.requirements).toBeUndefined()
    const events = await collect(await third.runs.resume(paused.runId))
    expect(shownText(events)).toBe(run.content)
    expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, index) => index))
  })
})

it('a failed run that goes on in place withdraws what its last step has shown', async () => {
  const model = scripted(
    [{ content: 'Once upon a time', fail: { kind: 'authentication', afterDeltas: 1, times: 1 } }],
    {
      chunkSize: 4,
    },
  )
  const agentOS = testAgentOS(model)
  const failed = await collect(agentOS.runs.stream({ agentId: 'my-agent', message: 'Hi' }))
  expect(shownText(failed)).toBe('Once')
  const { runId } = failed[0]!
  const next = await collect(await agentOS.runs.continueStream(runId))
  expect(shownText([...failed, ...next])).toBe('Once upon a time')
  expect((await agentOS.runs.get(runId)).content).toBe('Once upon a time')
})
