import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SDK } from '../../src/core/version.js'
import { plainAgent } from '../support/plain-agent.js'
import { scopedCaller, serve } from '../support/served-os.js'

const model = (provider: string, id: string) => ({ model: { name: id, model: id, provider, id } })
const agents = [
  plainAgent({ id: 'support', describe: () => ({ ...model('openai', 'gpt'), description: 'Helps.' }) }),
  plainAgent({ id: 'billing', describe: () => model('openai', 'gpt') }),
  plainAgent({ id: 'plain' }),
  plainAgent({ id: 'local', describe: () => model('ollama', 'llama') }),
]
interface Described {
  content?: Record<string, { example?: unknown }>
}
interface Operation {
  operationId: string
  summary: string
  tags: string[]
  responses: Record<string, Described>
  requestBody?: Described
}
const operationsOf = (paths: Record<string, Record<string, Operation>>) =>
  Object.values(paths).flatMap(Object.values<Operation>)

let ready: { ready: boolean; reason?: string } = { ready: true }
let os: ReturnType<typeof serve>
beforeAll(() => {
  const database = { id: 'main', tables: { sessions: 'agentos_sessions' }, check: () => Promise.resolve(ready) }
  os = serve({ agents, server: { name: 'Shop', description: 'Of the shop.', database } })
})
afterAll(() => os.close())

describe('GET /', () => {
  it('says what answers', async () => {
    expect((await os.ask('GET /')).body).toEqual({ name: 'AgentOS API', id: 'shop', version: '1.0.0' })
  })
})

describe('GET /health', () => {
  it('says since when, without a look at the database', async () => {
    ready = { ready: false, reason: 'SQLITE_BUSY: select 1' }
    const { status, body } = await os.ask('GET /health')
    expect([status, body]).toEqual([200, { status: 'ok', instantiated_at: '2026-04-24T20:00:00.000Z' }])
  })

  it('asks the database when it should, and keeps the driver’s words to itself', async () => {
    ready = { ready: false, reason: 'SQLITE_BUSY: select 1' }
    const away = await os.ask('GET /health?ready=true')
    expect(away).toMatchObject({ status: 503, body: { error_code: 'NOT_READY' } })
    expect(away.headers.get('retry-after')).toBe('1')
    expect(JSON.stringify(away.body)).not.toContain('SQLITE')
    ready = { ready: true }
    expect((await os.ask('GET /health?ready=true')).status).toBe(200)
  })
})

describe('GET /info', () => {
  it('is what tools need to know, null where there is nothing', async () => {
    expect((await os.ask('GET /info')).body).toEqual({
      os_id: 'shop',
      name: 'Shop',
      agno_version: '2.9.0',
      sdk: SDK,
      agent_count: 4,
      team_count: 0,
      workflow_count: 0,
      mcp: { enabled: false, path: null, oauth: null },
      auth_mode: 'none',
    })
  })
})

describe('GET /config', () => {
  it('says what the server is made of', async () => {
    const { status, body } = await os.ask('GET /config')
    expect(status).toBe(200)
    expect(body).toEqual({
      os_id: 'shop',
      name: 'Shop',
      description: 'Of the shop.',
      available_models: ['openai:gpt', 'ollama:llama'],
      os_database: 'main',
      databases: ['main'],
      session: { dbs: [{ db_id: 'main', domain_config: { display_name: 'main' }, tables: ['agentos_sessions'] }] },
      agents: [
        {
          id: 'support',
          name: 'Support',
          description: 'Helps.',
          db_id: 'main',
          model: { id: 'gpt', provider: 'openai' },
        },
        { id: 'billing', name: 'Support', db_id: 'main', model: { id: 'gpt', provider: 'openai' } },
        { id: 'plain', name: 'Support', db_id: 'main' },
        { id: 'local', name: 'Support', db_id: 'main', model: { id: 'llama', provider: 'ollama' } },
      ],
      teams: [],
      workflows: [],
      interfaces: [],
    })
  })

  it('lists only what the caller may read or run', async () => {
    const as = scopedCaller('alice', ['config:read', 'agents:support:run', 'agents:local:read'])
    const { body } = await os.ask('GET /config', { as })
    expect(body.agents.map(({ id }: { id: string }) => id)).toEqual(['support', 'local'])
  })

  it('answers 304 to whoever knows it already', async () => {
    const etag = (await os.ask('GET /config')).headers.get('etag')!
    const again = await os.ask('GET /config', { headers: { 'if-none-match': etag } })
    expect([again.status, again.body, again.headers.get('etag')]).toEqual([304, '', etag])
    const as = scopedCaller('alice', ['config:read', 'agents:support:run'])
    expect((await os.ask('GET /config', { as, headers: { 'if-none-match': etag } })).status).toBe(200)
  })
})

describe('GET /models', () => {
  it('lists each model once, first met first', async () => {
    expect((await os.ask('GET /models')).body).toEqual([
      { id: 'gpt', provider: 'openai' },
      { id: 'llama', provider: 'ollama' },
    ])
    expect((await os.ask('GET /models', { as: scopedCaller('alice', ['agents:read']) })).status).toBe(403)
  })
})

describe('the API description', () => {
  it('is valid OpenAPI 3.1, for the mount that was asked', async () => {
    const { headers, body } = await os.ask('GET /openapi.json')
    expect(headers.get('content-type')).toBe('application/json')
    expect(body.info).toEqual({ title: 'Shop', version: '1.0.0', description: 'Of the shop.' })
    expect(body.servers).toEqual([{ url: '/' }])
    expect(await new Validator().validate(structuredClone(body))).toEqual({ valid: true })
    const mounted = await os.app.fetch(new Request('http://host/os/openapi.json'), { basePath: '/os' })
    expect(await mounted.json()).toEqual({ ...body, servers: [{ url: '/os' }] })
  })

  it('gives every operation an id, a summary, a tag that is described, errors and examples', async () => {
    const { body } = await os.ask('GET /openapi.json')
    const operations = operationsOf(body.paths)
    const lacking = (isThere: (operation: Operation) => boolean): string[] =>
      operations.filter((one) => !isThere(one)).map(({ operationId }) => operationId)
    const tags = new Set(body.tags.map(({ name }: { name: string }) => name))
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    expect(lacking(({ operationId }) => /^[a-z_]+$/.test(operationId))).toEqual([])
    expect(lacking(({ summary }) => summary !== '')).toEqual([])
    expect(lacking((one) => one.tags.length > 0 && one.tags.every((tag) => tags.has(tag)))).toEqual([])
    expect(lacking(({ responses }) => '500' in responses)).toEqual([])
    const hasExample = (part: Described | undefined): boolean =>
      part?.content?.['application/json']?.example !== undefined
    const success = ({ responses }: Operation) => responses[Object.keys(responses)[0]!]
    expect(lacking((one) => '204' in one.responses || hasExample(success(one)))).toEqual([])
    expect(lacking(({ requestBody }) => requestBody === undefined || hasExample(requestBody))).toEqual([])
    expect(Object.keys(body.paths)).not.toContain('/docs')
  })

  it('comes with a page and its files', async () => {
    const page = await os.ask('GET /docs')
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.body).toContain('<title>Shop</title>')
    const style = await os.ask('GET /docs/assets/swagger-ui.css')
    expect([style.status, style.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8'])
    expect((await os.ask('GET /docs/assets/other.js')).body.error_code).toBe('ROUTE_NOT_FOUND')
  })
})
