import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plainAgent } from '../support/plain-agent.js'
import { scopedCaller, serve, userCaller } from '../support/served-os.js'

const agents = [
  plainAgent({ id: 'support', describe: () => ({ model: { id: 'gpt', model: 'gpt', provider: 'openai' } }) }),
  plainAgent({ id: 'billing' }),
  plainAgent({
    id: 'broken',
    describe: () => {
      throw new Error('no tools')
    },
  }),
]
let os: ReturnType<typeof serve>
beforeAll(() => void (os = serve({ agents })))
afterAll(() => os.close())

const ids = (body: { id: string }[]) => body.map(({ id }) => id)

describe('GET /agents', () => {
  it('is a bare array in the order of registration', async () => {
    const { status, headers, body } = await os.ask('GET /agents')
    expect(status).toBe(200)
    expect(ids(body)).toEqual(['support', 'billing', 'broken'])
    expect(body[0]).toEqual({
      id: 'support',
      name: 'Support',
      db_id: os.storage.id,
      model: { id: 'gpt', model: 'gpt', provider: 'openai' },
      is_factory: false,
      is_component: false,
    })
    expect([headers.get('x-total-count'), headers.get('x-next-cursor')]).toEqual(['3', null])
  })

  it('names a component that can’t be described, and why', async () => {
    const { body } = await os.ask('GET /agents')
    expect(body[2]).toMatchObject({ id: 'broken', name: 'Support', metadata: { error: 'Error: no tools' } })
  })

  it('pages when asked to', async () => {
    const first = await os.ask('GET /agents?limit=2')
    expect(ids(first.body)).toEqual(['support', 'billing'])
    const next = await os.ask(`GET /agents?limit=2&cursor=${first.headers.get('x-next-cursor')}`)
    expect(ids(next.body)).toEqual(['broken'])
    expect([next.headers.get('x-total-count'), next.headers.get('x-next-cursor')]).toEqual(['3', null])
    for (const query of ['cursor=nonsense', 'limit=0', 'limit=1001', 'page=2']) {
      expect((await os.ask(`GET /agents?${query}`)).body.error_code).toBe('VALIDATION_ERROR')
    }
  })

  it('is narrowed to what the caller may read', async () => {
    const seen = async (...scopes: string[]) => os.ask('GET /agents', { as: scopedCaller('alice', scopes) })
    expect(ids((await seen('agents:billing:read', 'agents:support:run')).body)).toEqual(['billing'])
    expect((await seen('agents:billing:read')).headers.get('x-total-count')).toBe('1')
    expect(ids((await seen('agents:*:read')).body)).toHaveLength(3)
    expect(await seen('agents:run')).toMatchObject({ status: 403, body: { error_code: 'INSUFFICIENT_SCOPE' } })
  })
})

describe('GET /agents/{agent_id}', () => {
  it('is one agent', async () => {
    const { status, body } = await os.ask('GET /agents/billing')
    expect([status, body.id]).toEqual([200, 'billing'])
  })

  it('answers 404 for what is not there, and for versions of what has none', async () => {
    expect(await os.ask('GET /agents/nobody')).toMatchObject({ status: 404, body: { error_code: 'AGENT_NOT_FOUND' } })
    expect(await os.ask('GET /agents/billing?version=1')).toMatchObject({
      status: 404,
      body: { error_code: 'COMPONENT_VERSION_NOT_FOUND' },
    })
    expect((await os.ask('GET /agents/billing?version=0')).status).toBe(422)
  })

  it('needs the scope of this agent', async () => {
    const as = userCaller('alice', { scopes: ['agents:billing:read'] })
    expect((await os.ask('GET /agents/billing', { as })).status).toBe(200)
    expect((await os.ask('GET /agents/support', { as })).status).toBe(403)
  })
})
