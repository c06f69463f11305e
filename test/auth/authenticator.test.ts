import { createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { authSettings } from '../../src/auth/auth-settings.js'
import type { AuthOptions } from '../../src/auth/auth-options.js'
import { toWebRequest } from '../../src/auth/auth-request.js'
import { Authenticator } from '../../src/auth/authenticator.js'
import type { TokenVerifier } from '../../src/auth/token-verifier.js'
import { TooManyRequestsError, UnauthorizedError, UnavailableError } from '../../src/core/errors.js'
import { anonymousCaller, fullCaller } from '../../src/core/caller.js'
import type { Caller } from '../../src/core/caller.js'
import { silentLogger } from '../../src/core/logger.js'
import { forged, jwks, ManualClock, NOW, requestWith, signer, token } from './support.js'

const key = signer()

function setUp(auth: AuthOptions | undefined, serviceTokens?: TokenVerifier) {
  const clock = new ManualClock()
  const warned: string[] = []
  const logger = { ...silentLogger, warn: (_fields: object, message?: string) => void warned.push(message ?? '') }
  const authenticator = new Authenticator(authSettings(auth, 'agentos', {}), { clock, logger, serviceTokens })
  const ask = async (request: Request, address?: string): Promise<Caller> =>
    authenticator.authenticate(request, address)
  const as = (sent: string): Promise<Caller> => ask(requestWith(`Bearer ${sent}`))
  return { ask, as, clock, warned }
}

const coded = (code: string) => expect.objectContaining({ code })
const withToken = (more: AuthOptions = {}) => setUp({ jwks: jwks(key), authorization: true, ...more })

describe('without any of it', () => {
  it('everybody is anonymous and may do everything, whatever they send', async () => {
    const { ask } = setUp(undefined)
    for (const sent of [undefined, 'Bearer x', 'Bearer agno_pat_x', 'Basic x']) {
      expect(await ask(requestWith(sent, { method: 'POST' }))).toBe(anonymousCaller)
    }
  })
})

describe('a security key', () => {
  const { ask } = setUp({ osSecurityKey: 'a key that is secret' })

  it('makes its holder root, with or without the word Bearer, in any case', async () => {
    for (const word of ['Bearer ', 'bearer  ', 'BEARER ', '']) {
      expect(await ask(requestWith(`${word}a key that is secret`))).toBe(fullCaller)
    }
  })

  it.each(['a key that is secre', 'a key that is secret!', 'A key that is secret', 'x', 'x'.repeat(5000)])(
    'is not "%s"',
    async (sent) => {
      await expect(ask(requestWith(`Bearer ${sent}`))).rejects.toEqual(coded('TOKEN_INVALID'))
    },
  )

  it('is asked for', async () => {
    const failure = await ask(requestWith(undefined)).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'TOKEN_MISSING', message: expect.stringContaining('Authorization') })
  })
})

