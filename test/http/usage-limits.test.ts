import { describe, expect, it } from 'vitest'
import type { AgentOS, AgentOSOptions } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { Caller } from '../../src/core/caller.js'
import { MemoryRateLimiter } from '../../src/core/rate-limiter.js'
import { clientAddress } from '../../src/http/client-address.js'
import { usageKey } from '../../src/http/usage-limits.js'
import { gate, testAgentOS, until } from '../support/agent-os.js'
import { TestClock } from '../support/served-os.js'

const RUNS = '/agents/my-agent/runs'

function run(agentOS: AgentOS, body: object = {}, clientAddress = '192.0.2.1', headers: Record<string, string> = {}) {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ message: 'Hi', ...body }),
  }
  return agentOS.fetch(new Request(`http://host${RUNS}`, init), { clientAddress })
}

async function told(response: Response) {
  const { error_code, detail } = (await response.json()) as { error_code: string; detail: string }
  return { status: response.status, error_code, detail, retryAfter: response.headers.get('retry-after') }
}

const os = (options: Partial<AgentOSOptions>, model = scripted('Hello!')) => testAgentOS(model, options)

describe('runs per minute', () => {
  it('refuses the next one until its share of the minute has passed', async () => {
    const clock = new TestClock()
    const agentOS = os({ rateLimits: { runsPerMinute: 3 }, clock })
    for (let at = 0; at < 3; at++) expect((await run(agentOS)).status).toBe(200)
    const refused = await told(await run(agentOS))
    expect(refused).toMatchObject({ status: 429, error_code: 'RATE_LIMITED', retryAfter: '20' })
    expect(refused.detail).toContain('3 runs a minute')
    clock.advance(20_000)
    expect((await run(agentOS)).status).toBe(200)
    expect((await run(agentOS)).status).toBe(429)
  })

  it('counts each caller by itself, streams and background runs too, and refuses before anything is stored', async () => {
    const agentOS = os({ rateLimits: { runsPerMinute: 2 } })
    expect((await run(agentOS, { background: true })).status).toBe(202)
    await (await run(agentOS, { stream: true })).text()
    expect((await run(agentOS, { session_id: 'late' })).status).toBe(429)
    expect((await run(agentOS, {}, '192.0.2.2')).status).toBe(200)
    await expect(agentOS.sessions.get('late')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  })

  it('counts continuing as well, and reads for nothing', async () => {
    const agentOS = os({ rateLimits: { runsPerMinute: 1 } })
    const { run_id } = (await (await run(agentOS)).json()) as { run_id: string }
    const at = { clientAddress: '192.0.2.1' }
    const url = `http://host${RUNS}/${run_id}`
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    expect((await agentOS.fetch(new Request(`${url}/continue`, init), at)).status).toBe(429)
    for (let times = 0; times < 5; times++) expect((await agentOS.fetch(new Request(url), at)).status).toBe(200)
  })

  it('may be counted elsewhere', async () => {
    const taken: unknown[] = []
    const limiter = {
      take: async (key: string, limit: object) => {
        taken.push([key, limit])
        return taken.length > 1 ? 1500 : 0
      },
    }
    const agentOS = os({ rateLimits: { runsPerMinute: 7, limiter } })
    expect((await run(agentOS)).status).toBe(200)
    expect(await told(await run(agentOS))).toMatchObject({ status: 429, retryAfter: '2' })
    expect(taken[0]).toEqual(['runs:address:192.0.2.1', { count: 7, windowMs: 60_000 }])
  })

  it('is a whole number', () => {
    for (const odd of [0, -1, 1.5, Number.NaN]) {
      expect(() => os({ rateLimits: { runsPerMinute: odd } })).toThrow('rateLimits.runsPerMinute')
      expect(() => os({ rateLimits: { streamsPerUser: odd } })).toThrow('rateLimits.streamsPerUser')
    }
  })
})

describe('open streams', () => {
  const held = () => {
    const { opened, open } = gate()
    const model = scripted(async () => {
      await opened
      return 'Hello!'
    })
    return { model, open }
  }

  it('are refused beyond the limit, and room is made by the end of one, or by a client that goes', async () => {
    const { model, open } = held()
    const agentOS = os({ rateLimits: { streamsPerUser: 2 } }, model)
    const [first, second] = [await run(agentOS, { stream: true }), await run(agentOS, { stream: true })]
    expect(await told(await run(agentOS, { stream: true }))).toMatchObject({
      status: 429,
      error_code: 'RATE_LIMITED',
      retryAfter: '5',
    })
    expect((await run(agentOS, { background: true })).status).toBe(202)
    expect((await run(agentOS, { stream: true }, '192.0.2.2')).status).toBe(200)

    await second.body!.cancel()
    const third = await run(agentOS, { stream: true })
    expect(third.status).toBe(200)
    open()
    expect(await first.text()).toContain('RunCompleted')
    expect((await run(agentOS, { stream: true })).status).toBe(200)
    await third.body?.cancel()
  })

  it('count when a run is followed again, and give their place back when the request is refused', async () => {
    const { model, open } = held()
    const agentOS = os({ rateLimits: { streamsPerUser: 1 } }, model)
    const { run_id } = (await (await run(agentOS, { background: true })).json()) as { run_id: string }
    const follow = (id: string) =>
      agentOS.fetch(new Request(`http://host${RUNS}/${id}/resume`), { clientAddress: '192.0.2.1' })
    for (let at = 0; at < 3; at++) expect((await follow('run_none')).status).toBe(404)
    const stream = await follow(run_id)
    expect([stream.status, (await follow(run_id)).status]).toEqual([200, 429])
    open()
    expect(await stream.text()).toContain('RunCompleted')
    // The end of a stream that nobody has to wait for any more frees its place as well.
    expect((await agentOS.fetch(new Request(`http://host${RUNS}/${run_id}/resume?last_event_index=99`))).status).toBe(
      204,
    )
    expect((await follow(run_id)).status).toBe(200)
  })

  it('give their place back when the client goes before anybody has read', async () => {
    const agentOS = os({ rateLimits: { streamsPerUser: 1 } })
    const gone = new AbortController()
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, signal: gone.signal }
    const body = JSON.stringify({ message: 'Hi', stream: true })
    const at = { clientAddress: '192.0.2.1' }
    expect((await agentOS.fetch(new Request(`http://host${RUNS}`, { ...init, body }), at)).status).toBe(200)
    gone.abort()
    expect((await run(agentOS, { stream: true })).status).toBe(200)
  })
})

