import { describe, expect, it, onTestFinished } from 'vitest'
import { Agent, AgentOS, tool } from 'agentos-sdk'
import type { Run } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { Model, ModelRequest } from 'agentos-sdk/models'
import { z } from 'zod'
import { fullCaller } from '../../src/core/caller.js'
import { silentLogger } from '../../src/core/logger.js'
import { textOf } from '../support/messages.js'
import { collect, names, testAgentOS, until } from '../support/agent-os.js'
import { sharedStorage } from '../support/two-processes.js'

const echo = () =>
  scripted(({ messages }) => `You said: ${textOf(messages.findLast(({ role }) => role === 'user'))}`, { record: true })

/** Roles and texts of what a model was asked. */
const asked = (request: ModelRequest | undefined) =>
  request?.messages.map((message) => `${message.role}: ${textOf(message)}`)

describe('a completed run that is continued', () => {
  it('stays as it is: a fork goes on in the same session, with an id and metrics of its own', async () => {
    const model = echo()
    const agentOS = testAgentOS(model)
    const source = await agentOS.runs.create({ agentId: 'my-agent', message: 'one', userId: 'alice', sessionId: 's' })
    const fork = await agentOS.runs.continue(source.runId, { input: 'two' })
    expect(fork).toMatchObject({
      sessionId: 's',
      userId: 'alice',
      status: 'completed',
      content: 'You said: two',
      input: { inputContent: 'two' },
      forkedFromRunId: source.runId,
      forkedFromMessageIndex: 2,
    })
    expect(fork.runId).not.toBe(source.runId)
    expect(fork.regeneratedFrom).toBeUndefined()
    expect(asked(model.requests[1])).toEqual(['user: one', 'assistant: You said: one', 'user: two'])
    expect(fork.messages?.map(({ fromHistory }) => fromHistory)).toEqual([true, true, false, false])
    expect(fork.metrics?.outputTokens).toBe(fork.messages?.at(-1)?.metrics?.outputTokens)
    expect(await agentOS.runs.get(source.runId)).toEqual(source)
    expect(await agentOS.runs.get(fork.runId)).toEqual(fork)
  })

  it('tells later runs each message once', async () => {
    const model = echo()
    const agentOS = testAgentOS(model)
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'one', sessionId: 's' })
    await agentOS.runs.continue(runId, { input: 'two' })
    await agentOS.runs.create({ agentId: 'my-agent', message: 'three', sessionId: 's' })
    expect(asked(model.requests[2])).toEqual([
      'user: one',
      'assistant: You said: one',
      'user: two',
      'assistant: You said: two',
      'user: three',
    ])
    const session = await agentOS.sessions.get('s')
    expect('chatHistory' in session && session.chatHistory?.map(({ content }) => content)).toEqual([
      'one',
      'You said: one',
      'two',
      'You said: two',
      'three',
      'You said: three',
    ])
  })

  it('sees the earlier runs that its source has seen, and none that came since', async () => {
    const model = echo()
    const agentOS = testAgentOS(model)
    await agentOS.runs.create({ agentId: 'my-agent', message: 'zero', sessionId: 's' })
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'one', sessionId: 's' })
    await agentOS.runs.create({ agentId: 'my-agent', message: 'later', sessionId: 's' })
    await agentOS.runs.continue(runId, { input: 'two' })
    expect(asked(model.requests.at(-1))).toEqual([
      'user: zero',
      'assistant: You said: zero',
      'user: one',
      'assistant: You said: one',
      'user: two',
    ])
  })

  it('asks the model to go on when nobody has said anything', async () => {
    const model = scripted(({ messages }) => `answer ${messages.length}`)
    const agentOS = testAgentOS(model)
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    const fork = await agentOS.runs.continue(runId)
    expect(fork).toMatchObject({ content: 'answer 2', forkedFromMessageIndex: 2 })
    expect(fork.messages).toHaveLength(3)
  })

  it('logs RunStarted and then RunContinued, with which its stream begins; indexes are dense from 0', async () => {
    const agentOS = testAgentOS(echo())
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'one' })
    const stream = await agentOS.runs.continueStream(runId, { input: 'two' })
    const shown = await collect(stream)
    expect(stream.runId).not.toBe(runId)
    expect(names(shown)[0]).toBe('RunContinued')
    expect(names(shown).at(-1)).toBe('RunCompleted')
    expect(new Set(shown.map((event) => event.runId))).toEqual(new Set([stream.runId]))
    const all = await collect(await agentOS.runs.resume(stream.runId))
    expect(names(all).slice(0, 2)).toEqual(['RunStarted', 'RunContinued'])
    expect(all.map(({ eventIndex }) => eventIndex)).toEqual(all.map((_, index) => index))
    expect(all.slice(1)).toEqual(shown)
  })

  it('goes on in the background, with and without a stream', async () => {
    const agentOS = testAgentOS(echo())
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'one' })
    const started = await agentOS.runs.continueInBackground(runId, { input: 'two' })
    expect(started).toMatchObject({ status: 'pending', sessionId: expect.any(String) })
    expect(started.runId).not.toBe(runId)
    await collect(await agentOS.runs.resume(started.runId))
    expect(await agentOS.runs.get(started.runId)).toMatchObject({ status: 'completed', content: 'You said: two' })
    const stream = await agentOS.runs.continueStreamInBackground(runId, { input: 'three' })
    expect(names(await collect(stream)).at(-1)).toBe('RunCompleted')
  })

  it('is forked by each of many at once', async () => {
    const agentOS = testAgentOS(echo())
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'one', sessionId: 's' })
    const forks = await Promise.all(
      Array.from({ length: 20 }, (_, n) => agentOS.runs.continue(runId, { input: `n${n}` })),
    )
    expect(new Set(forks.map((fork) => fork.runId)).size).toBe(20)
    expect(forks.map(({ content }) => content)).toEqual(forks.map((_, n) => `You said: n${n}`))
  })

  it('holds up no message that is sent afterwards', async () => {
    const agentOS = testAgentOS(echo())
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'one', sessionId: 's' })
    const [fork, next] = await Promise.all([
      agentOS.runs.continue(runId, { input: 'two' }),
      agentOS.runs.create({ agentId: 'my-agent', message: 'three', sessionId: 's' }),
    ])
    expect([fork.status, next.status]).toEqual(['completed', 'completed'])
  })

  it('has the steps of its own only counted against the limit', async () => {
    const model = echo()
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, stepLimit: 1 })] })
    const first = await agentOS.runs.create({ agentId: 'my-agent', message: 'one' })
    const second = await agentOS.runs.continue(first.runId, { input: 'two' })
    const third = await agentOS.runs.continue(second.runId, { input: 'three' })
    expect(third).toMatchObject({ status: 'completed', content: 'You said: three', forkedFromMessageIndex: 4 })
  })

  it('checks what the user says further as it checks an input', async () => {
    const model = echo()
    const guard = ({ input }: { input: { inputContent: unknown } }) => {
      if (input.inputContent === 'evil') throw new Error('Not that.')
    }
    const agent = new Agent({ id: 'my-agent', model, guardrails: { input: [guard] } })
    const agentOS = testAgentOS(model, { agents: [agent] })
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'one' })
    expect(await agentOS.runs.continue(runId, { input: 'evil' })).toMatchObject({ status: 'error' })
    expect(model.requests).toHaveLength(1)
  })
})