describe('a JWT', () => {
  it.each(['RS256', 'RS512', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const)(
    'by %s counts where that is allowed, from a key set and from PEM',
    async (algorithm) => {
      const one = signer('one', algorithm)
      for (const keys of [{ jwks: jwks(one) }, { verificationKeys: [one.pem] }]) {
        const { as } = setUp({ ...keys, algorithm })
        expect((await as(await token(one))).userId).toBe('alice')
      }
    },
  )

  it.each(['HS256', 'HS384', 'HS512'] as const)('by %s counts with any of several secrets', async (algorithm) => {
    const secrets = ['1', '2'].map((one) => one.repeat(64))
    const { as } = setUp({ verificationKeys: secrets, algorithm, authorization: true })
    for (const secret of secrets) {
      const privateKey = createSecretKey(Buffer.from(secret))
      expect((await as(await token({ privateKey, id: undefined, algorithm }))).userId).toBe('alice')
    }
    const other = createSecretKey(Buffer.alloc(64, 7))
    await expect(as(await token({ privateKey: other, id: undefined, algorithm }))).rejects.toEqual(
      coded('TOKEN_INVALID'),
    )
  })

  it('counts with any of several keys, so that one can be replaced', async () => {
    const [old, next, stranger] = [signer(null), signer(null), signer(null)]
    const { as } = setUp({ verificationKeys: [old.pem, next.pem] })
    expect((await as(await token(old))).userId).toBe('alice')
    expect((await as(await token(next))).userId).toBe('alice')
    await expect(as(await token(stranger))).rejects.toEqual(coded('TOKEN_INVALID'))
  })

  it('has a tolerance for its times, and none beyond', async () => {
    const { as } = withToken()
    expect((await as(await token(key, { exp: NOW - 9 }))).userId).toBe('alice')
    await expect(as(await token(key, { exp: NOW - 10 }))).rejects.toEqual(coded('TOKEN_EXPIRED'))
    expect((await as(await token(key, { nbf: NOW + 10, iat: NOW + 10 }))).userId).toBe('alice')
    await expect(as(await token(key, { nbf: NOW + 11 }))).rejects.toEqual(coded('TOKEN_INVALID'))
    await expect(as(await token(key, { iat: NOW + 11 }))).rejects.toEqual(coded('TOKEN_INVALID'))
    const exact = withToken({ clockSkewSeconds: 0, requireExp: false })
    await expect(exact.as(await token(key, { exp: NOW }))).rejects.toEqual(coded('TOKEN_EXPIRED'))
    expect((await exact.as(await token(key, { exp: undefined }))).userId).toBe('alice')
  })

  it('that was seen before expires all the same', async () => {
    const { as, clock } = withToken()
    const sent = await token(key, { exp: NOW + 60 })
    expect(await as(sent)).toBe(await as(sent))
    clock.advance(69)
    expect((await as(sent)).userId).toBe('alice')
    clock.advance(1)
    await expect(as(sent)).rejects.toEqual(coded('TOKEN_EXPIRED'))
    await expect(as(sent)).rejects.toEqual(coded('TOKEN_EXPIRED'))
  })

  it('is for one of the audiences and from one of the issuers', async () => {
    const { as } = withToken({ audience: ['shop', 'agentos'], issuer: ['https://a.example', 'https://b.example'] })
    const claims = { iss: 'https://b.example', aud: ['other', 'shop'] }
    expect((await as(await token(key, claims))).userId).toBe('alice')
    for (const odd of [
      { aud: 'other' },
      { aud: { shop: true } },
      { iss: 'https://b.example/' },
      { iss: ['https://b.example'] },
    ]) {
      await expect(as(await token(key, { ...claims, ...odd }))).rejects.toEqual(coded('TOKEN_AUDIENCE_INVALID'))
    }
  })

  it('need not be for this server while authorization is off', async () => {
    const { as } = setUp({ jwks: jwks(key) })
    expect(await as(await token(key, { aud: 'other' }))).toMatchObject({ userId: 'alice', scoped: false, admin: false })
  })

  it('names its user in the claim that was chosen; nobody is taken for a machine', async () => {
    const { as } = withToken({ userIdClaim: 'email' })
    expect((await as(await token(key, { email: 'a@b.example' }))).userId).toBe('a@b.example')
    for (const email of ['sa:ci', '__oauth__:x', '__scheduler__', 7, ['a'], 'x'.repeat(256), 'a\u0000b']) {
      await expect(as(await token(key, { email }))).rejects.toEqual(coded('TOKEN_SUBJECT_INVALID'))
    }
    for (const email of [undefined, '', null]) {
      await expect(as(await token(key, { email }))).rejects.toEqual(coded('TOKEN_SUBJECT_REQUIRED'))
    }
    expect(await as(await token(key, { scopes: ['agent_os:admin'] }))).toMatchObject({ admin: true, scoped: false })
    await expect(as(await token(key, { sub: 7, email: 'a@b.example' }))).rejects.toEqual(coded('TOKEN_SUBJECT_INVALID'))
  })

  it.each([
    [{ scopes: ['agents:read', 'agents:run'] }, ['agents:read', 'agents:run']],
    [{ scopes: 'agents:read  agents:run' }, ['agents:read', 'agents:run']],
    [{ scope: 'agents:read agents:run' }, ['agents:read', 'agents:run']],
    [{ scp: ['agents:read'] }, ['agents:read']],
    [{ scopes: [], scope: 'agent_os:admin' }, []],
    [{ scopes: ['agents:read', 7, null] }, ['agents:read']],
    [{ scopes: { 'agents:read': true } }, []],
    [{}, []],
  ])('has its scopes in %j', async (claims, scopes) => {
    expect((await withToken().as(await token(key, claims))).scopes).toEqual(scopes)
  })

  it('has its scopes in no other claim than the one that was chosen', async () => {
    const { as } = withToken({ scopesClaim: 'permissions' })
    expect((await as(await token(key, { scopes: ['agent_os:admin'], permissions: ['agents:read'] }))).scopes).toEqual([
      'agents:read',
    ])
    expect((await as(await token(key, { scope: 'agent_os:admin' }))).scopes).toEqual([])
  })

  it('has the scopes of its roles beside its own', async () => {
    const roles = { editor: ['agents:run', 'sessions:write'], boss: ['agent_os:admin'] }
    const { as } = withToken({ roles })
    const editor = await as(
      await token(key, { roles: ['editor', 'unknown', 'constructor', '__proto__'], scopes: ['agents:run'] }),
    )
    expect(editor).toMatchObject({ scopes: ['agents:run', 'sessions:write'], admin: false, scoped: true })
    expect(await as(await token(key, { roles: 'boss' }))).toMatchObject({ admin: true, scoped: false })
    const other = withToken({ roles, rolesClaim: 'groups' })
    expect((await other.as(await token(key, { roles: ['boss'], groups: ['editor'] }))).admin).toBe(false)
  })

  it('of an admin is known by the scope that was chosen, and by no other', async () => {
    const { as } = withToken({ adminScope: 'shop:owner' })
    expect((await as(await token(key, { scopes: ['shop:owner'] }))).admin).toBe(true)
    expect((await as(await token(key, { scopes: ['agent_os:admin'] }))).admin).toBe(false)
  })

  it('pins what the host says that it pins, also where it says nothing', async () => {
    const { as } = withToken({ dependenciesClaims: ['tenant', 'plan'], sessionStateClaims: ['locale'] })
    const claims = { session_id: 'thread-7', tenant: { id: 7 }, locale: 'de' }
    const caller = await as(await token(key, claims))
    expect(caller).toMatchObject({
      sessionId: 'thread-7',
      dependencies: { tenant: { id: 7 } },
      sessionState: { locale: 'de' },
      claims: expect.objectContaining({ sub: 'alice', tenant: { id: 7 } }),
    })
    expect(await as(await token(key, {}))).toMatchObject({ dependencies: {}, sessionState: {} })
    await expect(as(await token(key, { session_id: 7 }))).rejects.toEqual(coded('TOKEN_INVALID'))
    // One caller serves many requests.
    expect(() => Object.assign(caller.claims!.tenant!, { id: 8 })).toThrow(TypeError)
  })

  it('that is not checked is read all the same: its times, its audience, its user', async () => {
    const { as, warned } = setUp({ validate: false, authorization: true })
    expect(warned).toEqual([expect.stringContaining('not checked')])
    const claims = { sub: 'alice', aud: 'agentos', exp: NOW + 60 }
    for (const alg of ['none', 'RS256']) expect((await as(forged({ alg }, claims, 'x'))).userId).toBe('alice')
    await expect(as(forged({}, { ...claims, exp: NOW - 60 }))).rejects.toEqual(coded('TOKEN_EXPIRED'))
    await expect(as(forged({}, { ...claims, aud: 'x' }))).rejects.toEqual(coded('TOKEN_AUDIENCE_INVALID'))
    await expect(as(forged({}, { ...claims, sub: 'sa:ci' }))).rejects.toEqual(coded('TOKEN_SUBJECT_INVALID'))
    for (const odd of ['alice', 'a.b.c', '..', 'W10.W10.'])
      await expect(as(odd)).rejects.toEqual(coded('TOKEN_INVALID'))
  })

  it('beats a security key, which is ignored, with a warning', async () => {
    const { as, warned } = setUp({ jwks: jwks(key), osSecurityKey: 'a key that is secret' })
    await expect(as('a key that is secret')).rejects.toEqual(coded('TOKEN_INVALID'))
    expect(warned).toEqual([expect.stringContaining('ignored')])
  })
})

describe('a token in a cookie', () => {
  const url = 'https://host.example/agents'
  const post = (headers: Record<string, string>, to = url) => new Request(to, { method: 'POST', headers })
  const cookie = async () => ({ cookie: `theme=dark; access_token=${await token(key)}; x=1` })

  it('counts where cookies are looked at; a header comes first', async () => {
    const headers = await cookie()
    await expect(withToken().ask(new Request(url, { headers }))).rejects.toEqual(coded('TOKEN_MISSING'))
    for (const tokenSource of ['cookie', 'both'] as const) {
      expect((await withToken({ tokenSource }).ask(new Request(url, { headers }))).userId).toBe('alice')
    }
    const bob = { ...headers, authorization: `Bearer ${await token(key, { sub: 'bob' })}` }
    expect((await withToken({ tokenSource: 'both' }).ask(new Request(url, { headers: bob }))).userId).toBe('bob')
    expect((await withToken({ tokenSource: 'cookie' }).ask(new Request(url, { headers: bob }))).userId).toBe('alice')
    const missing = await withToken({ tokenSource: 'cookie' })
      .ask(new Request(url))
      .catch((error: unknown) => error)
    expect(missing).toMatchObject({ code: 'TOKEN_MISSING', message: expect.stringContaining('access_token') })
  })

  it('changes nothing for a page of another site', async () => {
    const { ask } = withToken({ tokenSource: 'cookie', trustedOrigins: ['https://app.example'] })
    const sent = await cookie()
    const pages = [
      'https://evil.example',
      'null',
      'https://host.example.evil.example',
      'http://host.example',
      'https://host.example:8443',
      'rubbish',
    ]
    for (const origin of pages) {
      await expect(ask(post({ ...sent, origin })), origin).rejects.toEqual(coded('CSRF_REJECTED'))
    }
    await expect(ask(post({ ...sent, referer: 'https://evil.example/host.example' }))).rejects.toEqual(
      coded('CSRF_REJECTED'),
    )
    await expect(ask(post(sent))).rejects.toEqual(coded('CSRF_REJECTED'))
    for (const headers of [
      { origin: 'https://host.example' },
      { origin: 'https://app.example' },
      { referer: 'https://host.example/page' },
    ] as Record<string, string>[]) {
      expect((await ask(post({ ...sent, ...headers }))).userId).toBe('alice')
    }
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      await expect(ask(new Request(url, { method, headers: sent }))).rejects.toEqual(coded('CSRF_REJECTED'))
    }
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      expect(
        (await ask(new Request(url, { method, headers: { ...sent, origin: 'https://evil.example' } }))).userId,
      ).toBe('alice')
    }
  })

  it('comes from an own page also behind a proxy that ends TLS', async () => {
    const { ask } = withToken({ tokenSource: 'cookie' })
    const headers = { ...(await cookie()), host: 'host.example', origin: 'https://host.example' }
    expect((await ask(post(headers, 'http://10.0.0.1:8000/agents'))).userId).toBe('alice')
  })

  it('needs no origin in a header', async () => {
    const { ask } = withToken({ tokenSource: 'both' })
    const headers = { authorization: `Bearer ${await token(key)}`, origin: 'https://evil.example' }
    expect((await ask(post(headers))).userId).toBe('alice')
  })
})

