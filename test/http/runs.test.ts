import { describe, expect, it } from 'vitest'
import { Agent, tool } from 'agentos-sdk'
import type { AgentOS } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { gate, testAgentOS, until } from '../support/agent-os.js'

interface Frame {
  event: string
  id?: string
  data: Record<string, unknown>
}

function post(agentOS: AgentOS, path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return agentOS.fetch(
    new Request(`http://host${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }),
  )
}

async function frames(response: Response): Promise<Frame[]> {
  const text = await response.text()
  return text
    .split('\n\n')
    .filter((frame) => frame.startsWith('event: '))
    .map((frame) => {
      const lines = frame.split('\n')
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      return { event: field('event')!, id: field('id'), data: JSON.parse(field('data')!) as Frame['data'] }
    })
}

const runs = '/agents/my-agent/runs'

describe('POST /agents/{agent_id}/runs', () => {
  it('answers with the run as the API promises it', async () => {
    const agentOS = testAgentOS(scripted('Hello, Alice!'))
    const response = await post(agentOS, runs, { message: 'Hello', user_id: 'alice', session_id: 'thread-42' })
    expect(response.status).toBe(200)
    const run = (await response.json()) as Record<string, unknown>
    expect(run).toMatchObject({
      run_id: expect.stringMatching(/^run_/),
      session_id: 'thread-42',
      user_id: 'alice',
      agent_id: 'my-agent',
      status: 'completed',
      content: 'Hello, Alice!',
      content_type: 'str',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      messages: [
        { role: 'user', content: 'Hello', from_history: false, created_at: expect.any(Number) },
        { role: 'assistant', content: 'Hello, Alice!', stop_after_tool_call: false, created_at: expect.any(Number) },
      ],
    })
    expect(response.headers.get('x-run-id')).toBe(run.run_id)
    expect(response.headers.get('x-session-id')).toBe('thread-42')
    for (const absent of ['team_id', 'team_name', 'workflow_id', 'run']) expect(run).not.toHaveProperty(absent)
  })

  it('spells state and time as AgentOSClient compares them, where that is asked for', async () => {
    const agentOS = testAgentOS(scripted('Hi'), { compatibility: 'agno' })
    const run = (await (await post(agentOS, runs, { message: 'Hello' })).json()) as Record<string, unknown>
    expect(run).toMatchObject({ status: 'COMPLETED', created_at: expect.any(Number) })
  })

  it('streams events with everything that clients read', async () => {
    const look = tool({ name: 'look', execute: () => 'seen' })
    const model = scripted([{ toolCalls: [{ name: 'look' }] }, 'Line one.\u2028Line two.'])
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', name: 'Mine', model, tools: [look] })] })
    const response = await post(agentOS, runs, { message: 'Hello', stream: true, session_id: 's' })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    const seen = await frames(response)
    expect(seen.map(({ event }) => event)).toEqual([
      'RunStarted',
      'ModelRequestStarted',
      'ModelRequestCompleted',
      'ToolCallStarted',
      'ToolCallCompleted',
      'ModelRequestStarted',
      'RunContent',
      'RunContent',
      'ModelRequestCompleted',
      'RunContentCompleted',
      'RunCompleted',
    ])
    for (const [index, { event, id, data }] of seen.entries()) {
      expect(data).toMatchObject({
        event,
        event_index: index,
        created_at: expect.any(Number),
        agent_id: 'my-agent',
        agent_name: 'Mine',
        run_id: response.headers.get('x-run-id'),
        session_id: 's',
        nested_depth: 0,
      })
      expect(id).toBe(String(index))
      expect(data).not.toHaveProperty('data')
      expect(data).not.toHaveProperty('team_id')
    }
    expect(seen[4]!.data.tool).toMatchObject({
      tool_call_id: expect.any(String),
      tool_name: 'look',
      result: 'seen',
      tool_call_error: false,
      stop_after_tool_call: false,
      created_at: expect.any(Number),
      metrics: { time: expect.any(Number), duration: expect.any(Number) },
    })
    expect(seen.at(-1)!.data.content).toBe('Line one.\u2028Line two.')
  })

  it('writes line breaks of other languages as escapes, so that no client loses an event', async () => {
    const agentOS = testAgentOS(scripted('a\u0085b\u2028c\u2029d'))
    const text = await (await post(agentOS, runs, { message: 'Hello', stream: true })).text()
    expect(text).not.toMatch(/[\u0085\u2028\u2029]/)
    expect(text).toContain('\\u2028')
  })

  it('leaves the text, and how it begins and ends, with stream_events=false', async () => {
    const response = await post(testAgentOS(scripted('Hi')), runs, { message: 'x', stream: true, stream_events: false })
    expect((await frames(response)).map(({ event }) => event)).toEqual(['RunStarted', 'RunContent', 'RunCompleted'])
  })

  it('adds the RunCompleted that clients of the origin expect after a cancel, where that is asked for', async () => {
    const agentOS = testAgentOS(scripted({ content: 'Never said.', stall: true }), { compatibility: 'agno' })
    const response = await post(agentOS, runs, { message: 'Hello', stream: true })
    const seen = frames(response)
    await agentOS.runs.cancel(response.headers.get('x-run-id')!)
    expect((await seen).map(({ event }) => event).slice(-2)).toEqual(['RunCancelled', 'RunCompleted'])
  })

  it('answers 202 for the background, and the run can be polled', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(scripted({ content: 'Done.', stall: { until: opened } }))
    const response = await post(agentOS, runs, { message: 'Hello', background: true })
    expect(response.status).toBe(202)
    const accepted = (await response.json()) as Record<string, string>
    expect(accepted).toEqual({
      run_id: expect.any(String),
      session_id: expect.any(String),
      status: 'pending',
      created_at: expect.any(String),
    })
    const poll = () => agentOS.fetch(new Request(`http://host${runs}/${accepted.run_id}`))
    expect((await poll()).headers.get('retry-after')).toBe('1')
    open()
    await until(async () => ((await (await poll()).json()) as { status: string }).status === 'completed')
    expect((await poll()).headers.get('retry-after')).toBeNull()
  })

  it.each([
    [{}, 422, 'VALIDATION_ERROR'],
    [{ message: '' }, 422, 'VALIDATION_ERROR'],
    [{ message: 7 }, 422, 'VALIDATION_ERROR'],
    [{ message: 'x', session_state: '{' }, 422, 'INVALID_JSON_FIELD'],
    [{ message: 'x', output_schema: { type: 'nonsense' } }, 422, 'INVALID_OUTPUT_SCHEMA'],
    [{ message: 'x', images: [{ filepath: '/etc/passwd' }] }, 422, 'MEDIA_PATH_FORBIDDEN'],
    [{ message: 'x', user_id: 'sa:robot' }, 403, 'RESERVED_PRINCIPAL'],
    [{ message: 'x', concurrency: 'sometimes' }, 422, 'VALIDATION_ERROR'],
  ])('refuses %j with %i %s, streamed or not', async (body, status, code) => {
    const agentOS = testAgentOS()
    for (const stream of [false, true]) {
      const response = await post(agentOS, runs, { ...body, stream })
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ error_code: code, request_id: expect.any(String) })
    }
  })

  it('takes ids with any character, and tells them in headers that can be sent', async () => {
    const agentOS = testAgentOS()
    const response = await post(agentOS, runs, { message: 'x', session_id: 'Ā 100%' })
    expect(response.status).toBe(200)
    expect(decodeURIComponent(response.headers.get('x-session-id')!)).toBe('Ā 100%')
  })
})

