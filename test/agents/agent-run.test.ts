import { describe, expect, it } from 'vitest'
import { Agent } from '../../src/agents/agent.js'
import { tool } from '../../src/agents/tool.js'
import { z } from 'zod'
import { scripted } from '../../src/models/index.js'
import { eventsOf, follow, namesOf, only, quiet, shownText } from './support.js'

const add = tool({
  name: 'add',
  input: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => a + b,
})
const calculator = new Agent({
  id: 'calculator',
  name: 'Calculator',
  model: scripted([
    { content: 'Let me see. ', toolCalls: [{ name: 'add', arguments: { a: 1, b: 2 } }] },
    'One and two is three, as everybody knows.',
  ]),
  instructions: 'Calculate.',
  tools: [add],
})

describe('agent.run', () => {
  it('answers with the record of the run', async () => {
    const agent = new Agent({ id: 'greeter', model: scripted('Hello!'), instructions: 'Greet.' })
    const run = await agent.run('Hi', { userId: 'alice', sessionId: 'thread-1', runId: 'run-1' })
    expect(run).toMatchObject({
      runId: 'run-1',
      sessionId: 'thread-1',
      userId: 'alice',
      agentId: 'greeter',
      agentName: 'greeter',
      status: 'completed',
      content: 'Hello!',
      contentType: 'str',
      model: 'scripted',
      modelProvider: 'agentos',
      input: { inputContent: 'Hi' },
      messages: [
        { role: 'system', content: 'Greet.' },
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello!' },
      ],
    })
    expect(run.createdAt).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
    expect(run.tools).toBeUndefined()
  })

  it('adds up the tokens of all model requests, per model', async () => {
    const model = scripted([
      { toolCalls: [{ name: 'add', arguments: { a: 1, b: 2 } }], usage: { inputTokens: 10, outputTokens: 5 } },
      { content: '3', usage: { inputTokens: 20, outputTokens: 1, reasoningTokens: 4 } },
    ])
    const run = await new Agent({ id: 'a', model, tools: [add] }).run('1 + 2?')
    expect(run.metrics).toMatchObject({
      inputTokens: 30,
      outputTokens: 6,
      totalTokens: 36,
      reasoningTokens: 4,
      details: { model: [{ id: 'scripted', provider: 'agentos', inputTokens: 30, totalTokens: 36 }] },
    })
    expect(run.metrics?.duration).toBeGreaterThanOrEqual(0)
    expect(run.messages?.filter(({ role }) => role === 'assistant').map(({ metrics }) => metrics?.inputTokens)).toEqual(
      [10, 20],
    )
  })

  it('keeps text that comes with tool calls: the content is all that was said', async () => {
    const run = await calculator.run('1 + 2?')
    expect(run.content).toBe('Let me see. One and two is three, as everybody knows.')
  })

  it('does not throw when the run fails, and does not tell what nobody meant to be told', async () => {
    const agent = new Agent({
      id: 'a',
      model: scripted('never'),
      instructions: () => {
        throw new TypeError('password: hunter2')
      },
    })
    const run = await agent.run('Hi', quiet)
    expect(run.status).toBe('error')
    expect(run.error).toMatchObject({ errorCode: 'INTERNAL_ERROR', errorType: 'TypeError', retryable: false })
    expect(JSON.stringify(run)).not.toContain('hunter2')
  })

  it('hands citations and reasoning on', async () => {
    const model = scripted({
      content: 'Rome.',
      reasoning: 'Hm. ',
      citations: [{ url: 'https://a.example', title: 'A' }],
    })
    for (const run of [
      await new Agent({ id: 'a', model }).run('?'),
      await new Agent({ id: 'a', model }).stream('?').result,
    ]) {
      expect(run).toMatchObject({
        content: 'Rome.',
        reasoningContent: 'Hm. ',
        citations: { urls: [{ url: 'https://a.example', title: 'A' }] },
      })
    }
  })
})