describe('tokens of service accounts', () => {
  const machine: Caller = { kind: 'service_account', userId: 'sa:ci', scopes: [], admin: false, scoped: true }
  const asked: [string, string | undefined][] = []
  const verifier = (answer: () => Caller): TokenVerifier => ({
    prefix: 'agno_pat_',
    async verify(sent, address) {
      asked.push([sent, address])
      return answer()
    },
  })
  const failing = (error: Error) =>
    verifier(() => {
      throw error
    })
  const invalid = new UnauthorizedError('SERVICE_ACCOUNT_TOKEN_INVALID', 'It is not valid.')
  const request = () => requestWith('Bearer agno_pat_1')

  it.each<[string, AuthOptions | undefined]>([
    ['none', undefined],
    ['security key', { osSecurityKey: 'agno_pat_1' }],
    ['JWT', { jwks: jwks(key) }],
    ['the host', { authenticate: () => ({ userId: 'bob' }) }],
  ])('count in mode %s, and are never tried as anything else', async (_mode, auth) => {
    expect(
      await setUp(
        auth,
        verifier(() => machine),
      ).ask(request(), '192.0.2.1'),
    ).toBe(machine)
    expect(asked.at(-1)).toEqual(['agno_pat_1', '192.0.2.1'])
  })

  it('that are stale, or of nobody, are refused where there is anything to guard', async () => {
    const modes: AuthOptions[] = [
      { osSecurityKey: 'agno_pat_1' },
      { jwks: jwks(key) },
      { authenticate: () => ({ userId: 'b' }) },
    ]
    for (const auth of modes) {
      await expect(setUp(auth, failing(invalid)).ask(request())).rejects.toBe(invalid)
      await expect(setUp(auth).ask(request())).rejects.toEqual(coded('SERVICE_ACCOUNTS_UNAVAILABLE'))
    }
  })

  it('that are stale lock nobody out of an open server; a store that is away does', async () => {
    expect(await setUp(undefined, failing(invalid)).ask(request())).toBe(anonymousCaller)
    const away = new UnavailableError('AUTH_UNAVAILABLE', 'The store is away.')
    const tooMany = new TooManyRequestsError('AUTH_THROTTLED', 'Too many.', 5)
    expect(await setUp(undefined, failing(tooMany)).ask(request())).toBe(anonymousCaller)

    await expect(setUp(undefined, failing(away)).ask(request())).rejects.toBe(away)
  })
})

