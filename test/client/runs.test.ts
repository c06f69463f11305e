import { describe, expect, it } from 'vitest'
import { Agent } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { ModelRequest } from 'agentos-sdk/models'
import { plainAgent } from '../support/plain-agent.js'
import { collect, gate, shownText, testAgentOS, until } from '../support/agent-os.js'
import { cuttingProxy, clientOf, served } from './support.js'

const agentId = 'my-agent'

function lastMessage({ messages }: ModelRequest): string {
  return JSON.stringify(messages.at(-1))
}

describe('runs.create', () => {
  it('returns what the server returns in code', async () => {
    const agentOS = testAgentOS()
    const { client } = await served(agentOS)
    const sessionState = { user_name: 'Ada', nested: { camelCase: [{ snake_case: 1 }] } }
    const run = await client.runs.create({ agentId, message: 'Hello', sessionId: 'thread-42', sessionState })
    expect(run).toEqual(JSON.parse(JSON.stringify(await agentOS.runs.get(run.runId))))
    expect(run).toMatchObject({ status: 'completed', content: 'Hello!', sessionId: 'thread-42', agentId })
    expect(run.messages?.at(-1)).toMatchObject({ role: 'assistant', fromHistory: false })
  })

  it('sends files, with the text as it is', async () => {
    const { client } = await served(testAgentOS(scripted((request) => lastMessage(request))))
    const run = await client.runs.create({
      agentId,
      message: 'Two\nlines\r\nor "three"',
      sessionState: { a_b: 1 },
      files: [
        new File(['a,b\n1,2'], 'the "report".csv', { type: 'text/csv' }),
        new File([Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 255)], 'dot.png'),
        { url: 'https://example.com/manual.pdf', mimeType: 'application/pdf' },
      ],
    })
    expect(run.input?.inputContent).toBe('Two\nlines\r\nor "three"')
    expect(run.input?.images).toMatchObject([{ mimeType: 'image/png', content: 'iVBORwD/' }])
    expect(run.input?.files).toMatchObject([
      { url: 'https://example.com/manual.pdf' },
      { filename: 'the "report".csv', content: 'a,b\n1,2', mimeType: 'text/csv' },
    ])
  })

  it('makes one run when its answer is lost, however often', async () => {
    const agentOS = testAgentOS(scripted('An answer that is long enough to be cut.'))
    const { host } = await served(agentOS)
    let tries = 0
    const proxy = await cuttingProxy(host.port, () => (++tries % 5 === 0 ? undefined : tries * 40))
    const client = clientOf(proxy.url, { headers: { connection: 'close' } })
    for (let count = 1; count <= 20; count++) {
      const run = await client.runs.create({ agentId, message: 'Hello' })
      expect(run.content).toBe('An answer that is long enough to be cut.')
      expect((await agentOS.runs.list({ limit: 1 })).totalCount).toBe(count)
    }
    expect(proxy.cuts).toBeGreaterThan(20)
  })

  it('sends nothing twice without a key', async () => {
    const agentOS = testAgentOS()
    const { host } = await served(agentOS)
    const proxy = await cuttingProxy(host.port, () => 20)
    const request = clientOf(proxy.url).runs.create({ agentId, message: 'Hello', idempotencyKey: null })
    await expect(request).rejects.toMatchObject({ code: 'CONNECTION_FAILED', status: 0 })
    expect(proxy.connections).toBe(1)
  })

  it('leaves the run when it is aborted, or cancels it when that was asked for', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(undefined, { agents: [plainAgent({ id: agentId, gate: opened })] })
    const { client } = await served(agentOS)
    const statuses = async () => (await agentOS.runs.list({ limit: 10 })).data.map(({ status }) => status)
    for (const [at, cancelOnAbort] of [false, true].entries()) {
      const abort = new AbortController()
      const request = client.runs.create({ agentId, message: 'Hello', signal: abort.signal, cancelOnAbort })
      const refused = request.catch((error: unknown) => error)
      await until(async () => (await statuses())[at] === 'running')
      abort.abort(new Error('enough'))
      expect(await refused).toEqual(new Error('enough'))
    }
    expect(await statuses()).toEqual(['running', 'cancelled'])
    open()
    await until(async () => (await statuses())[0] === 'completed')
  })
})

describe('runs in the background', () => {
  it('can be polled, listed and cancelled', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(undefined, { agents: [plainAgent({ id: agentId, gate: opened })] })
    const { client } = await served(agentOS)
    const { runId, sessionId, status } = await client.runs.start({ agentId, message: 'Hello' })
    expect(status).toBe('pending')
    const other = await client.runs.start({ agentId, message: 'Hello' })
    expect(await client.runs.cancel(other.runId, { agentId })).toEqual({
      runId: other.runId,
      sessionId: other.sessionId,
      status: 'cancelled',
    })
    open()
    await until(async () => (await client.runs.get(runId, { agentId, sessionId })).status === 'completed')
    const newest = await client.runs.list({ agentId, limit: 1 })
    expect(newest).toMatchObject({ data: [{ runId: other.runId, status: 'cancelled' }], totalCount: 2 })
    const older = await client.runs.list({ agentId, cursor: newest.nextCursor })
    expect(older.data.map((row) => row.runId)).toEqual([runId])
    expect(older.nextCursor).toBeUndefined()
    expect((await client.runs.list({ agentId, statuses: ['completed', 'paused'] })).totalCount).toBe(1)
  })
})