describe('who is counted', () => {
  const user: Caller = { kind: 'user', userId: 'ada', scopes: [], admin: false, scoped: true }

  it('is the user wherever it calls from, else the address; an IPv6 site counts as one', () => {
    expect(usageKey(user, '192.0.2.1')).toBe('user:ada')
    const { userId: _none, ...anonymous } = user
    expect(usageKey(anonymous, '192.0.2.1')).toBe('address:192.0.2.1')
    expect(usageKey(anonymous, '2001:db8::1')).toBe(usageKey(anonymous, '2001:db8:0:0:ffff::2'))
    expect(usageKey(anonymous, '2001:db8::1')).not.toBe(usageKey(anonymous, '2001:db8:0:1::1'))
    expect(usageKey(anonymous, '::ffff:192.0.2.1')).not.toBe(usageKey(anonymous, '::ffff:192.0.2.2'))
  })

  it('is read from the header of a proxy only where one is trusted, and of several addresses the last', () => {
    const headers = new Headers({ 'x-forwarded-for': '198.51.100.9, 203.0.113.7' })
    expect(clientAddress(headers, '10.0.0.1', undefined)).toBe('10.0.0.1')
    expect(clientAddress(headers, '10.0.0.1', 'X-Forwarded-For')).toBe('203.0.113.7')
    expect(clientAddress(new Headers(), '10.0.0.1', 'X-Forwarded-For')).toBe('10.0.0.1')
    for (const [told, expected] of [
      ['203.0.113.7:4711', '203.0.113.7'],
      ['[2001:db8::1]:4711', '2001:db8::1'],
      ['[2001:db8::1]', '2001:db8::1'],
      ['2001:db8::1', '2001:db8::1'],
    ] as const)
      expect(clientAddress(new Headers({ 'x-real-ip': told }), undefined, 'X-Real-IP')).toBe(expected)
  })

  it('is read from a header that can be one', () => {
    for (const odd of ['', 'a b', 'X-Forwarded-For:']) {
      expect(() => os({ trustedProxyHeader: odd })).toThrow('trustedProxyHeader')
    }
  })

  it('cannot be chosen by a client without such a proxy', async () => {
    const agentOS = os({ rateLimits: { runsPerMinute: 1 } })
    const statuses = await Promise.all(
      ['1.1.1.1', '2.2.2.2', '3.3.3.3'].map(
        async (address) => (await run(agentOS, {}, '192.0.2.1', { 'x-forwarded-for': address })).status,
      ),
    )
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 429, 429])
  })
})

describe('overload is refused early', () => {
  it('ten times what is allowed costs a bounded amount of memory, and what was accepted ends', async () => {
    const agentOS = os({ rateLimits: { runsPerMinute: 50 }, runs: { maxPending: 100 } })
    const statuses = new Map<number, number>()
    const accepted: string[] = []
    const waits: number[] = []
    await Promise.all(
      Array.from({ length: 500 }, async (_, at) => {
        const answer = await run(agentOS, { background: true }, `192.0.2.${at % 5}`)
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        if (answer.status === 202) accepted.push(((await answer.json()) as { run_id: string }).run_id)
        else waits.push(Number(answer.headers.get('retry-after')))
      }),
    )
    expect([...statuses.keys()].toSorted((a, b) => a - b)).toEqual([202, 429])
    expect(accepted.length).toBeLessThanOrEqual(5 * 50)
    expect(Math.min(...waits)).toBeGreaterThan(0)
    console.log(`overload: ${JSON.stringify(Object.fromEntries(statuses))} of 500 requests`)
    await until(async () => {
      const runs = await Promise.all(accepted.map((id) => agentOS.runs.get(id)))
      return runs.every(({ status }) => status === 'completed')
    })
  })

  it('a flood of callers that are made up is forgotten again', () => {
    const limiter = new MemoryRateLimiter(new TestClock(), 1_000)
    for (let at = 0; at < 100_000; at++) limiter.take(`address:${at}`, { count: 10, windowMs: 60_000 })
    expect(limiter.size).toBe(1_000)
    expect(limiter.take('address:99999', { count: 1, windowMs: 60_000 })).toBeGreaterThan(0)
  })
})
