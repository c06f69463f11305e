import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Agent, AgentOS, tool } from 'agentos-sdk'
import type { AuditEvent, Logger } from 'agentos-sdk'
import { openai, scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'

/** Each has the form of what it stands for, and a word that is nowhere else. */
const canaries = {
  modelKey: 'model-canary-Zq81xkTT',
  modelHeader: 'header-canary-Lw02nvPP',
  environmentKey: 'sk-canary-env-7Jm44dQQ',
  webhookSecret: `whsec_${Buffer.from('canary-webhook-secret-0000000001').toString('base64')}`,
  bearer: 'bearer-canary-5hTTcvE1',
  jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.Y2FuYXJ5c2ln',
  cookie: 'cookie-canary-3kd9sPPa',
  databasePassword: 'pw-canary-88xHHd1',
  securityKey: 'operator-canary-77Rt0Yw',
}

let folder = ''
const logged: string[] = []
const answered: string[] = []
const told: AuditEvent[] = []

/** All that a log may print of its fields, with everything in errors. */
function printed(fields: object): string {
  const seen = new Set<unknown>()
  return JSON.stringify(fields, (_key, value: unknown) => {
    if (value instanceof Error) {
      if (seen.has(value)) return '…'
      seen.add(value)
      return {
        ...Object.fromEntries(Object.entries(value)),
        name: value.name,
        message: value.message,
        stack: value.stack,
        cause: value.cause,
      }
    }
    return value
  })
}
const write = (fields: object, message?: string) => void logged.push(`${message} ${printed(fields)}`)
const logger: Logger = { debug: write, info: write, warn: write, error: write }

// A provider that refuses, and quotes all that it was sent.
const provider = createServer((request, response) => {
  const { authorization, 'x-tenant-key': tenant } = request.headers
  response.writeHead(401, { 'content-type': 'application/json', 'x-quoted': authorization ?? '' })
  response.end(
    JSON.stringify({ error: { message: `Refused ${authorization} of ${String(tenant)}`, code: 'invalid_api_key' } }),
  )
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agentos-canaries-'))
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  vi.unstubAllEnvs()
  provider.close()
  await rm(folder, { recursive: true })
})

it('no secret is in any log line, audit event, answer, or byte of the database', async () => {
  const baseURL = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`
  vi.stubEnv('OPENAI_API_KEY', canaries.environmentKey)
  const failing = tool({
    name: 'query',
    execute: () => {
      throw new Error(`connect postgres://app:${canaries.databasePassword}@db/shop refused`, {
        cause: Object.assign(new Error('auth'), { config: { password: canaries.databasePassword } }),
      })
    },
  })
  const callsTool = scripted(({ messages }) =>
    messages.at(-1)?.role === 'tool' ? 'It failed.' : { toolCalls: [{ id: 'call_1', name: 'query' }] },
  )
  const headers = { 'x-tenant-key': canaries.modelHeader }
  const broken = scripted(() => {
    throw new Error(
      `Bearer ${canaries.bearer} with ${canaries.jwt} at https://u:${canaries.databasePassword}@a.example`,
    )
  })
  const agentOS = new AgentOS({
    agents: [
      new Agent({ id: 'keyed', model: openai('m', { baseURL, apiKey: canaries.modelKey, headers, api: 'chat' }) }),
      new Agent({ id: 'environment', model: openai('m', { baseURL, api: 'responses' }) }),
      new Agent({ id: 'tools', model: callsTool, tools: [failing] }),
      new Agent({ id: 'broken', model: broken }),
    ],
    storage: sqlite(join(folder, 'canary.db')),
    logger,
    auth: { osSecurityKey: canaries.securityKey },
    audit: (event) => void told.push(event),
    webhooks: { secrets: { default: canaries.webhookSecret }, allowedHosts: ['127.0.0.1:9'], retryDelaysMs: [] },
  })
  const send = async (line: string, body?: object) => {
    const [method = '', path = ''] = line.split(' ')
    const request = new Request(`http://host${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${canaries.securityKey}`,
        'x-api-key': canaries.bearer,
        cookie: `session=${canaries.cookie}`,
        'x-request-id': `${canaries.jwt}=`,
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const response = await agentOS.fetch(request)
    answered.push(`${JSON.stringify([...response.headers])} ${await response.text()}`)
    return response.status
  }
  for (const id of ['keyed', 'environment', 'tools', 'broken']) {
    const webhook = { url: 'http://127.0.0.1:9/hook' }
    expect(await send(`POST /agents/${id}/runs`, { message: 'Hi', webhook })).toBe(200)
    await send(`POST /agents/${id}/runs`, { message: 'Hi', stream: true })
  }
  expect(await send(`GET /sessions/${canaries.securityKey}`)).toBe(404)
  // What a caller sends in the wrong place is quoted to it, as far as it is no secret.
  expect(await send(`GET /sessions/${canaries.jwt}`)).toBe(404)
  expect(await send(`DELETE /sessions/${canaries.jwt}`)).toBeLessThan(500)
  expect(await send(`GET /sessions?sort_by=${canaries.jwt}`)).toBe(422)
  expect(await send(`GET /agents/keyed/runs?status=${canaries.environmentKey}`)).toBe(422)
  for (const path of ['/config', '/models', '/info', '/agents', '/openapi.json']) await send(`GET ${path}`)
  await agentOS.stop()

  const files = await readdir(folder)
  const bytes = await Promise.all(files.map((name) => readFile(join(folder, name), 'latin1')))
  const places = {
    log: logged.join('\n'),
    answers: answered.join('\n'),
    audit: JSON.stringify(told),
    bytes: bytes.join(),
  }
  expect(logged.length).toBeGreaterThan(5)
  expect(told.length).toBeGreaterThan(0)
  const found = Object.entries(places).flatMap(([place, text]) =>
    Object.entries(canaries)
      .filter(([, canary]) => text.includes(canary))
      .map(([name]) => `${name} in ${place}`),
  )
  expect(found).toEqual([])
  // They were there to be struck out.
  for (const place of ['log', 'answers', 'bytes'] as const) expect(places[place], place).toContain('[redacted]')
  console.log(
    `canaries: ${Object.keys(canaries).length} in ${logged.length} log lines, ${answered.length} answers, ${bytes.join('').length} bytes`,
  )
})