describe('runs.stream', () => {
  it('shows what a stream in code shows', async () => {
    const agentOS = testAgentOS()
    const { client } = await served(agentOS)
    const stream = client.runs.stream({ agentId, message: 'Hello', sessionId: 'größer als / 100%41' })
    const { runId, sessionId } = await stream.accepted
    expect(sessionId).toBe('größer als / 100%41')
    const events = await collect(stream)
    expect(events).toEqual(JSON.parse(JSON.stringify(await collect(await agentOS.runs.resume(runId)))))
  })

  it('begins before it is read', async () => {
    const agentOS = testAgentOS()
    const { client } = await served(agentOS)
    const { runId } = await client.runs.stream({ agentId, message: 'Hello' }).accepted
    await until(async () => (await agentOS.runs.get(runId)).status === 'completed')
    expect((await agentOS.runs.get(runId)).content).toBe('Hello!')
  })

  it('ends quietly when it is aborted, and cancels the run when that was asked for', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(undefined, { agents: [plainAgent({ id: agentId, gate: opened })] })
    const { client } = await served(agentOS)
    for (const cancelOnAbort of [false, true]) {
      const abort = new AbortController()
      const stream = client.runs.streamInBackground({ agentId, message: 'Hello', signal: abort.signal, cancelOnAbort })
      const seen: string[] = []
      for await (const { event } of stream) {
        seen.push(event)
        if (event === 'ModelRequestStarted') abort.abort()
      }
      expect(seen).toEqual(['RunStarted', 'ModelRequestStarted'])
      const { runId } = await stream.accepted
      expect((await agentOS.runs.get(runId)).status).toBe(cancelOnAbort ? 'cancelled' : 'running')
    }
    open()
  })

  it('shows nothing more once it is aborted, though more has come already', async () => {
    const { client } = await served(testAgentOS(scripted('A text in many pieces', { chunkSize: 1 })))
    const first = client.runs.stream({ agentId, message: 'Hello' })
    const { runId } = await first.accepted
    await collect(first)
    const abort = new AbortController()
    let seen = 0
    for await (const event of client.runs.resume(runId, { agentId, signal: abort.signal })) {
      seen += 1
      if (event.eventIndex === 3) abort.abort()
    }
    expect(seen).toBe(4)
  })

  it('asks for nothing when it is aborted before', async () => {
    const agentOS = testAgentOS()
    const { client } = await served(agentOS)
    const stream = client.runs.stream({ agentId, message: 'Hello', signal: AbortSignal.abort(new Error('before')) })
    expect(await collect(stream)).toEqual([])
    await expect(stream.accepted).rejects.toThrow('before')
    expect((await agentOS.runs.list({ limit: 1 })).totalCount).toBe(0)
  })

  it('lets go of the connection when the loop is left', async () => {
    const agentOS = testAgentOS(scripted('A text that goes on', { chunkSize: 1, delayMs: 20 }), {
      runs: { disconnectGraceMs: 30 },
    })
    const { client } = await served(agentOS)
    const stream = client.runs.stream({ agentId, message: 'Hello' })
    for await (const { event } of stream) if (event === 'RunContent') break
    const { runId } = await stream.accepted
    await until(async () => (await agentOS.runs.get(runId)).status === 'cancelled')
    expect((await agentOS.runs.get(runId)).content).not.toBe('A text that goes on')
  })

  it('is closed while it waits for an event', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(undefined, { agents: [plainAgent({ id: agentId, gate: opened })] })
    const { client } = await served(agentOS)
    const stream = client.runs.streamInBackground({ agentId, message: 'Hello' })
    const events = stream[Symbol.asyncIterator]()
    for (let count = 0; count < 2; count++) await events.next()
    const waiting = events.next()
    await stream.close()
    expect(await waiting).toEqual({ done: true, value: undefined })
    open()
  })

  it('repeats an earlier request of the same key', async () => {
    const agentOS = testAgentOS()
    const { client } = await served(agentOS)
    const request = { agentId, message: 'Hello', idempotencyKey: 'order-7' }
    const first = await collect(client.runs.stream(request))
    expect(await collect(client.runs.stream(request))).toEqual(first)
    expect((await agentOS.runs.list({ limit: 1 })).totalCount).toBe(1)
  })

  it('shows the failure of a run as its last event', async () => {
    const model = scripted({ content: 'Half an answer', fail: { kind: 'authentication', afterDeltas: 1 } })
    const { client } = await served(testAgentOS(model))
    const events = await collect(client.runs.stream({ agentId, message: 'Hello' }))
    expect(events.at(-1)).toMatchObject({ event: 'RunError', errorCode: 'MODEL_AUTH_FAILED', retryable: false })
  })

  it('keeps its connection for the next request', async () => {
    const { host } = await served(testAgentOS())
    const proxy = await cuttingProxy(host.port, () => undefined)
    const client = clientOf(proxy.url)
    for (let count = 0; count < 5; count++) {
      expect(shownText(await collect(client.runs.stream({ agentId, message: 'Hello' })))).toBe('Hello!')
    }
    expect(proxy.connections).toBeLessThan(3)
  })
})

it('runs an agent with structured output', async () => {
  const outputSchema = { type: 'object', properties: { order_id: { type: 'number' } }, required: ['order_id'] }
  const agents = [new Agent({ id: agentId, model: scripted('{"order_id":7}') })]
  const { client } = await served(testAgentOS(undefined, { agents }))
  const run = await client.runs.create({ agentId, message: 'Hello', outputSchema })
  expect(run.content).toEqual({ order_id: 7 })
})
