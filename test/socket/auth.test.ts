import { describe, expect, it } from 'vitest'
import type { Caller } from 'agentos-sdk'
import { systemClock } from '../../src/core/clock.js'
import { UnauthorizedError, UnavailableError } from '../../src/core/errors.js'
import { silentLogger } from '../../src/core/logger.js'
import { holdsScope, InsufficientScopeError } from '../../src/core/scopes.js'
import type { SocketGate } from '../../src/http/socket/socket-gate.js'
import { WorkflowSockets } from '../../src/http/socket/workflow-sockets.js'
import { RawClient } from '../adapters/client.js'
import { scopedCaller } from '../support/served-os.js'
import { TestSocket } from './client.js'
import { serveOn, testOS } from './support.js'

const start = { action: 'start-workflow', workflow_id: 'greet', message: 'Ada' }

/** What the Authenticator of a server does, over a table of tokens. */
class Tokens {
  readonly callers = new Map<string, Caller>([
    ['ada', scopedCaller('ada', ['workflows:run'])],
    ['bob', scopedCaller('bob', ['workflows:greet:run'])],
  ])
  asked = 0

  readonly gate: SocketGate = {
    authenticate: ({ headers }) => {
      this.asked += 1
      const sent = headers.get('authorization')?.replace('Bearer ', '')
      if (sent === undefined) throw new UnauthorizedError('TOKEN_MISSING', 'There is no token.')
      if (sent === 'old') throw new UnauthorizedError('TOKEN_EXPIRED', 'The token has expired.')
      if (sent === 'away') throw new UnavailableError('AUTH_UNAVAILABLE', 'Nobody can tell.')
      const caller = this.callers.get(sent)
      if (!caller) throw new UnauthorizedError('TOKEN_INVALID', 'The token is not valid here.')
      return caller
    },
    checkRun: (caller, id) => {
      if (!holdsScope(caller, 'workflows:run', id)) throw new InsufficientScopeError(['workflows:run'])
    },
    takeRun: () => undefined,
    tokenHeader: 'Authorization',
    trustedOrigins: new Set(['https://app.example']),
  }
}

async function guarded({ authTimeoutMs }: { authTimeoutMs?: number } = {}) {
  const { agentOS, release } = testOS()
  const tokens = new Tokens()
  const sockets = new WorkflowSockets({
    gate: tokens.gate,
    services: (caller) => agentOS.as(caller),
    logger: silentLogger,
    clock: systemClock,
    ...(authTimeoutMs !== undefined && { authTimeoutMs }),
  })
  const { url } = await serveOn(sockets)
  const open = () => TestSocket.open(`${url}/workflows/ws`)
  const as = async (token: string) => {
    const socket = await open()
    await socket.next()
    expect(await socket.ask({ action: 'authenticate', token })).toMatchObject({ event: 'authenticated' })
    return socket
  }
  return { tokens, url, open, as, agentOS, release }
}

