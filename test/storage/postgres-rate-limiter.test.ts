import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Agent, AgentOS } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { postgres } from 'agentos-sdk/storage'
import { silentLogger } from '../../src/core/logger.js'
import { createDatabase, type TestDatabase } from '../support/postgres-database.js'

const HOUR = 3_600_000

let database: TestDatabase
let nodes: ReturnType<typeof postgres>[]
beforeAll(async () => {
  database = await createDatabase()
  nodes = ['one', 'other'].map((node) => postgres(database.url(node)))
})
beforeEach(async () => {
  await nodes[0]!.runs.active('none')
  await database.clear()
})
afterAll(async () => {
  for (const node of nodes) await node.close()
  await database[Symbol.asyncDispose]()
})

const take = async (node: number, key: string, count: number, windowMs = HOUR) =>
  nodes[node]!.rateLimiter!.take(key, { count, windowMs })

describe('the rate limiter of PostgreSQL', () => {
  it('gives so many at once to all processes together, however they crowd, and says how long to wait', async () => {
    const waits = await Promise.all(Array.from({ length: 60 }, (_, at) => take(at % 2, 'user:ann', 20)))
    expect(waits.filter((wait) => wait === 0)).toHaveLength(20)
    const wait = await take(0, 'user:ann', 20)
    expect(wait).toBeGreaterThan(HOUR / 20 - 60_000)
    expect(wait).toBeLessThanOrEqual(HOUR / 20)
  })

  it('counts each key by itself', async () => {
    expect([await take(0, 'user:ann', 1), await take(0, 'user:bob', 1)]).toEqual([0, 0])
    expect(await take(1, 'user:ann', 1)).toBeGreaterThan(0)
  })

  it('gives one back after its share of the time, by the clock of the database', async () => {
    for (let at = 0; at < 4; at++) expect(await take(0, 'a', 4)).toBe(0)
    expect(await take(0, 'a', 4)).toBeGreaterThan(0)
    await database.sql('UPDATE agentos_rate_limits SET paid_off_at = paid_off_at - $1', [HOUR / 4])
    expect(await take(1, 'a', 4)).toBe(0)
    expect(await take(1, 'a', 4)).toBeGreaterThan(0)
  })

  it('does not count what it has refused', async () => {
    for (let at = 0; at < 10; at++) await take(0, 'a', 1)
    await database.sql('UPDATE agentos_rate_limits SET paid_off_at = paid_off_at - $1', [HOUR])
    expect(await take(0, 'a', 1)).toBe(0)
  })

  it('takes any key, and stores none of them as it is', async () => {
    for (const key of ['user:ann\0', 'user:\uD800', 'x'.repeat(10_000)]) expect(await take(0, key, 1)).toBe(0)
    const rows = await database.sql<{ key: string }>('SELECT key FROM agentos_rate_limits')
    expect(rows.map(({ key }) => key.length)).toEqual([43, 43, 43])
  })

  it('forgets what is paid off', async () => {
    for (let at = 0; at < 5; at++) await take(0, `old:${at}`, 1)
    await database.sql('UPDATE agentos_rate_limits SET paid_off_at = 0')
    const third = postgres(database.url('third'))
    for (let at = 0; at < 1000; at++) await third.rateLimiter!.take('new', { count: 5000, windowMs: HOUR })
    await third.close()
    expect(await database.sql('SELECT count(*)::int AS count FROM agentos_rate_limits')).toEqual([{ count: 1 }])
  })

  it('is the one that limits runs where nobody has named another', async () => {
    const processes = nodes.map(
      (storage) =>
        new AgentOS({
          agents: [new Agent({ id: 'my-agent', model: scripted('Hello!') })],
          storage,
          logger: silentLogger,
          rateLimits: { runsPerMinute: 2 },
        }),
    )
    const run = (agentOS: AgentOS) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"message":"Hi"}' }
      const request = new Request('http://host/agents/my-agent/runs', init)
      return agentOS.fetch(request, { clientAddress: '192.0.2.1' }).then(({ status }) => status)
    }
    const [one, other] = processes as [AgentOS, AgentOS]
    expect([await run(one), await run(other), await run(one), await run(other)]).toEqual([200, 200, 429, 429])
  })
})
