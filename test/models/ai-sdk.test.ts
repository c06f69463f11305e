import { APICallError, LoadAPIKeyError } from '@ai-sdk/provider'
import type { LanguageModelV2, LanguageModelV4Content, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { MockLanguageModelV3, MockLanguageModelV4 } from 'ai/test'
import { describe, expect, it } from 'vitest'
import type { AiSdkLanguageModel } from '../../src/models/index.js'
import { aiSdk } from '../../src/models/index.js'
import { ask, modelErrorOf, readStream, ways } from './support.js'

const usage = {
  inputTokens: { total: 10, noCache: 6, cacheRead: 3, cacheWrite: 1 },
  outputTokens: { total: 5, text: 3, reasoning: 2 },
}
const stop = { unified: 'stop' as const, raw: 'stop' }

function parts(content: LanguageModelV4Content[]): LanguageModelV4StreamPart[] {
  return content.flatMap((part, index): LanguageModelV4StreamPart[] => {
    const id = String(index)
    if (part.type !== 'text' && part.type !== 'reasoning') return [part]
    const half = Math.ceil(part.text.length / 2)
    const end = part.providerMetadata === undefined ? {} : { providerMetadata: part.providerMetadata }
    return [
      { type: `${part.type}-start`, id },
      { type: `${part.type}-delta`, id, delta: part.text.slice(0, half) },
      { type: `${part.type}-delta`, id, delta: part.text.slice(half) },
      { type: `${part.type}-end`, id, ...end },
    ]
  })
}

function streamOf<T>(values: readonly T[]): ReadableStream<T> {
  return new ReadableStream({
    start(controller) {
      for (const value of values) controller.enqueue(value)
      controller.close()
    },
  })
}

function mockModel(content: LanguageModelV4Content[], supportedUrls = {}): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    provider: 'acme.chat',
    modelId: 'acme-1',
    supportedUrls,
    doGenerate: async () => ({ content, finishReason: stop, usage, warnings: [] }),
    doStream: async () => ({
      stream: streamOf<LanguageModelV4StreamPart>([
        { type: 'stream-start', warnings: [] },
        ...parts(content),
        { type: 'finish', finishReason: stop, usage },
      ]),
    }),
  })
}

const lastCall = (model: MockLanguageModelV4) => [...model.doGenerateCalls, ...model.doStreamCalls].at(-1)

