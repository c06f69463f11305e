import { writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Agent, AgentOS, ConfigurationError } from 'agentos-sdk'
import type { AuthOptions } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { authSettings } from '../../src/auth/auth-settings.js'
import { parseKeySet } from '../../src/auth/key-set.js'
import { silentLogger } from '../../src/core/logger.js'
import { temporaryPath } from '../storage/support/temporary.js'
import { jwks, signer } from './support.js'

const key = signer()
const privatePem = key.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const secret = 'x'.repeat(32)

const start = (auth: AuthOptions) =>
  new AgentOS({
    agents: [new Agent({ id: 'my-agent', model: scripted('Hi') })],
    storage: sqlite(':memory:'),
    logger: silentLogger,
    auth,
  })

describe('an AgentOS does not start', () => {
  it.each<[string, AuthOptions, RegExp]>([
    ['with scopes and nothing to check tokens with', { authorization: true }, /nothing to check tokens with/],
    ['with scopes by a security key', { authorization: true, osSecurityKey: 'k' }, /nothing to check tokens with/],
    ['with mappings of scopes alone', { scopeMappings: { 'GET /agents': [] } }, /nothing to check tokens with/],
    ['with roles alone', { roles: { a: [] } }, /nothing to check tokens with/],
    ['with isolation of callers that nobody can tell apart', { userIsolation: true }, /told apart/],
    ['with isolation by a security key', { userIsolation: true, osSecurityKey: 'k' }, /told apart/],
    ['without the JWKS file', { jwksFile: '/nowhere/jwks.json' }, /JWKS file "\/nowhere/],
    ['with a JWKS that is no JSON', { jwks: '{"keys": [' }, /no JSON/],
    ['with a JWKS without keys', { jwks: { keys: [] } }, /no usable key/],
    ['with a JWKS of private keys', { jwks: { keys: [key.privateKey.export({ format: 'jwk' })] } }, /private parts/],
    ['with a JWKS of secrets', { jwks: { keys: [{ kty: 'oct', k: 'eA' }] } }, /no usable key/],
    ['with a JWKS for HMAC', { jwks: jwks(key), algorithm: 'HS256' }, /algorithm is HMAC/],
    ['with two places of keys', { jwks: jwks(key), jwksFile: 'x' }, /one of jwks/],
    [
      'with PEM as a secret',
      { verificationKeys: [key.pem], algorithm: 'HS256' },
      /PEM text, but the algorithm is HMAC/,
    ],
    ['with PEM as a secret, hidden in it', { verificationKeys: [`  \n${key.pem}`], algorithm: 'HS512' }, /PEM text/],
    ['with a short secret', { verificationKeys: ['secret'], algorithm: 'HS256' }, /6 bytes/],
    ['with a secret as PEM', { verificationKeys: [secret] }, /no PEM text/],
    ['with a private key', { verificationKeys: [privatePem] }, /private key/],
    [
      'with a broken PEM',
      { verificationKeys: ['-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----'] },
      /can't be read/,
    ],
    ['with HMAC and public keys', { verificationKeys: [key.pem], algorithm: ['RS256', 'HS256'] }, /mixes HMAC/],
    ['with no algorithm', { verificationKeys: [key.pem], algorithm: [] }, /auth\.algorithm/],
    ['with the algorithm none', { verificationKeys: [key.pem], algorithm: 'none' as never }, /auth\.algorithm/],
    ['with keys by http', { jwksUrl: 'http://issuer.example/jwks' }, /has to be https/],
    [
      'with keys by http from elsewhere',
      { jwksUrl: 'http://10.0.0.1/jwks', allowInsecureJwksUrl: true },
      /has to be https/,
    ],
    ['with keys by http on loopback', { jwksUrl: 'http://127.0.0.1/jwks' }, /allowInsecureJwksUrl/],
    ['with credentials in the URL of keys', { jwksUrl: 'https://a:b@issuer.example/jwks' }, /without credentials/],
    ['with keys from a file URL', { jwksUrl: 'file:///etc/jwks' }, /has to be https/],
    ['with a URL that is none', { jwksUrl: 'issuer' }, /"issuer"/],
    ['with a security key that is undefined', { osSecurityKey: undefined }, /osSecurityKey is given but undefined/],
    ['with a security key that is empty', { osSecurityKey: '' }, /auth\.osSecurityKey/],
    ['with a key that is undefined', { verificationKeys: [undefined as never] }, /auth\.verificationKeys\.0/],
    ['with authentication that is undefined', { authenticate: undefined }, /authenticate is given but undefined/],
    ['with an option that is none', { jwks_url: 'x' } as AuthOptions, /jwks_url/],
    ['with a cookie that can have no such name', { cookieName: 'a b' }, /auth\.cookieName/],
    ['with a trusted origin that is a URL', { trustedOrigins: ['https://a.example/'] }, /auth\.trustedOrigins\.0/],
    ['with a public path that no route has', { publicPaths: ['/doc'] }, /no route "\/doc"/],
    ['with a public path that crosses segments', { publicPaths: ['/agent*'] }, /no route "\/agent\*"/],
    [
      'with a mapping that no route has',
      { jwks: jwks(key), scopeMappings: { 'POST /agents': [] } },
      /no route "POST \/agents"/,
    ],
  ])('%s', (_name, auth, message) => {
    expect(() => start(auth)).toThrow(ConfigurationError)
    expect(() => start(auth)).toThrow(message)
  })

  it('with a JWKS file that has no usable key', () => {
    const path = temporaryPath()
    writeFileSync(path, '{"keys":[]}')
    expect(() => start({ jwksFile: path })).toThrow(/no usable key/)
  })

  it('with a fault in the environment', () => {
    vi.stubEnv('JWT_JWKS', '{}')
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(() => start({})).toThrow(ConfigurationError)
  })
})

describe('the settings', () => {
  const of = (auth: AuthOptions | undefined, environment: Record<string, string> = {}) =>
    authSettings(auth, 'shop', environment)

  it.each<[string, AuthOptions | undefined, Record<string, string>, object]>([
    ['none of it', undefined, {}, { mode: 'none', authorization: false, docs: true }],
    ['empty variables', undefined, { OS_SECURITY_KEY: '', JWT_JWKS: ' ' }, { mode: 'none' }],
    ['a security key', undefined, { OS_SECURITY_KEY: 'k' }, { mode: 'security_key', securityKey: 'k' }],
    ['the option first', { osSecurityKey: 'o' }, { OS_SECURITY_KEY: 'k' }, { securityKey: 'o' }],
    ['a key set', undefined, { JWT_JWKS: '{"keys":[]}' }, { mode: 'jwt', keyPlace: { document: '{"keys":[]}' } }],
    ['a file', undefined, { JWT_JWKS_FILE: '/a' }, { mode: 'jwt', keyPlace: { file: '/a' } }],
    [
      'a URL',
      undefined,
      { JWT_JWKS_URL: 'https://a.example' },
      { mode: 'jwt', keyPlace: { url: 'https://a.example' } },
    ],
    [
      'the file of the option',
      { jwksFile: '/b' },
      { JWT_JWKS_FILE: '/a', JWT_JWKS_URL: 'x' },
      { keyPlace: { file: '/b' } },
    ],
    ['no docs', undefined, { DOCS_ENABLED: 'False' }, { docs: false }],
    ['guarded docs', undefined, { DOCS_ENABLED: 'authenticated' }, { docs: 'authenticated' }],
    ['a gateway', { validate: false }, {}, { mode: 'jwt', takesTokens: true }],
    ['the host', { authenticate: () => null }, {}, { mode: 'jwt', authorization: true, takesTokens: false }],
    ['what is not read', undefined, { AUTHORIZATION_ENABLED: 'true' }, { mode: 'none', authorization: false }],
  ])('are, with %s', (_name, auth, environment, expected) => {
    expect(of(auth, environment)).toMatchObject(expected)
  })

  it('turn on isolation and the audience together with scopes', () => {
    expect(of({ jwks: jwks(key) }).jwt).toMatchObject({ userIsolation: false, requireExp: true, skewSeconds: 10 })
    expect(of({ jwks: jwks(key) }).jwt.audiences).toBeUndefined()
    expect(of({ jwks: jwks(key), authorization: true }).jwt).toMatchObject({ userIsolation: true, audiences: ['shop'] })
    const mapped = of({ jwks: jwks(key), scopeMappings: { 'GET /agents': [] } })
    expect([mapped.authorization, mapped.jwt.userIsolation]).toEqual([true, true])
    const off = of({ jwks: jwks(key), authorization: true, userIsolation: false, verifyAudience: false })
    expect([off.jwt.userIsolation, off.jwt.audiences]).toEqual([false, undefined])
  })

  it('take one more key from the environment, also on one line', () => {
    const oneLine = signer().pem.replaceAll('\n', String.raw`\n`)
    expect(of({ verificationKeys: [key.pem] }, { JWT_VERIFICATION_KEY: oneLine }).jwt.staticKeys).toHaveLength(2)
  })
})

it('a key set says which of its keys it does not use, and why', () => {
  const twin = signer('twin')
  const keys = [
    key.jwk,
    { ...signer('e1').jwk, e: 'AQ' },
    { ...signer('enc').jwk, use: 'enc' },
    { kty: 'oct', k: 'eA' },
    twin.jwk,
    twin.jwk,
  ]
  const { refused } = parseKeySet({ keys: [...keys, signer('p').privateKey.export({ format: 'jwk' })] })
  expect(refused).toEqual([
    'key 1 has an unsafe exponent',
    "key 2 can't be used (use)",
    "key 3 can't be used (kty)",
    expect.stringContaining('key 6 holds private parts'),
    'key "twin" is there more than once',
    'key "twin" is there more than once',
  ])
})
