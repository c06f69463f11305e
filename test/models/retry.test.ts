import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultRetryPolicy, ModelError, retryDelay } from '../../src/models/index.js'
import { isConnectionFailure, parseRetryAfter, providerError } from '../../src/models/http-failure.js'

const server = new ModelError('server', 'x')

describe('retryDelay', () => {
  it('doubles its bound with each attempt, up to the maximum', () => {
    const bounds = [1, 2, 3, 4, 7, 8, 1000].map((attempt) => retryDelay(server, attempt, { random: () => 1 }))
    expect(bounds).toEqual([500, 1000, 2000, 4000, 30_000, 30_000, 30_000])
  })

  it('does not retry what can not succeed, nor what is no failure of a model', () => {
    expect(retryDelay(new ModelError('invalid_request', 'x'), 1)).toBeUndefined()
    expect(retryDelay(new ModelError('context_window', 'x'), 1)).toBeUndefined()
    expect(retryDelay(new ModelError('authentication', 'x'), 1)).toBeUndefined()
    expect(retryDelay(new Error('x'), 1)).toBeUndefined()
  })

  it('ends with the last attempt', () => {
    expect(retryDelay(server, 2, defaultRetryPolicy)).toBeTypeOf('number')
    expect(retryDelay(server, 3, defaultRetryPolicy)).toBeUndefined()
  })

  it('waits at least as long as the provider asks, and never beyond the maximum', () => {
    fc.assert(
      fc.property(
        fc.option(fc.nat(100_000), { nil: undefined }),
        fc.integer({ min: 1, max: 2000 }),
        fc.nat(10_000),
        fc.nat(60_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (retryAfterMs, attempt, baseMs, maxMs, random) => {
          const error = new ModelError('rate_limit', 'x', retryAfterMs === undefined ? {} : { retryAfterMs })
          const delay = retryDelay(error, attempt, { baseMs, maxMs, random: () => random })
          if (retryAfterMs !== undefined && retryAfterMs > maxMs) return delay === undefined
          return delay !== undefined && Number.isInteger(delay) && delay >= (retryAfterMs ?? 0) && delay <= maxMs
        },
      ),
    )
  })
})

describe('parseRetryAfter', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const read = (headers: Record<string, string>) => parseRetryAfter((name) => headers[name], now)

  it.each([
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': '-3' }, 0],
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }, 30_000],
    [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{}, undefined],
  ])('reads %o as %s', (headers, expected) => {
    expect(read(headers as Record<string, string>)).toBe(expected)
  })
})

describe('providerError', () => {
  it.each([
    ["This model's maximum context length is 8192 tokens.", 'context_window'],
    ['the request exceeds the available context size', 'context_window'],
    ['prompt is too long: 210000 tokens > 200000 maximum', 'context_window'],
    ['Unknown parameter: foo', 'invalid_request'],
  ])('judges a 400 by its wording: %s', (message, kind) => {
    expect(providerError({ status: 400, message }).kind).toBe(kind)
  })

  it('strikes out secrets and whatever looks like a key', () => {
    const message = 'Refused: sk-proj-1234567890, Bearer eyJhbGci.x'
    expect(providerError({ status: 401, message }).message).toBe('Refused: [redacted], Bearer [redacted]')
  })

  it('does not take a mistake of ours for a broken connection', () => {
    expect(isConnectionFailure(new TypeError('x is not a function'))).toBe(false)
    expect(isConnectionFailure(new TypeError('terminated'))).toBe(true)
  })
})