describe.each(ways)('aiSdk(), %s', (way, run) => {
  it('answers with text, reasoning, tool calls, sources and usage', async () => {
    const model = mockModel([
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'Hello' },
      { type: 'source', sourceType: 'url', id: '1', url: 'https://example.com', title: 'Example' },
      { type: 'tool-call', toolCallId: 'a', toolName: 'look', input: '{"at":1}' },
    ])
    const tools = [{ name: 'look', parameters: { type: 'object' } }]
    expect(await run(aiSdk(model), ask('hi', { tools, toolChoice: { name: 'look' } }))).toEqual({
      content: 'Hello',
      reasoningContent: 'Hm.',
      toolCalls: [{ id: 'a', name: 'look', arguments: '{"at":1}' }],
      finishReason: 'tool_calls',
      citations: [{ url: 'https://example.com', title: 'Example' }],
      usage: {
        inputTokens: 10,
        outputTokens: 5,
        totalTokens: 15,
        reasoningTokens: 2,
        cacheReadTokens: 3,
        cacheWriteTokens: 1,
      },
    })
    expect(lastCall(model)).toMatchObject({
      tools: [{ type: 'function', name: 'look', inputSchema: { type: 'object' } }],
      toolChoice: { type: 'tool', toolName: 'look' },
    })
  })

  it('sends signed reasoning and the metadata of calls back, to the same model only', async () => {
    const signed = { acme: { signature: 's' } }
    const model = mockModel([
      { type: 'reasoning', text: 'Hm.', providerMetadata: signed },
      { type: 'tool-call', toolCallId: 'a', toolName: 'look', input: '{}', providerMetadata: { acme: { call: 1 } } },
    ])
    const answer = await run(aiSdk(model), ask('hi'))
    const messages = JSON.parse(
      JSON.stringify([
        { role: 'assistant', ...answer },
        { role: 'tool', toolCallId: 'a', toolName: 'look', content: 'no', isError: true },
        { role: 'tool', toolCallId: 'b', toolName: 'look', content: 'yes' },
      ]),
    )
    await run(aiSdk(model), ask('', { messages }))
    const call = { type: 'tool-call', toolCallId: 'a', toolName: 'look', input: {} }
    expect(lastCall(model)?.prompt).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'Hm.', providerOptions: signed },
          { ...call, providerOptions: { acme: { call: 1 } } },
        ],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', toolCallId: 'a', toolName: 'look', output: { type: 'error-text', value: 'no' } },
          { type: 'tool-result', toolCallId: 'b', toolName: 'look', output: { type: 'text', value: 'yes' } },
        ],
      },
    ])
    const other = mockModel([{ type: 'text', text: 'x' }])
    await run(aiSdk(other, { provider: 'other' }), ask('', { messages }))
    expect(lastCall(other)?.prompt[0]).toEqual({ role: 'assistant', content: [call] })
  })

  it('passes files on, and a URL only where the provider fetches it', async () => {
    const model = mockModel([{ type: 'text', text: 'x' }], { 'image/*': [/^https:/] })
    const content = [
      { type: 'text' as const, text: 'Look:' },
      { type: 'image' as const, url: 'https://example.com/a.png' },
      { type: 'file' as const, data: 'QQ==', mimeType: 'application/pdf', filename: 'a.pdf' },
    ]
    const output = { name: 'o', schema: { type: 'object' } }
    await run(aiSdk(model, { temperature: 0 }), ask('', { messages: [{ role: 'user', content }], output }))
    expect(lastCall(model)).toMatchObject({
      temperature: 0,
      responseFormat: { type: 'json', name: 'o', schema: { type: 'object' } },
      prompt: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look:' },
            { type: 'file', mediaType: 'image/*', data: { type: 'url', url: new URL('https://example.com/a.png') } },
            { type: 'file', mediaType: 'application/pdf', filename: 'a.pdf', data: { type: 'data', data: 'QQ==' } },
          ],
        },
      ],
    })
    const video = ask('', {
      messages: [{ role: 'user', content: [{ type: 'video', url: 'https://example.com/a.mp4' }] }],
    })
    expect(await modelErrorOf(run(aiSdk(model), video))).toMatchObject({ kind: 'invalid_request' })
  })

  it.each([
    [429, 'rate_limit'],
    [500, 'server'],
    [401, 'authentication'],
    [400, 'invalid_request'],
    [200, 'invalid_response'],
    [undefined, 'connection'],
  ])('turns a failed call with status %s into %s', async (statusCode, kind) => {
    const failure = new APICallError({
      message: 'Refused, key sk-1234567890',
      url: 'https://example.com',
      requestBodyValues: {},
      isRetryable: statusCode === undefined,
      responseHeaders: { 'retry-after': '3' },
      ...(statusCode === undefined ? {} : { statusCode }),
    })
    const fail = async () => Promise.reject(failure)
    const model = new MockLanguageModelV4({ doGenerate: fail, doStream: fail })
    const error = await modelErrorOf(run(aiSdk(model), ask('hi')))
    expect(error.kind).toBe(kind)
    expect(error.message).not.toContain('1234567890')
    expect(error.retryAfterMs).toBe(statusCode !== undefined && statusCode >= 400 ? 3000 : undefined)
  })

  it('turns a missing key into an authentication error', async () => {
    const fail = async () => Promise.reject(new LoadAPIKeyError({ message: 'ACME_API_KEY is missing' }))
    const error = await modelErrorOf(
      run(aiSdk(new MockLanguageModelV4({ doGenerate: fail, doStream: fail })), ask('hi')),
    )
    expect(error).toMatchObject({ kind: 'authentication', message: 'ACME_API_KEY is missing' })
  })

  it('throws the reason of an abort', async () => {
    const controller = new AbortController()
    const abort = async () => {
      controller.abort(new Error('cancelled'))
      throw new DOMException('aborted', 'AbortError')
    }
    const model = new MockLanguageModelV4({ doGenerate: abort, doStream: abort })
    await expect(run(aiSdk(model), ask('hi', { signal: controller.signal }))).rejects.toThrow('cancelled')
  })

  it('serves models of versions 2 and 3', async () => {
    const v3 = new MockLanguageModelV3({
      doGenerate: async () => ({ content: [{ type: 'text', text: 'three' }], finishReason: stop, usage, warnings: [] }),
      doStream: async () => ({
        stream: streamOf([
          { type: 'text-start' as const, id: '0' },
          { type: 'text-delta' as const, id: '0', delta: 'three' },
          { type: 'finish' as const, finishReason: stop, usage },
        ]),
      }),
    })
    const flat = { inputTokens: 2, outputTokens: 3, totalTokens: 5, reasoningTokens: 1, cachedInputTokens: 1 }
    const seen: unknown[] = []
    const v2: LanguageModelV2 = {
      specificationVersion: 'v2',
      provider: 'old',
      modelId: 'old-1',
      supportedUrls: {},
      doGenerate: async (options) => {
        seen.push(options.prompt)
        return { content: [{ type: 'text', text: 'two' }], finishReason: 'length', usage: flat, warnings: [] }
      },
      doStream: async (options) => {
        seen.push(options.prompt)
        return {
          stream: streamOf([
            { type: 'text-start' as const, id: '0' },
            { type: 'text-delta' as const, id: '0', delta: 'two' },
            { type: 'finish' as const, finishReason: 'length' as const, usage: flat },
          ]),
        }
      },
    }
    const file = ask('', {
      messages: [{ role: 'user', content: [{ type: 'image', data: 'QQ==', mimeType: 'image/png' }] }],
    })
    expect((await run(aiSdk(v3), file)).content).toBe('three')
    expect(await run(aiSdk(v2), file)).toMatchObject({
      content: 'two',
      finishReason: 'length',
      usage: { inputTokens: 2, outputTokens: 3, totalTokens: 5, reasoningTokens: 1, cacheReadTokens: 1 },
    })
    expect(seen).toEqual([[{ role: 'user', content: [{ type: 'file', mediaType: 'image/png', data: 'QQ==' }] }]])
  })
})

