import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ModelMessage } from '../../src/models/index.js'
import { ModelError, scripted } from '../../src/models/index.js'
import { ask, modelErrorOf, readStream, ways } from './support.js'

const tool = { toolCalls: [{ name: 'look', arguments: { at: 'x' } }] }

describe.each(ways)('scripted(), %s', (way, run) => {
  it('answers every request with a string', async () => {
    const model = scripted('Hello!')
    for (let turn = 0; turn < 3; turn++) expect((await run(model, ask('hi'))).content).toBe('Hello!')
    expect(model).toMatchObject({ id: 'scripted', provider: 'agentos' })
  })

  it('counts a list by the conversation, so that runs do not disturb each other', async () => {
    const model = scripted([tool, { content: { done: true } }])
    const messages: ModelMessage[] = [
      { role: 'user', content: 'earlier' },
      { role: 'assistant', content: 'answered' },
      { role: 'user', content: 'go' },
    ]
    const [first, other] = await Promise.all([run(model, ask('', { messages })), run(model, ask('go'))])
    expect(first).toMatchObject({ finishReason: 'tool_calls', content: '' })
    expect(first.toolCalls).toEqual([{ id: 'call_3_0', name: 'look', arguments: '{"at":"x"}' }])
    expect(other.toolCalls).toHaveLength(1)
    messages.push(
      { role: 'assistant', ...first },
      { role: 'tool', toolCallId: 'call_3_0', toolName: 'look', content: '1' },
    )
    const second = await run(model, ask('', { messages }))
    expect(second).toMatchObject({ content: '{"done":true}', finishReason: 'stop' })

    messages.push({ role: 'assistant', content: second.content })
    const error = await modelErrorOf(run(model, ask('', { messages })))
    expect(error.message).toContain('2 replies')
  })

  it('repeats a last reply that is marked', async () => {
    const model = scripted(['one', { content: 'more', repeat: true }])
    const messages: ModelMessage[] = [{ role: 'user', content: 'go' }]
    const contents: string[] = []
    for (let step = 0; step < 4; step++) {
      const { content } = await run(model, ask('', { messages }))
      contents.push(content)
      messages.push({ role: 'assistant', content })
    }
    expect(contents).toEqual(['one', 'more', 'more', 'more'])
  })

  it('answers by what it is asked', async () => {
    const model = scripted(async (request, step) => `${request.messages.length} messages, step ${step}`)
    expect((await run(model, ask('hi'))).content).toBe('1 messages, step 0')
  })

  it('fails as often as it is told to, then answers', async () => {
    const model = scripted({
      content: 'At last.',
      fail: { kind: 'rate_limit', times: 2, status: 429, retryAfterMs: 5 },
    })
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(await modelErrorOf(run(model, ask('hi')))).toMatchObject({
        kind: 'rate_limit',
        status: 429,
        retryAfterMs: 5,
      })
    }
    expect((await run(model, ask('hi'))).content).toBe('At last.')
  })

  it('stalls until it is aborted', async () => {
    const controller = new AbortController()
    const model = scripted({ content: 'never', stall: true }, { record: true })
    const running = run(model, ask('hi', { signal: controller.signal }))
    controller.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    await expect(run(model, ask('hi', { signal: controller.signal }))).rejects.toThrow('enough')
  })

  it('stalls until the test lets go', async () => {
    const gate = Promise.withResolvers<void>()
    const running = run(scripted({ content: 'now', stall: { until: gate.promise } }), ask('hi'))
    gate.resolve()
    expect((await running).content).toBe('now')
  })

  it('reports usage: the same for the same, or what it is told', async () => {
    const model = scripted('12345678')
    expect((await run(model, ask('1234'))).usage).toEqual({ inputTokens: 1, outputTokens: 2, totalTokens: 3 })
    const told = scripted({ content: 'x', usage: { inputTokens: 100, reasoningTokens: 7 } })
    expect((await run(told, ask('hi'))).usage).toEqual({
      inputTokens: 100,
      outputTokens: 1,
      totalTokens: 101,
      reasoningTokens: 7,
    })
  })

  it('records what it was asked only on request', async () => {
    const model = scripted('x', { record: true })
    await run(model, ask('one'))
    await run(model, ask('two'))
    expect(model.requests.map((request) => request.messages[0]?.content)).toEqual(['one', 'two'])
    expect(() => scripted('x').requests).toThrow('record: true')
  })
})

describe('scripted(), streamed', () => {
  it('streams reasoning before text, and reports both', async () => {
    const { reasoning, deltas, response } = await readStream(
      scripted({ content: 'abcd', reasoning: 'efgh' }, { chunkSize: 2 }).stream(ask('hi')),
    )
    expect({ reasoning, deltas }).toEqual({ reasoning: ['ef', 'gh'], deltas: ['ab', 'cd'] })
    expect(response.reasoningContent).toBe('efgh')
  })

  it.each([0, 1, 2])('fails after %i deltas', async (afterDeltas) => {
    const seen: string[] = []
    const model = scripted({ content: 'aabbcc', chunkSize: 2, fail: { kind: 'connection', afterDeltas } })
    await expect(async () => {
      for await (const part of model.stream(ask('hi'))) if (part.type === 'text') seen.push(part.text)
    }).rejects.toBeInstanceOf(ModelError)
    expect(seen).toEqual(['aa', 'bb', 'cc'].slice(0, afterDeltas))
  })

  it('fails at its end when it has fewer deltas than that', async () => {
    const model = scripted({ content: 'x', fail: { kind: 'server', afterDeltas: 9 } })
    expect((await modelErrorOf(readStream(model.stream(ask('hi'))))).kind).toBe('server')
  })

  it('stalls after some deltas', async () => {
    const controller = new AbortController()
    const model = scripted({ content: 'aabb', chunkSize: 2, stall: { afterDeltas: 1 } })
    const seen: string[] = []
    await expect(async () => {
      for await (const part of model.stream(ask('hi', { signal: controller.signal }))) {
        if (part.type === 'text') seen.push(part.text)
        controller.abort(new Error('enough'))
      }
    }).rejects.toThrow('enough')
    expect(seen).toEqual(['aa'])
  })

  it('cuts every text into pieces that add up to it, each well-formed where the text is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 9 }), async (content, chunkSize) => {
        const { deltas } = await readStream(scripted(content, { chunkSize }).stream(ask('hi')))
        const loneSurrogate = /\p{Surrogate}/u
        return deltas.every((delta) => delta !== '' && (loneSurrogate.test(content) || !loneSurrogate.test(delta)))
      }),
    )
  })
})
