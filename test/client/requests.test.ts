import type { RequestListener } from 'node:http'
import { describe, expect, it } from 'vitest'
import { AgentOSClient, AgentOSClientError } from 'agentos-sdk/client'
import type { ApiInfo, Health, ServerInfo } from 'agentos-sdk/client'
import { collect, testAgentOS } from '../support/agent-os.js'
import { clientOf, serve, served } from './support.js'

const agentId = 'my-agent'

/** Answers with each of these in turn, and with the last one from then on. */
function answers(...all: RequestListener[]): RequestListener & { count: number } {
  const listener: RequestListener & { count: number } = Object.assign(
    ((request, response) => all[Math.min(listener.count++, all.length - 1)]!(request, response)) as RequestListener,
    { count: 0 },
  )
  return listener
}

const refuse =
  (status: number, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify({ detail: 'Not now.', error_code: 'QUEUE_FULL', request_id: 'req_1' }))

const models: RequestListener = (_request, response) => response.end('[{"id":"gpt","provider":"openai"}]')

describe('a refusal', () => {
  it('says what the server says', async () => {
    const { client } = await served(testAgentOS())
    const error: unknown = await client.runs.create({ agentId: 'nobody', message: 'Hello' }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(AgentOSClientError)
    expect(error).toMatchObject({
      status: 404,
      code: 'AGENT_NOT_FOUND',
      detail: expect.stringContaining('nobody') as string,
      requestId: expect.stringMatching(/^req_/) as string,
      issues: [],
    })
    await expect(client.runs.create({ agentId, message: '' })).rejects.toMatchObject({
      status: 422,
      code: 'VALIDATION_ERROR',
      issues: [{ path: 'message' }],
    })
  })

  it('of a stream rejects both what was accepted and the first read', async () => {
    const { client } = await served(testAgentOS())
    const stream = client.runs.stream({ agentId: 'nobody', message: 'Hello' })
    await expect(stream.accepted).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' })
    await expect(collect(stream)).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' })
    await expect(collect(client.runs.resume('run_x', { agentId }))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  })

  it('that is none of ours is told as such', async () => {
    const page: RequestListener = (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Sign in</h1>')
    const client = clientOf((await serve(page)).url)
    await expect(client.models()).rejects.toMatchObject({ code: 'UNEXPECTED_RESPONSE', status: 200 })
    await expect(collect(client.runs.stream({ agentId, message: 'Hello' }))).rejects.toMatchObject({
      code: 'UNEXPECTED_RESPONSE',
    })
    const proxy: RequestListener = (_request, response) => response.writeHead(403).end('<h1>No</h1>')
    await expect(clientOf((await serve(proxy)).url).models()).rejects.toMatchObject({
      code: 'HTTP_403',
      status: 403,
      body: '<h1>No</h1>',
    })
  })

  it('of an id that no path can hold comes before the request', async () => {
    const client = clientOf('http://127.0.0.1:1')
    for (const id of ['', '.', '..']) await expect(client.sessions.get(id)).rejects.toThrow(TypeError)
    await expect(collect(client.runs.stream({ agentId: '..', message: 'Hello' }))).rejects.toThrow(TypeError)
  })
})

describe('a request that may be sent again', () => {
  it('is, after 503 and 429, when the server wants it', async () => {
    const listener = answers(refuse(503, { 'retry-after': '1' }), refuse(429), models)
    const client = clientOf((await serve(listener)).url)
    const before = performance.now()
    expect(await client.models()).toEqual([{ id: 'gpt', provider: 'openai' }])
    expect(performance.now() - before).toBeGreaterThan(990)
    expect(listener.count).toBe(3)
  })

  it('is a bounded number of times', async () => {
    const listener = answers(refuse(503))
    const client = clientOf((await serve(listener)).url, { retry: { retries: 2, baseDelayMs: 1 } })
    await expect(client.models()).rejects.toMatchObject({ status: 503, code: 'QUEUE_FULL', requestId: 'req_1' })
    expect(listener.count).toBe(3)
  })

  it('is not when that would take too long, or be of no use', async () => {
    for (const refusal of [refuse(503, { 'retry-after': '3600' }), refuse(404), refuse(500)]) {
      const listener = answers(refusal, models)
      await expect(clientOf((await serve(listener)).url).models()).rejects.toThrow('Not now.')
      expect(listener.count).toBe(1)
    }
    const listener = answers(refuse(429, { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() }), models)
    const error = await clientOf((await serve(listener)).url)
      .models()
      .catch((e: unknown) => e)
    expect((error as AgentOSClientError).retryAfter).toBeGreaterThan(3_590)
  })

  it('is none that writes', async () => {
    const listener = answers(refuse(503), models)
    const client = clientOf((await serve(listener)).url)
    await expect(client.sessions.rename('s', 'Name')).rejects.toMatchObject({ status: 503 })
    await expect(client.health()).resolves.toBeDefined()
    expect(listener.count).toBe(2)
  })

  it('waits no longer than its signal lets it', async () => {
    const client = clientOf((await serve(answers(refuse(503, { 'retry-after': '30' })))).url)
    const signal = AbortSignal.timeout(50)
    await expect(client.models({ signal })).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('begins a stream, too', async () => {
    const agentOS = testAgentOS()
    let count = 0
    const client = new AgentOSClient({
      baseUrl: 'http://host/os/',
      reconnect: { baseDelayMs: 1 },
      fetch: (url, init) => {
        count += 1
        if (count < 3) return Promise.reject(new TypeError('no network'))
        return agentOS.fetch(new Request(url, init), { basePath: '/os' })
      },
    })
    const events = await collect(client.runs.stream({ agentId, message: 'Hello' }))
    expect(events.at(-1)?.event).toBe('RunCompleted')
    expect(count).toBe(3)
  })
})

describe('a client', () => {
  it('sends its headers, and asks for its token each time', async () => {
    const seen: (string | undefined)[][] = []
    const host = await serve((request, response) => {
      seen.push([request.headers.authorization, request.headers['x-tenant'] as string, request.headers.accept])
      models(request, response)
    })
    let tokens = 0
    const client = clientOf(host.url, { token: async () => `token-${++tokens}`, headers: { 'X-Tenant': 'a' } })
    await client.models()
    await client.models()
    await clientOf(host.url, { token: 'fixed' }).models()
    await clientOf(host.url).models()
    expect(seen).toEqual([
      ['Bearer token-1', 'a', 'application/json'],
      ['Bearer token-2', 'a', 'application/json'],
      ['Bearer fixed', undefined, 'application/json'],
      [undefined, undefined, 'application/json'],
    ])
  })

  it('lets the failure of its token through', async () => {
    const client = clientOf('http://127.0.0.1:1', { token: () => Promise.reject(new Error('signed out')) })
    await expect(client.models()).rejects.toThrow('signed out')
    await expect(collect(client.runs.stream({ agentId, message: 'Hello' }))).rejects.toThrow('signed out')
  })

  it('says what the server is made of', async () => {
    const { client } = await served(testAgentOS(undefined, { name: 'Shop', version: '2.1.0' }))
    // Typed, because these types are written by hand.
    const health: Health = { status: 'ok', instantiatedAt: expect.any(String) as string }
    const api: ApiInfo = { name: 'AgentOS API', id: 'agentos', version: '2.1.0' }
    const info: ServerInfo = {
      osId: 'agentos',
      name: 'Shop',
      agnoVersion: expect.any(String) as string,
      sdk: { name: 'agentos-sdk', version: expect.any(String) as string },
      agentCount: 1,
      teamCount: 0,
      workflowCount: 0,
      mcp: { enabled: false, path: null, oauth: null },
      authMode: 'none',
    }
    expect(await client.health({ ready: true })).toEqual(health)
    expect(await client.api()).toEqual(api)
    expect(await client.info()).toEqual(info)
    expect(await client.config()).toMatchObject({ agents: [{ id: agentId, dbId: expect.any(String) as string }] })
    expect(await client.models()).toEqual([{ id: 'scripted', provider: 'agentos' }])
    expect(await client.agents.list({ limit: 5 })).toMatchObject({
      data: [{ id: agentId, isFactory: false }],
      totalCount: 1,
    })
    expect((await client.agents.get(agentId)).model).toMatchObject({ id: 'scripted' })
  })
})