describe("the host's own authentication", () => {
  it('says who calls, is isolated and needs scopes by default; who it does not know may bring a token', async () => {
    const authenticate = ({ headers }: Request) => {
      const user = headers.get('x-session')
      return user === null ? null : { userId: user, roles: ['editor'], claims: { plan: 'pro' } }
    }
    const { ask } = setUp({ authenticate, roles: { editor: ['agents:run'] }, jwks: jwks(key) })
    expect(await ask(requestWith(undefined, { headers: { 'x-session': 'carol' } }))).toEqual({
      kind: 'user',
      userId: 'carol',
      scopes: ['agents:run'],
      admin: false,
      scoped: true,
      claims: { plan: 'pro' },
    })
    expect((await ask(requestWith(`Bearer ${await token(key)}`))).userId).toBe('alice')
    await expect(ask(requestWith(undefined))).rejects.toEqual(coded('TOKEN_MISSING'))
    await expect(setUp({ authenticate: () => null }).as(await token(key))).rejects.toEqual(coded('TOKEN_INVALID'))
  })

  it('can make nobody a machine, nor leave a caller without a name', async () => {
    for (const userId of ['sa:ci', '__scheduler__']) {
      await expect(setUp({ authenticate: () => ({ userId }) }).as('x')).rejects.toEqual(coded('TOKEN_SUBJECT_INVALID'))
    }
    await expect(setUp({ authenticate: async () => ({}) }).as('x')).rejects.toEqual(coded('TOKEN_SUBJECT_REQUIRED'))
    const odd = { userId: 'a', kind: 'root', scoped: false, scopes: [] }
    expect(await setUp({ authenticate: () => odd }).as('x')).toMatchObject({ kind: 'user', scoped: true })
  })

  it('fails as a fault of the host when it returns something that is no caller', async () => {
    for (const wrong of [{ userId: 7 }, { userId: 'a', scopes: 'agents:read' }, 'alice', true]) {
      await expect(setUp({ authenticate: () => wrong as never }).as('x')).rejects.toBeInstanceOf(TypeError)
    }
  })

  it('is checked for where a cookie comes from, and leaves the objects of the host alone', async () => {
    const session = { tenant: { id: 7 } }
    const { ask } = setUp({ authenticate: () => ({ userId: 'carol', claims: session }) })
    const headers = { cookie: 'session=1', origin: 'https://evil.example' }
    await expect(ask(requestWith(undefined, { method: 'POST', headers }))).rejects.toEqual(coded('CSRF_REJECTED'))
    const own = { cookie: 'session=1', origin: 'http://host.example' }
    expect((await ask(requestWith(undefined, { method: 'POST', headers: own }))).userId).toBe('carol')
    expect(Object.isFrozen(session.tenant)).toBe(false)
  })
})

it('takes requests as Node, Express and Fastify have them', () => {
  const request = toWebRequest({
    method: 'POST',
    url: '/a?b=1',
    headers: { host: 'h.example', ':path': '/', cookie: 'a=1', x: ['1', '2'] },
  })
  expect([request.method, request.url, request.headers.get('cookie'), request.headers.get('x')]).toEqual([
    'POST',
    'http://h.example/a?b=1',
    'a=1',
    '1, 2',
  ])
  const web = new Request('http://h.example')
  expect(toWebRequest(web)).toBe(web)
})