describe('agent.stream', () => {
  it('tells a plain run in the order of the contract', async () => {
    const agent = new Agent({ id: 'greeter', model: scripted('Hello, how are you?', { chunkSize: 5 }) })
    const { events, names, run } = await follow(agent.stream('Hi'))
    expect(names).toEqual([
      'RunStarted',
      'ModelRequestStarted',
      'RunContent',
      'ModelRequestCompleted',
      'RunContentCompleted',
      'RunCompleted',
    ])
    expect(only(events, 'RunContent').map(({ content }) => content)).toEqual(['Hello', ', how', ' are ', 'you?'])
    expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, index) => index))
    expect(events[0]).toMatchObject({ agentId: 'greeter', runId: run.runId, sessionId: run.sessionId, nestedDepth: 0 })
    expect(events.at(-1)).toMatchObject({ content: 'Hello, how are you?', contentType: 'str', status: 'completed' })
  })

  it('tells a run with tools in the order of the contract', async () => {
    const { events, names, run } = await follow(calculator.stream('1 + 2?'))
    expect(names).toEqual([
      'RunStarted',
      'ModelRequestStarted',
      'RunContent',
      'ModelRequestCompleted',
      'ToolCallStarted',
      'ToolCallCompleted',
      'ModelRequestStarted',
      'RunContent',
      'ModelRequestCompleted',
      'RunContentCompleted',
      'RunCompleted',
    ])
    expect(shownText(events)).toBe(run.content)
    expect(only(events, 'RunCompleted')[0]?.content).toBe(run.content)
  })

  it('says the same without streaming, in one RunContent per model step', async () => {
    const events = await eventsOf(calculator.stream('1 + 2?'))
    const streamed = only(events, 'RunCompleted')[0]
    const run = await calculator.run('1 + 2?')
    expect(run.content).toBe(streamed?.content)
    expect(run.metrics?.totalTokens).toBe(streamed?.metrics?.totalTokens)
  })

  it('streams reasoning as events without text', async () => {
    const agent = new Agent({ id: 'a', model: scripted({ reasoning: 'Thinking.', content: 'Done.' }) })
    const { events, run } = await follow(agent.stream('?'))
    const [first] = only(events, 'RunContent')
    expect(first).toMatchObject({ content: null, reasoningContent: 'Thinking.' })
    expect(run.reasoningContent).toBe('Thinking.')
    expect(run.content).toBe('Done.')
  })

  it('knows the time to the first token', async () => {
    const { events, run } = await follow(calculator.stream('1 + 2?'))
    expect(only(events, 'ModelRequestCompleted')[0]?.timeToFirstToken).toBeGreaterThanOrEqual(0)
    expect(run.metrics?.timeToFirstToken).toBeGreaterThanOrEqual(0)
  })

  it('goes on without a reader for whoever waits for the result', async () => {
    const stream = calculator.stream('1 + 2?')
    expect((await stream.result).status).toBe('completed')
    await expect(eventsOf(stream)).rejects.toThrow('read once')
  })

  it('is cancelled when its reader leaves', async () => {
    const signals: AbortSignal[] = []
    const model = scripted((request) => {
      signals.push(request.signal)
      return { content: 'One two three four five six', chunkSize: 4 }
    })
    const stream = new Agent({ id: 'a', model }).stream('Count')
    for await (const event of stream) if (event.event === 'RunContent') break
    const run = await stream.result
    expect(run).toMatchObject({ status: 'cancelled', content: 'One ' })
    expect(signals[0]?.aborted).toBe(true)
  })

  it('keeps what was said when its signal aborts', async () => {
    const abort = new AbortController()
    const model = scripted({ content: 'One two three', chunkSize: 4, stall: { afterDeltas: 2 } })
    const stream = new Agent({ id: 'a', model }).stream('Count', { signal: abort.signal })
    const events = []
    for await (const event of stream) {
      events.push(event)
      if (event.event === 'RunContent' && event.content === 'two ') abort.abort(new Error('Enough.'))
    }
    expect(namesOf(events).at(-1)).toBe('RunCancelled')
    expect(events.at(-1)).toMatchObject({ event: 'RunCancelled', reason: 'Enough.', content: 'One two ' })
    const run = await stream.result
    expect(run).toMatchObject({ status: 'cancelled', content: 'One two ' })
    expect(run.messages?.at(-1)).toMatchObject({ role: 'assistant', content: 'One two ' })
  })

  it('does not begin when its signal has aborted before', async () => {
    const model = scripted('never', { record: true })
    const { run } = await follow(new Agent({ id: 'a', model }).stream('Hi', { signal: AbortSignal.abort('Too late.') }))
    expect(run.status).toBe('cancelled')
    expect(model.requests).toHaveLength(0)
  })
})