/** Asks for the socket with headers that a page could not set. */
async function handshake(url: string, headers: Record<string, string>): Promise<RawClient> {
  const client = await RawClient.open(url)
  const lines = Object.entries({
    Host: new URL(url).host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  client.send(`GET /workflows/ws HTTP/1.1\r\n${lines.join('')}\r\n`)
  return client
}

describe('a socket that needs a token', () => {
  it('says so, and does nothing before', async () => {
    const { open } = await guarded()
    const socket = await open()
    expect(await socket.next()).toMatchObject({ event: 'connected', requires_auth: true })
    for (const frame of [start, { ...start, workflow_id: 'nope' }, { action: 'dance' }, { action: 'reconnect' }]) {
      expect(await socket.ask({ ...frame, id: 4 })).toEqual({
        event: 'auth_required',
        id: 4,
        error: expect.any(String),
      })
    }
    expect(await socket.ask({ action: 'ping' })).toEqual({ event: 'pong' })
  })

  it('takes it in a frame, at once before others', async () => {
    const { open } = await guarded()
    const socket = await open()
    socket.send({ action: 'authenticate', token: 'ada', id: 1 })
    socket.send(start)
    const frames = await socket.until('WorkflowCompleted')
    expect(frames[1]).toEqual({ event: 'authenticated', id: 1, message: 'Ready.', user_id: 'ada' })
  })

  it('takes it from the header of the request', async () => {
    const { url } = await guarded()
    const client = await handshake(url, { Authorization: 'Bearer ada' })
    expect(await client.receives('requires_auth')).toContain('"requires_auth":false')
  })

  it('refuses a bad one in that header before there is a socket', async () => {
    const { url } = await guarded()
    const client = await handshake(url, { Authorization: 'Bearer guess' })
    const answer = await client.receives('TOKEN_INVALID')
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    expect(answer).toMatch(/www-authenticate: Bearer error="invalid_token"/i)
  })

  it('tells why a token is refused, and takes another', async () => {
    const { open } = await guarded()
    const socket = await open()
    await socket.next()
    const refused = async (token: string) => {
      const { event, error_type, error_code } = await socket.ask({ action: 'authenticate', token })
      return [event, error_type, error_code] as string[]
    }
    expect(await refused('guess')).toEqual(['auth_error', 'invalid_token', 'TOKEN_INVALID'])
    expect(await refused('no\nheader')).toEqual(['auth_error', 'invalid_token', 'TOKEN_INVALID'])
    expect(await refused('old')).toEqual(['auth_error', 'expired', 'TOKEN_EXPIRED'])
    expect(await refused('away')).toEqual(['auth_error', 'server_error', 'AUTH_UNAVAILABLE'])
    expect(await socket.ask({ action: 'authenticate', token: 'ada' })).toMatchObject({ event: 'authenticated' })
  })

  it('closes with 4401 when nobody says in time who is there, and not afterwards', async () => {
    const { open, as } = await guarded({ authTimeoutMs: 100 })
    const known = await as('ada')
    const silent = await open()
    expect((await silent.closed).code).toBe(4401)
    expect(await known.ask({ action: 'ping' })).toEqual({ event: 'pong' })
  })

  it('closes with 4403 when the token has come to its end', async () => {
    const { tokens, as } = await guarded()
    const ada = tokens.callers.get('ada')!
    tokens.callers.set('short', { ...ada, claims: { exp: Date.now() / 1000 + 0.2 } })
    const socket = await as('short')
    tokens.callers.delete('short')
    expect((await socket.closed).code).toBe(4403)
  })

  it('closes with 4403 when the token of a service account is revoked', async () => {
    const { tokens, as } = await guarded()
    tokens.callers.set('bot', { ...scopedCaller('sa:bot', ['workflows:run']), kind: 'service_account' })
    const socket = await as('bot')
    tokens.callers.delete('bot')
    expect((await socket.closed).code).toBe(4403)
  })

  it('stays with a newer token of the same user, and takes none of another', async () => {
    const { tokens, as } = await guarded()
    const ada = tokens.callers.get('ada')!
    tokens.callers.set('short', { ...ada, claims: { exp: Date.now() / 1000 + 0.3 } })
    const socket = await as('short')
    tokens.callers.delete('short')
    expect(await socket.ask({ action: 'authenticate', token: 'bob' })).toMatchObject({ event: 'auth_error' })
    expect(await socket.ask({ action: 'authenticate', token: 'ada' })).toMatchObject({ event: 'authenticated' })
    const asked = tokens.asked
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(await socket.ask({ action: 'ping' })).toEqual({ event: 'pong' })
    expect(tokens.asked).toBe(asked)
  })

  it('asks for the scope on the workflow of each frame', async () => {
    const { as } = await guarded()
    const bob = await as('bob')
    bob.send(start)
    await bob.until('WorkflowCompleted')
    const refused = {
      event: 'error',
      error_code: 'INSUFFICIENT_SCOPE',
      additional_data: { required_scopes: ['workflows:run'] },
    }
    const named = { workflow_id: 'held', run_id: 'any' }
    for (const action of ['start-workflow', 'continue-workflow', 'reconnect', 'cancel-workflow']) {
      expect(await bob.ask({ ...start, ...named, action })).toMatchObject(refused)
    }
  })

  it('shows nobody the run of another, nor lets it be touched', async () => {
    const { as, agentOS } = await guarded()
    const [ada, bob] = [await as('ada'), await as('bob')]
    ada.send({ ...start, run_id: 'of-ada' })
    await ada.until('WorkflowCompleted')
    expect(await agentOS.runs.get('of-ada')).toMatchObject({ userId: 'ada' })
    const named = { workflow_id: 'greet', run_id: 'of-ada' }
    for (const action of ['continue-workflow', 'reconnect', 'cancel-workflow']) {
      expect(await bob.ask({ ...named, action })).toMatchObject({ event: 'error', error_code: 'RUN_NOT_FOUND' })
    }
    expect(await bob.ask({ action: 'reconnect', run_id: 'of-ada' })).toMatchObject({ error_code: 'RUN_NOT_FOUND' })
    expect(await bob.ask({ ...start, user_id: 'ada' })).toMatchObject({ error_code: 'USER_MISMATCH' })
  })
})

describe('pages of other origins', () => {
  it.each([
    [undefined, '101'],
    ['own', '101'],
    ['https://app.example', '101'],
    ['https://evil.example', '403'],
    ['null', '403'],
    ['http://app.example', '403'],
  ])('origin %s is answered %s', async (origin, status) => {
    const { url } = await guarded()
    const headers: Record<string, string> = origin === undefined ? {} : { Origin: origin === 'own' ? url : origin }
    const client = await handshake(url, { Authorization: 'Bearer ada', ...headers })
    const answer = await client.receives('\r\n\r\n')
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    await client.receives(status === '403' ? '"error_code":"CSRF_REJECTED"' : '"connected"')
  })
})