describe('where a fork begins', () => {
  const toolCalls = [1, 2].map((id) => ({ name: 'lookup', arguments: { id }, id: `call_${id}` }))

  /** Messages of a run: user, assistant with two calls, tool, tool, assistant. */
  async function withCalls() {
    const model = scripted(
      ({ messages }) => (messages.at(-1)?.role === 'tool' ? 'Found.' : { content: 'Looking. ', toolCalls }),
      { record: true },
    )
    const looked: number[] = []
    const lookup = tool({
      name: 'lookup',
      input: z.object({ id: z.number() }),
      execute: ({ id }) => `order ${looked.push(id) && id}`,
    })
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [lookup] })] })
    const run = await agentOS.runs.create({ agentId: 'my-agent', message: 'Where?' })
    return { agentOS, run, model, looked }
  }

  it.each([
    [0, 0],
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 4],
    [5, 5],
    ['last_user', 1],
    ['end', 5],
  ] as const)('from %s: so many messages stay: %i', async (continueFrom, kept) => {
    const { agentOS, run, looked } = await withCalls()
    const fork = await agentOS.runs.continue(run.runId, { continueFrom })
    expect(fork).toMatchObject({ status: 'completed', forkedFromMessageIndex: kept })
    expect(fork.messages?.slice(0, kept).map(({ id }) => id)).toEqual(run.messages!.slice(0, kept).map(({ id }) => id))
    expect(looked).toHaveLength(kept >= 4 && kept < 5 ? 2 : 4)
  })

  it('takes over the calls of the messages that it keeps, and makes none of them again', async () => {
    const { agentOS, run, looked } = await withCalls()
    const fork = await agentOS.runs.continue(run.runId, { continueFrom: 4 })
    expect(fork.tools).toEqual(run.tools)
    expect(fork.content).toBe('Found.')
    expect(looked).toEqual([1, 2])
  })

  it('begins anew from 0, with what the user says in the place of the input', async () => {
    const { agentOS, run, model } = await withCalls()
    const fork = await agentOS.runs.continue(run.runId, { continueFrom: 0, input: 'And now?' })
    expect(fork.input).toEqual({ inputContent: 'And now?' })
    expect(asked(model.requests[2])).toEqual(['user: And now?'])
  })

  it.each([-1, 6, 1e9])('is refused outside of the run, and changes nothing: %d', async (continueFrom) => {
    const { agentOS, run } = await withCalls()
    await expect(agentOS.runs.continue(run.runId, { continueFrom })).rejects.toMatchObject({
      code: 'CONTINUE_INDEX_OUT_OF_RANGE',
      status: 422,
    })
    expect((await agentOS.runs.list({ sessionId: run.sessionId, limit: 10 })).data).toEqual([run])
  })
})

