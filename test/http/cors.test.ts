import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AgentOSOptions } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { testAgentOS } from '../support/agent-os.js'

const APP = 'https://app.example.com'
const OTHER = 'https://evil.example'

afterEach(() => vi.unstubAllEnvs())

async function ask(options: Partial<AgentOSOptions>, path = '/agents', init: RequestInit = {}): Promise<Response> {
  return testAgentOS(scripted('Hello!'), options).fetch(new Request(`http://host${path}`, init))
}

/** All that an answer says of other origins. */
function corsHeaders({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary'))
}

const from = (origin: string, more: Record<string, string> = {}) => ({ headers: { origin, ...more } })
const preflight = (origin: string, more: Record<string, string> = {}) => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization, content-type, x-user-id',
    ...more,
  },
})

const exposed = 'X-Request-Id, X-Run-Id, X-Session-Id, Retry-After, ETag, X-Total-Count, X-Next-Cursor'
const named = {
  'access-control-allow-origin': APP,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': exposed,
  vary: 'Origin',
}

describe('without a list of origins', () => {
  it('no answer speaks of other origins, and a preflight is an ordinary OPTIONS', async () => {
    expect(corsHeaders(await ask({}, '/agents', from(APP)))).toEqual({})
    const options = await ask({}, '/agents', preflight(APP))
    expect([options.status, corsHeaders(options), options.headers.get('allow')]).toEqual([
      204,
      {},
      'GET, HEAD, OPTIONS',
    ])
    expect(corsHeaders(await ask({ cors: [], compatibility: 'agno' }, '/agents', from('https://os.agno.com')))).toEqual(
      {},
    )
  })
})

describe('a page of a listed origin', () => {
  const cors = [APP, 'http://localhost:3000/']

  it('may read answers with credentials, errors and streams too', async () => {
    expect(corsHeaders(await ask({ cors }, '/agents', from(APP)))).toEqual(named)
    for (const path of ['/nothing', '/agents/none', '/agents?limit=x', '/agents/%zz']) {
      const refused = await ask({ cors }, path, from(APP))
      expect([refused.status >= 400 || path.includes('limit'), corsHeaders(refused)]).toEqual([true, named])
    }
    const body = JSON.stringify({ message: 'Hi', stream: true })
    const headers = { origin: APP, 'content-type': 'application/json' }
    const stream = await ask({ cors }, '/agents/my-agent/runs', { method: 'POST', headers, body })
    expect(stream.headers.get('content-type')).toMatch('text/event-stream')
    expect(corsHeaders(stream)).toEqual(named)
    expect(await stream.text()).toContain('RunCompleted')
  })

  it('is told by the preflight what it may send', async () => {
    const answer = await ask({ cors }, '/agents/my-agent/runs', preflight(APP))
    expect(answer.status).toBe(204)
    expect(corsHeaders(answer)).toEqual({
      ...named,
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
      'access-control-allow-headers': 'authorization, content-type, x-user-id',
      'access-control-max-age': '600',
      vary: 'Origin, Access-Control-Request-Headers',
    })
    const local = preflight('http://localhost:3000', { 'access-control-request-private-network': 'true' })
    expect(corsHeaders(await ask({ cors }, '/agents', local))).toMatchObject({
      'access-control-allow-origin': 'http://localhost:3000',
      'access-control-allow-private-network': 'true',
    })
  })

  it('gets nothing back that is no list of header names', async () => {
    for (const odd of ['a b', 'x'.repeat(2000), '"', 'a,,b', ',']) {
      const answer = await ask({ cors }, '/agents', preflight(APP, { 'access-control-request-headers': odd }))
      expect(corsHeaders(answer)).not.toHaveProperty('access-control-allow-headers')
    }
  })
})

it('a page of another origin gets no header but Vary', async () => {
  for (const origin of [OTHER, 'null', `${APP}.evil.example`, 'http://app.example.com', `${APP}:444`, '']) {
    expect(corsHeaders(await ask({ cors: [APP] }, '/agents', from(origin)))).toEqual({ vary: 'Origin' })
    const answer = await ask({ cors: [APP] }, '/agents', preflight(origin))
    expect([answer.status, corsHeaders(answer)]).toEqual([204, { vary: 'Origin, Access-Control-Request-Headers' }])
  }
})