describe('…/resume', () => {
  it('says where the follower stands, and gives the rest', async () => {
    const { opened, open } = gate()
    const content = 'Some text in pieces, and more of it to come.'
    const agentOS = testAgentOS(scripted({ content, stall: { afterDeltas: 2, until: opened } }))
    const first = await post(agentOS, runs, { message: 'Hello', stream: true, background: true })
    const runId = first.headers.get('x-run-id')!
    await until(async () => (await agentOS.runs.head(runId)).lastIndex === 3)
    const live = frames(await post(agentOS, `${runs}/${runId}/resume`, { last_event_index: 1 }))
    await until(async () => (await agentOS.runs.head(runId)).lastIndex === 3)
    open()
    const seen = await live
    expect(seen.map(({ event }) => event)).toEqual([
      'catch_up',
      'RunContent',
      'RunContent',
      'subscribed',
      'RunContent',
      'ModelRequestCompleted',
      'RunContentCompleted',
      'RunCompleted',
    ])
    expect(seen[0]!.data).toMatchObject({ run_id: runId, status: 'running', missed_events: 2, current_event_count: 4 })
    const replay = await frames(await post(agentOS, `${runs}/${runId}/resume`, {}, { 'last-event-id': '5' }))
    expect(replay[0]).toMatchObject({
      event: 'replay',
      data: { status: 'completed', total_events: 2, total_buffered: 8, last_event_index_requested: 5 },
    })
    expect(replay.slice(1).map(({ id }) => id)).toEqual(['6', '7'])
  })

  it('by GET answers 204 when nothing is left, so that an EventSource stops', async () => {
    const agentOS = testAgentOS()
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hello' })
    const { lastIndex } = await agentOS.runs.head(runId)
    const get = (query: string) => agentOS.fetch(new Request(`http://host${runs}/${runId}/resume${query}`))
    expect((await get(`?last_event_index=${lastIndex}`)).status).toBe(204)
    expect((await frames(await get(''))).length).toBe(lastIndex + 2)
    expect((await get('?last_event_index=x')).status).toBe(422)
  })

  it('knows no run of another agent', async () => {
    const model = scripted('Hi')
    const agentOS = testAgentOS(model, {
      agents: [new Agent({ id: 'my-agent', model }), new Agent({ id: 'other', model })],
    })
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hello' })
    for (const path of ['resume', 'cancel', 'continue']) {
      const response = await post(agentOS, `/agents/other/runs/${runId}/${path}`, {})
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ error_code: 'RUN_NOT_FOUND' })
    }
  })
})

describe('…/continue', () => {
  it('takes decisions as clients send them back: whole tools, as JSON text in a form', async () => {
    const model = scripted([{ toolCalls: [{ name: 'pay', arguments: {} }] }, 'Paid.'])
    const pay = tool({ name: 'pay', requiresConfirmation: true, execute: () => 'ok' })
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [pay] })] })
    const paused = (await (await post(agentOS, runs, { message: 'Go' })).json()) as {
      run_id: string
      tools: { tool_name: string; confirmed?: boolean }[]
    }
    const undecided = await post(agentOS, `${runs}/${paused.run_id}/continue`, { tools: paused.tools })
    expect(undecided.status).toBe(409)
    expect(await undecided.json()).toMatchObject({
      error_code: 'RUN_REQUIREMENTS_UNRESOLVED',
      requirement_ids: [expect.any(String)],
    })
    const form = new URLSearchParams({
      tools: JSON.stringify(paused.tools.map((one) => ({ ...one, tool_name: 'forged', confirmed: true }))),
      stream: 'false',
    })
    const response = await agentOS.fetch(
      new Request(`http://host${runs}/${paused.run_id}/continue`, { method: 'POST', body: form }),
    )
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      run_id: paused.run_id,
      status: 'completed',
      content: 'Paid.',
      tools: [{ tool_name: 'pay', confirmed: true, result: 'ok' }],
    })
  })
})