describe('a run that waits', () => {
  function paying(approval?: 'required') {
    const called: string[] = []
    const pay = tool({
      name: 'pay',
      requiresConfirmation: true,
      ...(approval && { approval }),
      execute: (_args, { runId }) => void called.push(runId),
    })
    const model = scripted(
      ({ messages }) => (messages.at(-1)?.role === 'tool' ? 'Paid.' : { toolCalls: [{ name: 'pay', id: 'call_1' }] }),
      { record: true },
    )
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [pay] })] })
    return { agentOS, called, model, pause: () => agentOS.runs.create({ agentId: 'my-agent', message: 'Pay.' }) }
  }
  const confirmed = { tools: [{ toolCallId: 'call_1', confirmed: true }] }

  it('is decided about in the fork, and waits on itself', async () => {
    const { agentOS, called, pause } = paying()
    const source = await pause()
    const fork = await agentOS.runs.continue(source.runId, { fork: true, ...confirmed })
    expect(fork).toMatchObject({ status: 'completed', content: 'Paid.', forkedFromRunId: source.runId })
    expect(called).toEqual([fork.runId])
    expect(await agentOS.runs.get(source.runId)).toEqual(source)
    expect(await agentOS.runs.continue(source.runId, confirmed)).toMatchObject({ status: 'completed' })
    expect(called).toEqual([fork.runId, source.runId])
  })

  it('has every call decided about in the fork, too', async () => {
    const { agentOS, called, pause } = paying()
    const { runId, sessionId } = await pause()
    await expect(agentOS.runs.continue(runId, { fork: true })).rejects.toMatchObject({
      code: 'RUN_REQUIREMENTS_UNRESOLVED',
    })
    expect((await agentOS.runs.list({ sessionId, limit: 10 })).data).toHaveLength(1)
    expect(called).toEqual([])
  })

  it('takes no call along that needs an approval, and is not cut to be rid of it', async () => {
    const { agentOS, called, pause } = paying('required')
    const { runId, sessionId } = await pause()
    for (const given of [{ fork: true, ...confirmed }, { continueFrom: 1 }, { continueFrom: 'last_user' as const }]) {
      const refused = agentOS.runs.continue(runId, given)
      await expect(refused, JSON.stringify(given)).rejects.toMatchObject({ code: 'APPROVAL_PENDING', status: 403 })
    }
    expect((await agentOS.runs.list({ sessionId, limit: 9 })).data).toHaveLength(1)
    expect(called).toEqual([])
  })

  it('closes its approval when another run has come in its place', async () => {
    let isAsked = false
    const model = scripted(() => (isAsked ? 'No need.' : ((isAsked = true), { toolCalls: [{ name: 'pay' }] })))
    const pay = tool({ name: 'pay', approval: 'required', execute: () => 'paid' })
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [pay] })] })
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Pay.' })
    const pending = async () => (await agentOS.approvals.list({ runId })).data.map(({ status }) => status)
    expect(await pending()).toEqual(['pending'])
    const fork = await agentOS.runs.continue(runId, { regenerate: true })
    expect(fork).toMatchObject({ status: 'completed', content: 'No need.' })
    expect((await agentOS.runs.get(runId)).status).toBe('regenerated')
    expect(await pending()).toEqual(['cancelled'])
  })

  it('is asked for anew by a fork from before the call', async () => {
    const { agentOS, called, pause } = paying()
    const source = await pause()
    const fork = await agentOS.runs.continue(source.runId, { fork: true, continueFrom: 'last_user' })
    expect(fork).toMatchObject({ status: 'paused', forkedFromMessageIndex: 1, requirements: [{}] })
    expect(fork.requirements![0]!.id).not.toBe(source.requirements![0]!.id)
    expect(called).toEqual([])
  })
})

