import { LLMock } from '@copilotkit/aimock'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openai } from '../../src/models/index.js'
import { ask, modelErrorOf, rawServer, readStream, sendEvents, sendJson } from './support.js'

const message = (text: string, extra = {}) => ({
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [] }],
  ...extra,
})
const call = (id: string) => ({ type: 'function_call', id: `fc_${id}`, call_id: id, name: 'look', arguments: '{}' })
const thought = (id: string) => ({
  type: 'reasoning',
  id: `rs_${id}`,
  summary: [{ type: 'summary_text', text: `thought ${id}` }],
  encrypted_content: `secret ${id}`,
})
const completed = (output: object[], extra = {}) => ({ status: 'completed', output, ...extra })

const responses = (url: string, modelId = 'gpt-5-mini', options = {}) =>
  openai(modelId, { api: 'responses', baseURL: url, ...options })

async function bodyOf(request: ReturnType<typeof ask>, modelId = 'gpt-5-mini', options = {}) {
  await using server = await rawServer((response) => sendJson(response, completed([message('ok')])))
  await responses(server.url, modelId, options).generate(request)
  return server.bodies[0] ?? {}
}

describe('Responses: what is sent', () => {
  it('keeps nothing at the provider, and asks for encrypted reasoning where a model reasons', async () => {
    expect(await bodyOf(ask('x'), 'gpt-5-mini')).toMatchObject({
      store: false,
      include: ['reasoning.encrypted_content'],
      input: [{ role: 'user', content: 'x' }],
    })
    expect(await bodyOf(ask('x'), 'o4-mini')).toHaveProperty('include')
    expect(await bodyOf(ask('x'), 'local', { reasoningEffort: 'low' })).toMatchObject({ reasoning: { effort: 'low' } })
    for (const plain of ['gpt-4o', 'gpt-4.1-mini', 'gpt-5-chat-latest']) {
      expect(await bodyOf(ask('x'), plain)).not.toHaveProperty('include')
    }
  })

  it('spells options, tools and the output format', async () => {
    const schema = { type: 'object', properties: {}, required: [], additionalProperties: false }
    const body = await bodyOf(
      ask('x', {
        tools: [{ name: 'look', parameters: schema }],
        toolChoice: { name: 'look' },
        output: { name: 'o', schema },
      }),
      'gpt-5-mini',
      { maxOutputTokens: 5, verbosity: 'low', reasoningSummary: 'auto', parallelToolCalls: false },
    )
    expect(body).toMatchObject({
      tools: [{ type: 'function', name: 'look', parameters: schema, strict: false }],
      tool_choice: { type: 'function', name: 'look' },
      parallel_tool_calls: false,
      text: { verbosity: 'low', format: { type: 'json_schema', name: 'o', schema, strict: true } },
      reasoning: { summary: 'auto' },
      max_output_tokens: 5,
    })
  })

  it('spells images and files, and refuses what the API does not take', async () => {
    const content = [
      { type: 'image' as const, url: 'https://example.com/a.png' },
      { type: 'file' as const, data: 'QQ==', filename: 'a.pdf', mimeType: 'application/pdf' },
      { type: 'file' as const, url: 'https://example.com/a.pdf' },
    ]
    const body = await bodyOf(ask('', { messages: [{ role: 'user', content }] }))
    expect(body.input).toEqual([
      {
        role: 'user',
        content: [
          { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'auto' },
          { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,QQ==' },
          { type: 'input_file', file_url: 'https://example.com/a.pdf' },
        ],
      },
    ])
    const audio = ask('', { messages: [{ role: 'user', content: [{ type: 'audio', data: 'QQ==' }] }] })
    expect(await modelErrorOf(bodyOf(audio))).toMatchObject({ kind: 'invalid_request' })
  })

  it('sends reasoning back directly before the calls that it led to', async () => {
    const output = [
      thought('1'),
      message('Look', { phase: 'commentary' }),
      call('a'),
      thought('2'),
      call('b'),
      message('ing'),
    ]
    await using server = await rawServer((response, body) =>
      body.stream
        ? sendEvents(response, [{ type: 'response.completed', response: completed(output) }], 'end')
        : sendJson(response, completed(output)),
    )
    const model = responses(server.url)
    for (const answer of [await model.generate(ask('x')), (await readStream(model.stream(ask('x')))).response]) {
      expect(answer).toMatchObject({ content: 'Looking', reasoningContent: 'thought 1\n\nthought 2' })
      // As the log keeps it.
      const assistant = JSON.parse(JSON.stringify({ role: 'assistant', ...answer }))
      await model.generate(ask('', { messages: [{ role: 'user', content: 'x' }, assistant] }))
      expect(server.bodies.at(-1)?.input).toEqual([
        { role: 'user', content: 'x' },
        thought('1'),
        message('Look', { phase: 'commentary' }),
        call('a'),
        thought('2'),
        call('b'),
        message('ing'),
      ])
      // Another model can't read it; and a message that was changed is sent as what it has become.
      for (const [modelId, changed] of [
        ['o3', assistant],
        ['gpt-5-mini', { ...assistant, toolCalls: assistant.toolCalls.slice(0, 1) }],
      ] as const) {
        await responses(server.url, modelId).generate(ask('', { messages: [changed] }))
        expect(JSON.stringify(server.bodies.at(-1)?.input)).not.toContain('reasoning')
      }
    }
  })

  it('sends back what the mock server encrypted', async () => {
    const mock = await LLMock.create({ port: 0 })
    try {
      mock.onMessage('look', { toolCalls: [{ id: 'a', name: 'look', arguments: '{}' }], reasoning: 'Better look.' })
      const { response } = await readStream(responses(`${mock.url}/v1`).stream(ask('look')))
      expect(JSON.stringify(response.providerData)).toContain('encrypted_content')
    } finally {
      await mock.stop()
    }
  })
})

describe('Responses: what is read', () => {
  it('reads usage, citations and why it stopped', async () => {
    const citation = {
      type: 'url_citation',
      url: 'https://example.com',
      title: 'Example',
      start_index: 0,
      end_index: 2,
    }
    await using server = await rawServer((response) =>
      sendJson(response, {
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output: [message('', { content: [{ type: 'output_text', text: 'Hi', annotations: [citation] }] })],
        usage: {
          input_tokens: 9,
          output_tokens: 4,
          total_tokens: 13,
          input_tokens_details: { cached_tokens: 8, cache_write_tokens: 1 },
          output_tokens_details: { reasoning_tokens: 2 },
        },
      }),
    )
    expect(await responses(server.url).generate(ask('x'))).toEqual({
      content: 'Hi',
      toolCalls: [],
      finishReason: 'length',
      citations: [{ url: 'https://example.com', title: 'Example' }],
      usage: {
        inputTokens: 9,
        outputTokens: 4,
        totalTokens: 13,
        reasoningTokens: 2,
        cacheReadTokens: 8,
        cacheWriteTokens: 1,
      },
    })
  })

  it('takes the items from the stream where the last event leaves them out', async () => {
    await using server = await rawServer((response) =>
      sendEvents(response, [
        { type: 'response.output_item.done', item: message('Hello') },
        { type: 'response.output_item.done', item: call('a') },
        { type: 'response.completed', response: completed([]) },
      ]),
    )
    const { response } = await readStream(responses(server.url).stream(ask('x')))
    expect(response).toMatchObject({ content: 'Hello', toolCalls: [{ id: 'a' }], finishReason: 'tool_calls' })
  })

  it.each([
    ['rate_limit_exceeded', 'rate_limit'],
    ['server_error', 'server'],
    ['invalid_prompt', 'invalid_request'],
  ])('turns a response that failed with %s into %s', async (code, kind) => {
    const failed = { status: 'failed', error: { code, message: 'No.' }, output: [] }
    await using server = await rawServer((response, body) =>
      body.stream ? sendEvents(response, [{ type: 'response.failed', response: failed }]) : sendJson(response, failed),
    )
    const model = responses(server.url)
    expect((await modelErrorOf(model.generate(ask('x')))).kind).toBe(kind)
    expect((await modelErrorOf(readStream(model.stream(ask('x'))))).kind).toBe(kind)
  })
})

describe('openai(): configuration', () => {
  beforeEach(() => {
    vi.stubEnv('OPENAI_API_KEY', '')
    vi.stubEnv('OPENAI_BASE_URL', '')
  })
  afterEach(() => vi.unstubAllEnvs())

  it('names the variable when there is no key', async () => {
    const error = await modelErrorOf(openai('gpt-5-mini').generate(ask('x')))
    expect(error.kind).toBe('authentication')
    expect(error.message).toContain('OPENAI_API_KEY')
  })

  it('is known by its id and its provider', () => {
    expect(openai('gpt-5-mini')).toMatchObject({ id: 'gpt-5-mini', provider: 'OpenAI' })
    expect(openai('qwen3', { provider: 'Ollama' }).provider).toBe('Ollama')
  })

  it('reads key and base URL from the environment with the first request', async () => {
    await using server = await rawServer((response) =>
      sendJson(response, { choices: [{ message: { content: 'ok' }, finish_reason: 'stop' }] }),
    )
    const model = openai('m')
    vi.stubEnv('OPENAI_BASE_URL', server.url)
    vi.stubEnv('OPENAI_API_KEY', 'from-env')
    expect((await model.generate(ask('x'))).content).toBe('ok')
    expect(server.headers[0]?.authorization).toBe('Bearer from-env')
  })
})
