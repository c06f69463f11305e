import { LLMock } from '@copilotkit/aimock'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openai } from '../../src/models/index.js'
import { ask, modelErrorOf, rawServer, readStream, sendEvents, ways } from './support.js'

const mock = new LLMock({ port: 0, chunkSize: 4 })
beforeAll(() => mock.start())
afterAll(() => mock.stop())
afterEach(() => mock.reset())

const weather = {
  name: 'weather',
  description: 'The weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}

describe.each(['responses', 'chat'] as const)('openai() over %s', (api) => {
  const model = (modelId = 'gpt-5-mini', options = {}) =>
    openai(modelId, { api, baseURL: `${mock.url}/v1`, apiKey: 'sk-test-secret-key', ...options })

  const firstText = (text: string): object[] =>
    api === 'chat'
      ? [{ choices: [{ index: 0, delta: { content: text } }] }]
      : [{ type: 'response.output_text.delta', delta: text }]

  describe.each(ways)('%s', (way, run) => {
    it('answers, and reports the usage', async () => {
      mock.onMessage('hello', {
        content: 'Hi there, how are you?',
        usage:
          api === 'chat'
            ? { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }
            : { input_tokens: 11, output_tokens: 7, total_tokens: 18 },
      })
      const response = await run(model(), ask('hello'))
      expect(response).toMatchObject({ content: 'Hi there, how are you?', finishReason: 'stop', toolCalls: [] })
      expect(response.usage).toEqual({ inputTokens: 11, outputTokens: 7, totalTokens: 18 })
    })

    it('returns tool calls, several in parallel', async () => {
      mock.onMessage('weather', {
        toolCalls: [
          { id: 'call_a', name: 'weather', arguments: '{"city":"Rome"}' },
          { id: 'call_b', name: 'weather', arguments: '{"city":"Reykjavík"}' },
        ],
      })
      const response = await run(model(), ask('weather?', { tools: [weather], toolChoice: 'required' }))
      expect(response).toMatchObject({ content: '', finishReason: 'tool_calls' })
      expect(response.toolCalls).toEqual([
        { id: 'call_a', name: 'weather', arguments: '{"city":"Rome"}' },
        { id: 'call_b', name: 'weather', arguments: '{"city":"Reykjavík"}' },
      ])
    })

    it('goes on after tool results', async () => {
      mock.onToolResult('call_a', { content: 'It is sunny.' })
      const response = await run(
        model(),
        ask('', {
          messages: [
            { role: 'user', content: 'weather?' },
            { role: 'assistant', content: '', toolCalls: [{ id: 'call_a', name: 'weather', arguments: '{}' }] },
            { role: 'tool', toolCallId: 'call_a', toolName: 'weather', content: 'sun' },
          ],
          tools: [weather],
        }),
      )
      expect(response.content).toBe('It is sunny.')
    })

    it('returns text and reasoning beside tool calls', async () => {
      mock.onMessage('think', {
        content: 'Let me look.',
        reasoning: 'The user wants the weather.',
        toolCalls: [{ id: 'call_a', name: 'weather', arguments: '{"city":"Rome"}' }],
      })
      const response = await run(model(), ask('think', { tools: [weather] }))
      expect(response).toMatchObject({
        content: 'Let me look.',
        reasoningContent: 'The user wants the weather.',
        finishReason: 'tool_calls',
      })
      expect(response.toolCalls).toHaveLength(1)
    })

    it('asks for structured output by its schema', async () => {
      const schema = {
        type: 'object',
        properties: { n: { type: 'number' } },
        required: ['n'],
        additionalProperties: false,
      }
      mock.onMessage('number', { content: '{"n":42}' })
      const response = await run(model(), ask('number', { output: { name: 'answer', schema } }))
      expect(JSON.parse(response.content)).toEqual({ n: 42 })
      // The mock server keeps a Responses request in the form of the other protocol, without its format.
      const format = api === 'chat' ? { response_format: { type: 'json_schema', json_schema: { schema } } } : {}
      expect(mock.getLastRequest()?.body).toMatchObject({ model: 'gpt-5-mini', ...format })
    })

    it.each([
      [429, 'rate_limit', true],
      [500, 'server', true],
      [503, 'server', true],
      [401, 'authentication', false],
      [403, 'authentication', false],
      [400, 'invalid_request', false],
      [404, 'invalid_request', false],
    ] as const)('turns %i into %s', async (status, kind, retryable) => {
      mock.onMessage('fail', { error: { message: 'No luck today.', type: 'api_error' }, status })
      const error = await modelErrorOf(run(model(), ask('fail')))
      expect({ kind: error.kind, status: error.status, retryable: error.retryable }).toEqual({
        kind,
        status,
        retryable,
      })
      expect(error.message).toContain('No luck today.')
      expect(mock.getRequests()).toHaveLength(1)
    })

    it('reads Retry-After of a 429', async () => {
      mock.onMessage('slow', { error: { message: 'Slow down.' }, status: 429, retryAfter: 7 })
      expect((await modelErrorOf(run(model(), ask('slow')))).retryAfterMs).toBe(7000)
    })

    it('tells a conversation that is too long from other invalid requests', async () => {
      mock.onMessage('long', {
        error: { message: 'Too long.', type: 'invalid_request_error', code: 'context_length_exceeded' },
        status: 400,
      })
      const error = await modelErrorOf(run(model(), ask('long')))
      expect(error).toMatchObject({ kind: 'context_window', retryable: false })
    })

    it('never shows the key or a header, even if the provider quotes them', async () => {
      mock.onMessage('quote', {
        error: { message: 'Incorrect API key provided: sk-test-secret-key; tenant tenant-secret-1.' },
        status: 401,
      })
      const error = await modelErrorOf(
        run(model('gpt-5-mini', { headers: { 'x-tenant': 'tenant-secret-1' } }), ask('quote')),
      )
      const everything = `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`
      expect(everything).not.toMatch(/secret/)
    })

    it('reports a server that is not there as a failed connection', async () => {
      const gone = await rawServer(() => undefined)
      await gone[Symbol.asyncDispose]()
      const error = await modelErrorOf(run(openai('m', { api, baseURL: gone.url }), ask('hello')))
      expect(error).toMatchObject({ kind: 'connection', retryable: true })
      expect(error.message).toContain('ECONNREFUSED')
    })

    it('reports a server that does not begin to answer in time as a failed connection', async () => {
      await using silent = await rawServer(() => undefined)
      const error = await modelErrorOf(run(openai('m', { api, baseURL: silent.url, timeoutMs: 50 }), ask('hello')))
      expect(error.kind).toBe('connection')
    })

    it('reports an answer that is no JSON as unreadable', async () => {
      await using broken = await rawServer((response) =>
        way === 'stream'
          ? response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"half\n\n')
          : response.writeHead(200, { 'content-type': 'application/json' }).end('{"half'),
      )
      const error = await modelErrorOf(run(openai('m', { api, baseURL: broken.url }), ask('hello')))
      expect(error).toMatchObject({ kind: 'invalid_response', retryable: true })
    })

    it('throws the reason of an abort that came before', async () => {
      const reason = new Error('not wanted any more')
      await expect(run(model(), ask('hello', { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason)
    })

    it('throws the reason of an abort while the server is silent, and closes the connection', async () => {
      const controller = new AbortController()
      const closed = Promise.withResolvers<void>()
      await using silent = await rawServer((response) => {
        response.on('close', closed.resolve)
        controller.abort(new Error('cancelled'))
      })
      const run1 = run(openai('m', { api, baseURL: silent.url }), ask('hello', { signal: controller.signal }))
      await expect(run1).rejects.toThrow('cancelled')
      await closed.promise
    })
  })

  it('streams the text in the pieces in which it comes', async () => {
    mock.onMessage('hello', { content: 'one two three four' })
    const { deltas } = await readStream(model().stream(ask('hello')))
    expect(deltas.length).toBeGreaterThan(3)
  })

  it('streams the reasoning', async () => {
    mock.onMessage('think', { content: 'Done.', reasoning: 'First this, then that.' })
    const { reasoning, response } = await readStream(model().stream(ask('think')))
    expect(reasoning.join('')).toBe('First this, then that.')
    expect(response.reasoningContent).toBe('First this, then that.')
  })

  it('reports a connection that the mock server cuts in mid-stream as a failed connection', async () => {
    mock.onMessage('cut', { content: 'This will never be read to its end.' }, { truncateAfterChunks: 6 })
    const error = await modelErrorOf(readStream(model().stream(ask('cut'))))
    expect(error).toMatchObject({ kind: 'connection', retryable: true })
  })

  it('reports a connection cut after the first text as a failed connection', async () => {
    const cut = Promise.withResolvers<() => void>()
    await using server = await rawServer((response) => {
      sendEvents(response, firstText('Half'), 'open')
      cut.resolve(() => response.destroy())
    })
    const seen: string[] = []
    const reading = (async () => {
      for await (const part of openai('m', { api, baseURL: server.url }).stream(ask('x'))) {
        if (part.type === 'text') seen.push(part.text)
        void cut.promise.then((destroy) => destroy())
      }
    })()
    expect(await modelErrorOf(reading)).toMatchObject({ kind: 'connection', retryable: true })
    expect(seen).toEqual(['Half'])
  })

  it('reports a stream that ends in good order without its finish marker as a failed connection', async () => {
    await using short = await rawServer((response) => sendEvents(response, firstText('Half'), 'done'))
    const error = await modelErrorOf(readStream(openai('m', { api, baseURL: short.url }).stream(ask('x'))))
    expect(error.kind).toBe('connection')
  })

  it('closes the connection when it is aborted in mid-stream, and throws the reason', async () => {
    const controller = new AbortController()
    const closed = Promise.withResolvers<void>()
    await using endless = await rawServer((response) => {
      response.on('close', closed.resolve)
      sendEvents(response, firstText('Hello'), 'open')
    })
    const stream = openai('m', { api, baseURL: endless.url }).stream(ask('x', { signal: controller.signal }))
    const reading = (async () => {
      for await (const part of stream) if (part.type === 'text') controller.abort(new Error('cancelled'))
    })()
    await expect(reading).rejects.toThrow('cancelled')
    await closed.promise
  })

  it('closes the connection when the reader stops reading', async () => {
    const closed = Promise.withResolvers<void>()
    await using endless = await rawServer((response) => {
      response.on('close', closed.resolve)
      sendEvents(response, firstText('Hello'), 'open')
    })
    for await (const part of openai('m', { api, baseURL: endless.url }).stream(ask('x'))) {
      expect(part).toEqual({ type: 'text', text: 'Hello' })
      break
    }
    await closed.promise
  })

  it.each([
    [{ message: 'Overloaded', type: 'server_error', code: 'server_error' }, 'server'],
    [{ message: 'Upstream is away', code: 502 }, 'server'],
    [{ message: 'Slow down', code: 'rate_limit_exceeded' }, 'rate_limit'],
    [{ message: 'Something broke' }, 'server'],
    [{ message: 'No such tool', type: 'invalid_request_error' }, 'invalid_request'],
  ] as const)('maps an error within the stream: %o', async (failure, kind) => {
    await using failing = await rawServer((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`event: error\ndata: ${JSON.stringify({ error: failure })}\n\n`)
    })
    const error = await modelErrorOf(readStream(openai('m', { api, baseURL: failing.url }).stream(ask('x'))))
    expect(error.kind).toBe(kind)
  })
})