describe('aiSdk(), streamed', () => {
  const streaming = (stream: ReadableStream<LanguageModelV4StreamPart>) =>
    aiSdk(new MockLanguageModelV4({ doStream: async () => ({ stream }) }))
  const begun: LanguageModelV4StreamPart[] = [
    { type: 'text-start', id: '0' },
    { type: 'text-delta', id: '0', delta: 'Half' },
  ]

  it('reports a stream that ends without its finish as a failed connection', async () => {
    const error = await modelErrorOf(readStream(streaming(streamOf(begun)).stream(ask('hi'))))
    expect(error.kind).toBe('connection')
  })

  it('reports an error part as what it is', async () => {
    const failing = streamOf<LanguageModelV4StreamPart>([...begun, { type: 'error', error: { message: 'Overloaded' } }])
    const error = await modelErrorOf(readStream(streaming(failing).stream(ask('hi'))))
    expect(error).toMatchObject({ kind: 'server', message: 'Overloaded' })
  })

  it('is aborted in mid-stream, even where the provider does not listen', async () => {
    const controller = new AbortController()
    const cancelled = Promise.withResolvers<unknown>()
    const endless = new ReadableStream<LanguageModelV4StreamPart>({
      start: (sink) => begun.forEach((part) => sink.enqueue(part)),
      cancel: (reason) => cancelled.resolve(reason),
    })
    await expect(async () => {
      for await (const part of streaming(endless).stream(ask('hi', { signal: controller.signal }))) {
        expect(part).toEqual({ type: 'text', text: 'Half' })
        controller.abort(new Error('cancelled'))
      }
    }).rejects.toThrow('cancelled')
    await cancelled.promise
  })

  it('cancels the provider when the reader stops reading', async () => {
    const cancelled = Promise.withResolvers<unknown>()
    const endless = new ReadableStream<LanguageModelV4StreamPart>({
      start: (sink) => begun.forEach((part) => sink.enqueue(part)),
      cancel: (reason) => cancelled.resolve(reason),
    })
    for await (const part of streaming(endless).stream(ask('hi'))) {
      expect(part.type).toBe('text')
      break
    }
    await cancelled.promise
  })
})

describe('aiSdk(): configuration', () => {
  it('is known by the language model', () => {
    expect(aiSdk(mockModel([]))).toMatchObject({ id: 'acme-1', provider: 'acme.chat' })
    expect(aiSdk(mockModel([]), { provider: 'Acme' }).provider).toBe('Acme')
  })

  it('refuses what is no language model that it knows', () => {
    expect(() => aiSdk('openai/gpt-5' as unknown as AiSdkLanguageModel)).toThrow('got string')
    expect(() => aiSdk({ specificationVersion: 'v9' } as unknown as AiSdkLanguageModel)).toThrow('version "v9"')
  })
})
