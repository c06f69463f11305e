import { stepCountIs, streamText, tool as aiTool } from 'ai'
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { ForeignPart } from '../../src/agents/foreign-agent.js'
import { runnable } from '../../src/agents/runnable-of.js'
import { batchesOf, contextOf, follow, only, quiet, shownText } from './support.js'

const echo = runnable({
  id: 'echo',
  name: 'Echo',
  framework: 'none',
  async *run(input, { sessionState }) {
    yield 'You said '
    yield { event: { mood: 'fine' } }
    yield `${JSON.stringify(input)}.`
    sessionState.heard = input
  },
})

describe('a foreign agent', () => {
  it('has the events of the contract', async () => {
    const { events, names, run } = await follow(echo.stream('Hi'))
    expect(names).toEqual([
      'RunStarted',
      'ModelRequestStarted',
      'RunContent',
      'CustomEvent',
      'RunContent',
      'ModelRequestCompleted',
      'RunContentCompleted',
      'RunCompleted',
    ])
    expect(only(events, 'CustomEvent')[0]).toMatchObject({ mood: 'fine', agentId: 'echo', runId: run.runId })
    expect(shownText(events)).toBe('You said "Hi".')
    expect(run).toMatchObject({
      status: 'completed',
      content: 'You said "Hi".',
      contentType: 'str',
      agentName: 'Echo',
      sessionState: { heard: 'Hi' },
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'You said "Hi".' },
      ],
    })
  })

  it('has one RunContent when nobody reads along', async () => {
    const batches = await batchesOf(echo, contextOf([], { isStreaming: false }))
    expect(batches.flat().filter(({ event }) => event.event === 'RunContent')).toMatchObject([
      { event: { content: 'You said "Go.".' } },
    ])
  })

  const ending = (...parts: ForeignPart[]) =>
    runnable({
      id: 'a',
      model: { id: 'm', provider: 'p' },
      async *run() {
        yield* parts
      },
    })

  it('may end with the whole answer, and what it took', async () => {
    const agent = ending('One', { content: 'One two', usage: { inputTokens: 3, outputTokens: 2 } })
    const { events, run } = await follow(agent.stream('?'))
    expect(shownText(events)).toBe('One two')
    expect(run).toMatchObject({
      content: 'One two',
      model: 'm',
      metrics: { totalTokens: 5, details: { model: [{ id: 'm', inputTokens: 3 }] } },
    })
  })

  it('may answer with an object', async () => {
    const { events, run } = await follow(ending({ content: { city: 'Rome' } }).stream('?'))
    expect(only(events, 'RunContent')).toMatchObject([{ content: { city: 'Rome' }, contentType: 'dict' }])
    expect(run).toMatchObject({ content: { city: 'Rome' }, contentType: 'dict' })
  })

  it('may show its tool calls', async () => {
    const agent = ending(
      { toolCall: { id: 'c', name: 'look', args: { at: 'sky' } } },
      { toolResult: { id: 'c', result: 'blue' } },
      'Blue.',
    )
    const { names, run } = await follow(agent.stream('?'))
    expect(names.slice(2, 4)).toEqual(['ToolCallStarted', 'ToolCallCompleted'])
    expect(run.tools).toMatchObject([
      { toolName: 'look', toolArgs: { at: 'sky' }, result: 'blue', toolCallError: false },
    ])
  })

  it('knows what was said before', async () => {
    const history = ['Hi', 'Hello'].map((content, index) => ({
      id: `m${index}`,
      role: index === 0 ? ('user' as const) : ('assistant' as const),
      content,
      fromHistory: false,
      stopAfterToolCall: false,
      createdAt: 0,
    }))
    let seen: unknown
    const agent = runnable({
      id: 'a',
      // oxlint-disable-next-line require-yield
      async *run(_input, { messages }) {
        seen = messages
      },
    })
    await batchesOf(agent, contextOf([], { history }))
    expect(seen).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
      { role: 'user', content: 'Go.' },
    ])
  })

  it('fails and is cancelled like any other', async () => {
    const broken = runnable({
      id: 'a',
      async *run() {
        yield 'Well, '
        throw new Error('secret path')
      },
    })
    const failed = await broken.stream('?', quiet).result
    expect(failed).toMatchObject({ status: 'error', content: 'Well, ', error: { errorCode: 'INTERNAL_ERROR' } })
    expect(JSON.stringify(failed)).not.toContain('secret')
    const stuck = runnable({
      id: 'a',
      async *run() {
        yield 'Well, '
        await new Promise(() => undefined)
      },
    })
    const cancelled = await stuck.stream('?', { signal: AbortSignal.timeout(20) }).result
    expect(cancelled).toMatchObject({ status: 'cancelled', content: 'Well, ' })
  })

  it('is not run again after a crash, unless it may be', async () => {
    const log = (await batchesOf(echo, contextOf([]))).flat().slice(0, 2)
    await expect(batchesOf(echo, contextOf(log))).rejects.toMatchObject({ failure: { errorCode: 'RUN_INTERRUPTED' } })
    const again = runnable({
      id: 'echo',
      idempotent: true,
      async *run() {
        yield 'Again.'
      },
    })
    const context = contextOf(log)
    await batchesOf(again, context)
    expect(context.fold.messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
  })

  it('is described with its framework', () => {
    expect(echo.describe()).toEqual({
      id: 'echo',
      name: 'Echo',
      metadata: { framework: 'none' },
      isFactory: false,
      isComponent: false,
    })
  })
})

