import { describe, expect, it } from 'vitest'
import { openai } from '../../src/models/index.js'
import { ask, rawServer, readStream, sendEvents, sendJson } from './support.js'

const finished = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }
const chunk = (delta: object) => ({ choices: [{ index: 0, delta }] })
const completion = (message: object = {}) => ({
  choices: [{ index: 0, message: { role: 'assistant', content: 'ok', ...message }, finish_reason: 'stop' }],
})

async function bodyOf(request: ReturnType<typeof ask>, options = {}): Promise<Record<string, unknown>> {
  await using server = await rawServer((response) => sendJson(response, completion()))
  await openai('local-model', { baseURL: server.url, ...options }).generate(request)
  return server.bodies[0] ?? {}
}

describe('Chat Completions: what is sent', () => {
  it('is the default at a base URL, where no key is needed', async () => {
    await using server = await rawServer((response) => sendJson(response, completion()))
    expect((await openai('m', { baseURL: server.url }).generate(ask('x'))).content).toBe('ok')
    expect(server.bodies[0]).toMatchObject({ model: 'm', messages: [{ role: 'user', content: 'x' }] })
  })

  it('spells the conversation, its tools and their results', async () => {
    const body = await bodyOf(
      ask('', {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'hi' },
          { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'now', arguments: '{' }] },
          { role: 'tool', toolCallId: 'c1', toolName: 'now', content: 'noon', isError: false },
        ],
        tools: [{ name: 'now', parameters: {} }],
        toolChoice: { name: 'now' },
      }),
    )
    expect(body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hi' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'now', arguments: '{' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'noon' },
      ],
      tools: [{ type: 'function', function: { name: 'now', parameters: { type: 'object', properties: {} } } }],
      tool_choice: { type: 'function', function: { name: 'now' } },
    })
  })

  it('spells every kind of input', async () => {
    const data = Buffer.from('a,b').toString('base64')
    const body = await bodyOf(
      ask('', {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look:' },
              { type: 'image', url: 'https://example.com/a.png', detail: 'low' },
              { type: 'image', data, mimeType: 'image/jpeg' },
              { type: 'audio', data, mimeType: 'audio/mpeg' },
              { type: 'audio', url: 'https://example.com/a.wav' },
              { type: 'video', url: 'https://example.com/a.mp4' },
              { type: 'file', data, mimeType: 'application/pdf', filename: 'a.pdf' },
              { type: 'file', data, mimeType: 'text/csv', filename: 'a.csv' },
            ],
          },
        ],
      }),
    )
    expect((body.messages as { content: unknown }[])[0]?.content).toEqual([
      { type: 'text', text: 'Look:' },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
      { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${data}` } },
      { type: 'input_audio', input_audio: { data, format: 'mp3' } },
      { type: 'audio_url', audio_url: { url: 'https://example.com/a.wav' } },
      { type: 'video_url', video_url: { url: 'https://example.com/a.mp4' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${data}` } },
      { type: 'text', text: 'a.csv:\na,b' },
    ])
  })

  it('sends the options, by the names that compatible servers know', async () => {
    const options = {
      temperature: 0,
      topP: 0.5,
      maxOutputTokens: 99,
      headers: { 'x-a': 'b' },
      extraBody: { min_p: 0.1 },
    }
    expect(await bodyOf(ask('x'), options)).toMatchObject({ temperature: 0, top_p: 0.5, max_tokens: 99, min_p: 0.1 })
  })

  it('asks for strict output only where the schema allows it', async () => {
    const loose = { type: 'object', properties: { a: { type: 'string' } } }
    const strict = { ...loose, required: ['a'], additionalProperties: false }
    const format = (body: Record<string, unknown>) => (body.response_format as { json_schema: object }).json_schema
    expect(format(await bodyOf(ask('x', { output: { name: 'My output!', schema: strict } })))).toEqual({
      name: 'My_output_',
      schema: strict,
      strict: true,
    })
    expect(format(await bodyOf(ask('x', { output: { name: 'a', schema: loose } })))).toMatchObject({ strict: false })
  })
})

