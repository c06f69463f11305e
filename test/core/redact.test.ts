import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { AgentOSError, BadRequestError } from '../../src/core/errors.js'
import type { Logger } from '../../src/core/logger.js'
import { redact, redactingLogger, redactText, registerSecrets } from '../../src/core/redact.js'

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl'

describe('texts', () => {
  it.each([
    ['Authorization: Bearer abc.def-123', 'Authorization: [redacted]'],
    ['{"authorization":"Bearer abc.def-123","x":1}', '{"authorization":"[redacted]","x":1}'],
    ['sent with bearer abcdefgh12', 'sent with bearer [redacted]'],
    ['Basic dXNlcjpwYXNzd29yZA==', 'Basic [redacted]'],
    ['Cookie: session=abc; theme=dark\nHost: a', 'Cookie: [redacted]\nHost: a'],
    [`token ${jwt}!`, 'token [redacted]!'],
    ['agno_pat_0123456789abcdefABCDEF', '[redacted]'],
    ['Incorrect API key provided: sk-proj-abc123DEF456.', 'Incorrect API key provided: [redacted]'],
    ['sk-****...1234 is wrong', '[redacted] is wrong'],
    ['ghp_0123456789abcdef0123', '[redacted]'],
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', '[redacted]'],
    ['postgres://app:hunter22@db:5432/shop failed', 'postgres://app:[redacted]@db:5432/shop failed'],
    ['redis://:hunter22@cache', 'redis://:[redacted]@cache'],
    ['GET https://a.example/x?api_key=abc&b=1', 'GET https://a.example/x?api_key=[redacted]&b=1'],
    ['{"client_secret": "abc", "client_id": "me"}', '{"client_secret": "[redacted]", "client_id": "me"}'],
    ['-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----', '[redacted]'],
    ['AKIAIOSFODNN7EXAMPLE', '[redacted]'],
  ])('%s', (text, expected) => expect(redactText(text)).toBe(expected))

  it.each([
    'There is no session "thread-42" of user "bearer".',
    'The request is not valid. token: Invalid input; secret_ref: too short.',
    'Basic information about tokens: total_tokens 12',
    'run_0199f3a2-7c31-7d5e-8b1f-2f4c6a8e0b13 in task-12, desk-7 and risk-9',
    'https://user@host.example:8443/a?page=2&sort_key=name',
    'Send a token: Authorization header or cookie.',
  ])('leaves what is none: %s', (text) => expect(redactText(text)).toBe(text))

  it('takes time in proportion to the text, whatever is in it', () => {
    const hostile = ['a.', 'eyJ', '://', 'bearer ', 'sk-', '"token":"', 'a+', ':', '@', '?key=', '-----BEGIN ']
    // A quadratic pattern would run into the test's time limit.
    for (const piece of hostile) expect(redactText(piece.repeat(300_000)).length, piece).toBeGreaterThan(0)
  })
})

describe('registered secrets', () => {
  it('are struck out wherever they stand; short ones would strike out words', () => {
    registerSecrets('correct-horse-battery', 'short', undefined)
    expect(redactText('a short correct-horse-battery?')).toBe('a short [redacted]?')
  })

  it('are a bounded number: the oldest give way', () => {
    registerSecrets('the-oldest-secret')
    for (let at = 0; at < 1000; at++) registerSecrets(`secret-number-${at}`)
    expect(redactText('the-oldest-secret secret-number-0! secret-number-999!')).toBe(
      'the-oldest-secret [redacted]! [redacted]!',
    )
  })
})

describe('values', () => {
  it('lose what stands under a name that says so, and keep the rest', () => {
    const given = {
      apiKey: 'abc',
      api_key: 'abc',
      password: 'abc',
      dbPassword: 'abc',
      headers: { Authorization: 'x', 'Set-Cookie': ['a=b'], accept: '*/*' },
      accessToken: 12,
      client_secret: { nested: 'abc' },
      totalTokens: 12,
      secretRef: 'default',
      tokenCount: 3,
      monkey: 'abc',
      hasSecret: true,
      token: null,
      url: new URL('https://u:hunter22@a.example/'),
    }
    expect(redact(given)).toEqual({
      apiKey: '[redacted]',
      api_key: '[redacted]',
      password: '[redacted]',
      dbPassword: '[redacted]',
      headers: { Authorization: '[redacted]', 'Set-Cookie': '[redacted]', accept: '*/*' },
      accessToken: '[redacted]',
      client_secret: '[redacted]',
      totalTokens: 12,
      secretRef: 'default',
      tokenCount: 3,
      monkey: 'abc',
      hasSecret: true,
      token: null,
      url: 'https://u:[redacted]@a.example/',
    })
    expect(given.apiKey).toBe('abc')
  })

  it('stay errors of their kind, with their causes, and what is clean stays the same object', () => {
    const clean = new Error('all well', { cause: { a: 1 } })
    expect(redact(clean)).toBe(clean)
    const cause = Object.assign(new Error('connect postgres://a:hunter22@b'), { token: 'abc', code: 'E1' })
    const error = redact(new BadRequestError('ODD', `Bearer ${jwt}`, { cause })) as BadRequestError
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toBeInstanceOf(AgentOSError)
    expect([error.message, error.code, error.status]).toEqual(['Bearer [redacted]', 'ODD', 400])
    expect(error.stack).not.toContain('eyJ')
    expect(error.cause).toMatchObject({ message: 'connect postgres://a:[redacted]@b', token: '[redacted]', code: 'E1' })
    expect(cause.message).toContain('hunter22')
  })

  it('may be circular, deep, or throw when they are read', () => {
    const circular: Record<string, unknown> = { token: 'abc' }
    circular.self = circular
    expect(redact(circular)).toEqual({ token: '[redacted]', self: '[circular]' })
    let deep: unknown = 'end'
    for (let at = 0; at < 100_000; at++) deep = { deep }
    expect(JSON.stringify(redact(deep))).toContain('nested too deep')
    const lines: object[] = []
    const note = (fields: object) => void lines.push(fields)
    const logger: Logger = { debug: note, info: note, warn: note, error: note }
    redactingLogger(logger).error({
      get odd() {
        throw new Error('no')
      },
    })
    expect(lines).toEqual([{ err: 'The fields of this line could not be read.' }])
    expect(redact(z.object({ a: z.string() }).safeParse({}).error)).toBeInstanceOf(z.ZodError)
  })
})
