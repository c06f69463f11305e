import { describe, expect, it } from 'vitest'
import { scripted } from 'agentos-sdk/models'
import { Agent, tool } from 'agentos-sdk'
import { z } from 'zod'
import { gate, testAgentOS, until } from '../support/agent-os.js'

describe('runs.create', () => {
  it('answers with the record of the run, which reads back the same', async () => {
    const agentOS = testAgentOS()
    const run = await agentOS.runs.create({
      agentId: 'my-agent',
      message: 'Hi',
      userId: 'alice',
      sessionId: 'thread-42',
      metadata: { a_b: 1, cD: [true] },
    })
    expect(run).toMatchObject({
      sessionId: 'thread-42',
      userId: 'alice',
      agentId: 'my-agent',
      status: 'completed',
      content: 'Hello!',
      contentType: 'str',
      input: { inputContent: 'Hi' },
      metadata: { a_b: 1, cD: [true] },
    })
    expect(run.runId).toMatch(/^run_[0-9a-f-]{36}$/)
    expect(run.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(await agentOS.runs.get(run.runId)).toEqual(run)
  })

  it('keeps the messages, tool calls and tokens of the run', async () => {
    const model = scripted([{ toolCalls: [{ name: 'add', arguments: { a: 1, b: 2 } }] }, 'It is 3.'])
    const add = tool({
      name: 'add',
      description: 'Adds.',
      input: z.object({ a: z.number(), b: z.number() }),
      execute: ({ a, b }) => a + b,
    })
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [add] })] })
    const run = await agentOS.runs.create({ agentId: 'my-agent', message: '1 + 2?' })
    expect(run.messages?.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant'])
    expect(run.tools).toMatchObject([{ toolName: 'add', toolArgs: { a: 1, b: 2 }, result: '3' }])
    expect(run.metrics?.totalTokens).toBeGreaterThan(0)
    expect(await agentOS.runs.get(run.runId)).toEqual(run)
  })

  it('shows the model what was said before in the session, a limited number of runs', async () => {
    const model = scripted((request) => `I know ${request.messages.length} messages.`, { record: true })
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, history: { runs: 2 } })] })
    for (const message of ['one', 'two', 'three', 'four']) {
      await agentOS.runs.create({ agentId: 'my-agent', message, sessionId: 's' })
    }
    const said = model.requests.map(({ messages }) => messages.map(({ content }) => content))
    expect(said[3]).toEqual(['two', 'I know 3 messages.', 'three', 'I know 5 messages.', 'four'])
  })

  it('ends as error with a code when the model fails, and reads back the same', async () => {
    const agentOS = testAgentOS(scripted({ fail: 'authentication' }))
    const run = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    expect(run).toMatchObject({ status: 'error', error: { errorCode: 'MODEL_AUTH_FAILED', retryable: false } })
    expect(await agentOS.runs.get(run.runId)).toEqual(run)
  })

  it.each([
    [{ agentId: 'nobody', message: 'Hi' }, 'AGENT_NOT_FOUND'],
    [{ agentId: 'my-agent', message: '' }, 'VALIDATION_ERROR'],
    [{ agentId: 'my-agent', message: 'Hi', sessionId: 'a\u0000b' }, 'VALIDATION_ERROR'],
    [{ agentId: 'my-agent', message: 'Hi', images: [{ filepath: '/etc/passwd' }] }, 'MEDIA_PATH_FORBIDDEN'],
    [
      { agentId: 'my-agent', message: 'Hi', images: [{ url: 'https://x.example/a.png', content: 'AA==' }] },
      'VALIDATION_ERROR',
    ],
    [{ agentId: 'my-agent', message: 'Hi', files: [{ url: 'file:///etc/passwd' }] }, 'VALIDATION_ERROR'],
  ])('refuses %j before anything is stored', async (input, code) => {
    const agentOS = testAgentOS()
    await expect(agentOS.runs.create(input)).rejects.toMatchObject({ code })
    expect((await agentOS.sessions.list()).meta.totalCount).toBe(0)
  })

  it('refuses an id that is taken, and a session of another agent', async () => {
    const model = scripted('Hello!')
    const agentOS = testAgentOS(model, {
      agents: [new Agent({ id: 'my-agent', model }), new Agent({ id: 'other', model })],
    })
    await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', runId: 'r1', sessionId: 's1' })
    const again = agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', runId: 'r1' })
    await expect(again).rejects.toMatchObject({ code: 'RUN_EXISTS', status: 409 })
    const foreign = agentOS.runs.create({ agentId: 'other', message: 'Hi', sessionId: 's1' })
    await expect(foreign).rejects.toMatchObject({ code: 'SESSION_COMPONENT_MISMATCH', status: 409 })
  })

  it('cancels the run when the client goes away, and keeps what was said', async () => {
    const agentOS = testAgentOS(scripted({ stall: true }))
    const client = new AbortController()
    const running = agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', runId: 'r1', signal: client.signal })
    await until(async () => (await agentOS.runs.list({ limit: 1 })).data[0]?.status === 'running')
    client.abort()
    expect(await running).toMatchObject({ runId: 'r1', status: 'cancelled' })
  })

  it('gives the images and files of the input back as they came', async () => {
    const agentOS = testAgentOS()
    const images = [{ id: 'i', content: Buffer.from('pixels').toString('base64'), mimeType: 'image/png' }]
    const files = [{ id: 'f', content: 'a,b\n\u00e9,2', mimeType: 'text/csv' as const, filename: 'a.csv' }]
    const run = await agentOS.runs.create({ agentId: 'my-agent', message: 'Look', images, files })
    expect(run.input).toEqual({ inputContent: 'Look', images, files })
    expect(await agentOS.runs.get(run.runId)).toEqual(run)
  })
})

describe('an Idempotency-Key', () => {
  it('makes one run of 50 concurrent requests', async () => {
    const agentOS = testAgentOS()
    const input = { agentId: 'my-agent', message: 'Hi', idempotencyKey: 'k' }
    const runs = await Promise.all(Array.from({ length: 50 }, () => agentOS.runs.create(input)))
    expect(new Set(runs.map(({ runId }) => runId)).size).toBe(1)
    expect((await agentOS.runs.list({ limit: 10 })).totalCount).toBe(1)
  })

  it('refuses another input', async () => {
    const agentOS = testAgentOS()
    await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', idempotencyKey: 'k' })
    const other = agentOS.runs.create({ agentId: 'my-agent', message: 'Ho', idempotencyKey: 'k' })
    await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  })

  it('lets the run go on when the client goes away', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(scripted({ content: 'Done.', stall: { until: opened } }))
    const client = new AbortController()
    const input = { agentId: 'my-agent', message: 'Hi', idempotencyKey: 'k' }
    const first = agentOS.runs.create({ ...input, signal: client.signal })
    await until(async () => (await agentOS.runs.list({ limit: 1 })).data.length === 1)
    client.abort()
    const again = agentOS.runs.create(input)
    open()
    expect((await again).status).toBe('completed')
    expect((await first).runId).toBe((await again).runId)
  })
})