describe('Chat Completions: what is read', () => {
  it('reads token details, cost, citations and refusals', async () => {
    await using server = await rawServer((response) =>
      sendJson(response, {
        ...completion({
          content: null,
          refusal: 'I would rather not.',
          annotations: [{ type: 'url_citation', url_citation: { url: 'https://example.com', title: 'Example' } }],
        }),
        usage: {
          prompt_tokens: 10,
          completion_tokens: 5,
          total_tokens: 15,
          prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
          completion_tokens_details: { reasoning_tokens: 3 },
          cost: 0.25,
        },
      }),
    )
    expect(await openai('m', { baseURL: server.url }).generate(ask('x'))).toEqual({
      content: 'I would rather not.',
      toolCalls: [],
      finishReason: 'content_filter',
      citations: [{ url: 'https://example.com', title: 'Example' }],
      usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15, reasoningTokens: 3, cacheReadTokens: 4, cost: 0.25 },
    })
  })

  it.each([
    [
      'interleaved by index',
      [
        { index: 0, id: 'a', function: { name: 'one', arguments: '{"x"' } },
        { index: 1, id: 'b', function: { name: 'two', arguments: '' } },
        { index: 0, function: { arguments: ':1}' } },
        { index: 1, function: { arguments: '{}' } },
      ],
    ],
    [
      'without an index',
      [
        { id: 'a', function: { name: 'one', arguments: '{"x"' } },
        { function: { arguments: ':1}' } },
        { id: 'b', function: { name: 'two', arguments: '{}' } },
      ],
    ],
    [
      'with one index for all',
      [
        { index: 0, id: 'a', function: { name: 'one', arguments: '{"x":1}' } },
        { index: 0, id: 'b', function: { name: 'two', arguments: '{}' } },
      ],
    ],
    [
      'with id and name in every piece',
      [
        { index: 0, id: 'a', function: { name: 'one', arguments: '{"x"' } },
        { index: 0, id: 'a', function: { name: 'one', arguments: ':1}' } },
        { index: 1, id: 'b', function: { name: 'two', arguments: '{}' } },
      ],
    ],
  ])('puts streamed tool calls together: %s', async (_, pieces) => {
    await using server = await rawServer((response) =>
      sendEvents(response, [...pieces.map((piece) => chunk({ tool_calls: [piece] })), finished]),
    )
    const { response } = await readStream(openai('m', { baseURL: server.url }).stream(ask('x')))
    expect(response.finishReason).toBe('tool_calls')
    expect(response.toolCalls).toEqual([
      { id: 'a', name: 'one', arguments: '{"x":1}' },
      { id: 'b', name: 'two', arguments: '{}' },
    ])
  })

  it('gives a tool call without an id one', async () => {
    await using server = await rawServer((response) =>
      sendJson(response, completion({ content: null, tool_calls: [{ function: { name: 'one', arguments: '{}' } }] })),
    )
    const { toolCalls } = await openai('m', { baseURL: server.url }).generate(ask('x'))
    expect(toolCalls[0]?.id).toMatch(/^call_/)
  })

  it('sends reasoning back in the form in which it came, to the same model only', async () => {
    const details = [{ type: 'reasoning.encrypted', index: 0, data: 'xyz' }]
    const call = { id: 'a', type: 'function', function: { name: 'one', arguments: '{}' }, extra_content: { sig: 's' } }
    await using server = await rawServer((response) =>
      sendEvents(response, [
        chunk({ reasoning: 'Hm, ' }),
        chunk({ reasoning: 'well.', reasoning_details: details }),
        chunk({ tool_calls: [{ index: 0, ...call }] }),
        finished,
      ]),
    )
    const model = openai('m', { baseURL: server.url })
    const { response } = await readStream(model.stream(ask('x')))
    const messages = [
      { role: 'user' as const, content: 'x' },
      { role: 'assistant' as const, ...response },
      { role: 'tool' as const, toolCallId: 'a', toolName: 'one', content: '1' },
    ]
    await readStream(model.stream(ask('', { messages })))
    await readStream(openai('other', { baseURL: server.url }).stream(ask('', { messages })))
    const sent = (index: number) => (server.bodies[index]?.messages as object[] | undefined)?.[1]
    expect(sent(1)).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [call],
      reasoning: 'Hm, well.',
      reasoning_details: details,
    })
    expect(Object.keys(sent(2) ?? {})).toEqual(['role', 'content', 'tool_calls'])
  })
})