it('goes on in another process when its own has died, and supersedes its source there', async () => {
  const storage = sharedStorage()
  const start = (model: Model) =>
    new AgentOS({
      agents: [new Agent({ id: 'my-agent', model })],
      storage: storage(),
      logger: silentLogger,
      runs: { leaseMs: 300, sweepMs: 30, pollMs: 20 },
    })
  const first = start(scripted(({ messages }) => (messages.length > 1 ? { stall: true } : 'Old.')))
  const source = await first.runs.create({ agentId: 'my-agent', message: 'Hi' })
  const order = { regenerate: true, additionalInstructions: 'Newer.' }
  const { runId } = await first.runs.continueInBackground(source.runId, order)
  await first.stop({ deadlineMs: 0 })
  const model = scripted('New.', { record: true })
  const second = start(model)
  onTestFinished(() => second.stop())
  await until(async () => (await second.runs.get(runId)).status === 'completed')
  expect(await second.runs.get(runId)).toMatchObject({ content: 'New.', forkedFromMessageIndex: 1 })
  expect(asked(model.requests[0])).toEqual(['user: Hi', 'user: Newer.'])
  expect((await second.runs.get(source.runId)).status).toBe('regenerated')
})

it('a failed run is forked where it is asked for, and stays failed', async () => {
  const model = scripted([{ fail: { kind: 'authentication', times: 1 }, content: 'Better now.' }])
  const agentOS = testAgentOS(model)
  const failed = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
  const fork = await agentOS.runs.continue(failed.runId, { fork: true })
  expect(fork).toMatchObject({ status: 'completed', content: 'Better now.', forkedFromRunId: failed.runId })
  expect((await agentOS.runs.get(failed.runId)).status).toBe('error')
})

it('media of the source are there in the fork, and stored once', async () => {
  const model = echo()
  const agentOS = testAgentOS(model)
  const images = [{ content: Buffer.from('pixels').toString('base64'), mimeType: 'image/png' }]
  const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Look', images })
  const fork = await agentOS.runs.continue(runId, { input: 'Again' })
  expect(fork.messages![0]!.images).toMatchObject(images)
  expect((await agentOS.runs.get(fork.runId)).messages![0]!.images).toMatchObject(images)
  expect(JSON.stringify(model.requests[1])).toContain(images[0]!.content)
})

it.each<[Run['status'], string]>([['cancelled', 'RUN_NOT_CONTINUABLE']])('a run that is %s: %s', async (_, code) => {
  const model = scripted([{ toolCalls: [{ name: 'ask', id: 'call_1' }] }])
  const ask = tool({ name: 'ask', external: true })
  const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [ask] })] })
  const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
  await agentOS.runs.cancel(runId)
  for (const given of [{}, { fork: true }, { regenerate: true }]) {
    await expect(agentOS.runs.continue(runId, given)).rejects.toMatchObject({ code, status: 409 })
  }
})

it('a run of somebody else is not there', async () => {
  const agentOS = testAgentOS(echo())
  const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'one', userId: 'alice' })
  const other = agentOS.as({ ...fullCaller, kind: 'user', userId: 'bob', admin: false, scoped: true, scopes: [] })
  await expect(other.runs.continue(runId, { input: 'two' })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
})

it('a call that was rejected in the source is not made by a fork from its end', async () => {
  const called: string[] = []
  const model = scripted(({ messages }) =>
    messages.at(-1)?.role === 'tool' ? 'Well.' : { toolCalls: [{ name: 'pay', id: 'call_1' }] },
  )
  let fails = false
  const dependencies = () => {
    if (fails) throw new Error('Not now.')
    return {}
  }
  const pay = tool({
    name: 'pay',
    requiresConfirmation: true,
    idempotent: true,
    execute: (_args, { runId }) => void called.push(runId),
  })
  const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, dependencies, tools: [pay] })] })
  const { runId, messages } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Pay.' })
  fails = true
  const rejected = { tools: [{ toolCallId: 'call_1', confirmed: false }] }
  expect((await agentOS.runs.continue(runId, rejected)).status).toBe('error')
  fails = false
  const fork = await agentOS.runs.continue(runId, { fork: true, continueFrom: messages!.length })
  expect(fork).toMatchObject({ status: 'paused', forkedFromMessageIndex: 1 })
  expect(await agentOS.runs.continue(runId)).toMatchObject({ status: 'completed', content: 'Well.' })
  expect(called).toEqual([])
})

it('a run that is cut gives a call of an id that it has used another id, and another idempotency key', async () => {
  const keys: string[] = []
  let requests = 0
  const toolCalls = [{ name: 'pay', id: 'call_0' }]
  const model = scripted(() => {
    requests += 1
    if (requests === 2) return { fail: { kind: 'authentication' } }
    return requests === 4 ? 'Paid.' : { toolCalls }
  })
  const pay = tool({ name: 'pay', execute: (_args, { idempotencyKey }) => void keys.push(idempotencyKey) })
  const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [pay] })] })
  const { runId, status } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Pay.' })
  expect(status).toBe('error')
  const run = await agentOS.runs.continue(runId, { continueFrom: 1 })
  expect(run).toMatchObject({ runId, status: 'completed', content: 'Paid.' })
  expect(keys).toHaveLength(2)
  expect(new Set(keys).size).toBe(2)
})