describe('an agent of the AI SDK', () => {
  const usage = {
    inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 5, text: 5, reasoning: 0 },
  }
  const step = (parts: object[], reason: 'stop' | 'tool-calls') => ({
    stream: convertArrayToReadableStream([
      { type: 'stream-start', warnings: [] },
      ...parts,
      { type: 'finish', finishReason: { unified: reason, raw: reason }, usage },
    ] as never[]),
  })
  const model = new MockLanguageModelV4({
    doStream: [
      step([{ type: 'tool-call', toolCallId: 'c1', toolName: 'weather', input: '{"city":"Rome"}' }], 'tool-calls'),
      step(
        [
          { type: 'text-start', id: 't' },
          { type: 'text-delta', id: 't', delta: 'It is ' },
          { type: 'text-delta', id: 't', delta: 'sunny.' },
          { type: 'text-end', id: 't' },
        ],
        'stop',
      ),
    ],
  })
  const weather = aiTool({ inputSchema: z.object({ city: z.string() }), execute: async () => 'sunny' })

  // docs/foreign-agents.md shows this.
  const agent = runnable({
    id: 'weather',
    framework: 'ai-sdk',
    async *run(_input, { messages, signal }) {
      const result = streamText({
        model,
        messages: [...messages],
        tools: { weather },
        stopWhen: stepCountIs(5),
        abortSignal: signal,
      })
      for await (const part of result.stream) {
        if (part.type === 'text-delta') yield part.text
        if (part.type === 'tool-call') {
          yield { toolCall: { id: part.toolCallId, name: part.toolName, args: part.input as { city: string } } }
        }
        if (part.type === 'tool-result') yield { toolResult: { id: part.toolCallId, result: String(part.output) } }
        if (part.type === 'error') throw part.error
      }
      const { inputTokens = 0, outputTokens = 0 } = await result.usage
      yield { usage: { inputTokens, outputTokens } }
    },
  })

  it('runs under the contract', async () => {
    const { events, names, run } = await follow(agent.stream('The weather in Rome?'))
    expect(names).toEqual([
      'RunStarted',
      'ModelRequestStarted',
      'ToolCallStarted',
      'ToolCallCompleted',
      'RunContent',
      'ModelRequestCompleted',
      'RunContentCompleted',
      'RunCompleted',
    ])
    expect(shownText(events)).toBe('It is sunny.')
    expect(run).toMatchObject({
      status: 'completed',
      content: 'It is sunny.',
      tools: [{ toolName: 'weather', toolArgs: { city: 'Rome' }, result: 'sunny' }],
      metrics: { inputTokens: 20, outputTokens: 10, totalTokens: 30 },
    })
  })
})