it('"*" lets any page read, and none send credentials', async () => {
  for (const cors of ['*', ['*']] as const) {
    const any = { 'access-control-allow-origin': '*', 'access-control-expose-headers': exposed, vary: 'Origin' }
    expect(corsHeaders(await ask({ cors }, '/agents', from(OTHER)))).toEqual(any)
  }
  expect(corsHeaders(await ask({ cors: ['*', APP] }, '/agents', from(APP)))).toEqual(named)
})

it('the list may come from the environment, and the option goes before it', async () => {
  vi.stubEnv('CORS_ORIGIN_LIST', JSON.stringify([APP]))
  expect(corsHeaders(await ask({}, '/agents', from(APP)))).toEqual(named)
  expect(corsHeaders(await ask({ cors: [OTHER] }, '/agents', from(APP)))).toEqual({ vary: 'Origin' })
  for (const odd of ['https://app.example.com', '{}', '[1]']) {
    vi.stubEnv('CORS_ORIGIN_LIST', odd)
    expect(() => testAgentOS()).toThrow('CORS_ORIGIN_LIST')
  }
})

it("clients of the origin's own pages are served where they are asked for", async () => {
  for (const origin of ['http://localhost:3000', 'https://os.agno.com', 'https://app.agno.com', APP]) {
    const answer = await ask({ compatibility: 'agno', cors: [APP] }, '/agents', from(origin))
    expect(corsHeaders(answer)).toMatchObject({ 'access-control-allow-origin': origin })
  }
})

it('an entry that is no origin is refused at once', () => {
  for (const odd of ['app.example.com', `${APP}/path`, 'null', 'file:///a', '', `https://u:p@a.example`]) {
    expect(() => testAgentOS(scripted('Hello!'), { cors: [odd] })).toThrow('is no origin for cors')
  }
})

describe('headers that protect', () => {
  const protection = {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  }

  it('are on answers, errors, streams and the page, and only what is public may be cached', async () => {
    const json = { 'content-type': 'application/json' }
    const body = JSON.stringify({ message: 'Hi', stream: true })
    const cached: Record<string, string | null> = {}
    for (const path of ['/agents', '/nothing', '/health', '/config', '/docs', '/docs/assets/swagger-ui.css', '/runs']) {
      const init = path === '/runs' ? { method: 'POST', headers: json, body } : {}
      const answer = await ask({}, path === '/runs' ? '/agents/my-agent/runs' : path, init)
      expect(Object.fromEntries(answer.headers)).toMatchObject(protection)
      cached[path] = answer.headers.get('cache-control')
      await answer.body?.cancel()
    }
    expect(cached).toEqual({
      '/agents': 'no-store',
      '/nothing': 'no-store',
      '/health': 'no-store',
      '/config': 'private, no-cache',
      '/docs': 'no-store',
      '/docs/assets/swagger-ui.css': 'public, max-age=86400',
      '/runs': 'no-cache, no-transform',
    })
  })
})

it('a page of a listed origin may change things with its cookie, any other may not', async () => {
  const auth = { osSecurityKey: 'the-key-of-the-operator', tokenSource: 'cookie' } as const
  const create = (origin: string, cors?: AgentOSOptions['cors']) =>
    ask({ auth, cors }, '/sessions', {
      method: 'POST',
      headers: { origin, cookie: 'access_token=the-key-of-the-operator', 'content-type': 'application/json' },
      body: JSON.stringify({ agent_id: 'my-agent' }),
    })
  expect((await create(APP, [APP])).status).toBe(201)
  const refused = await create(OTHER, [APP, '*'])
  expect([refused.status, await refused.json()]).toMatchObject([403, { error_code: 'CSRF_REJECTED' }])
  expect((await create(APP)).status).toBe(403)
})

it('who has no token is told so in a way that its page can read, and a preflight needs none', async () => {
  const auth = { osSecurityKey: 'the-key-of-the-operator' }
  const refused = await ask({ auth, cors: [APP] }, '/agents', from(APP))
  expect([refused.status, corsHeaders(refused)]).toEqual([401, named])
  expect((await ask({ auth, cors: [APP] }, '/agents', preflight(APP))).headers.get('access-control-max-age')).toBe(
    '600',
  )
})
