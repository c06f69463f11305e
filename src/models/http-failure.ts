import { redactText } from '../core/redact.js'
import { ModelError, type ModelErrorKind } from './model-error.js'

/** What a provider's refusal is judged by; every adapter fills in what it knows. */
export interface ProviderFailure {
  status?: number | undefined
  /** The provider's own error code, such as `context_length_exceeded`. */
  code?: string | undefined
  message: string
  /** Reads a header of the answer, by its lower-case name. */
  header?: ((name: string) => string | null | undefined) | undefined
}

// No two servers word it alike: the hosted providers send a code, local servers only a sentence.
const contextWindowWording =
  /context[ _-]?(length|window|size)|maximum context|prompt is too long|input is too long|too many (input )?tokens|input token count/i

const kindByCode: Readonly<Record<string, ModelErrorKind>> = {
  context_length_exceeded: 'context_window',
  exceed_context_size_error: 'context_window',
  rate_limit_exceeded: 'rate_limit',
  insufficient_quota: 'rate_limit',
  invalid_api_key: 'authentication',
  server_error: 'server',
  internal_server_error: 'server',
  vector_store_timeout: 'server',
  overloaded_error: 'server',
}

/** Turns a provider's refusal into the error that the agent understands. Providers quote the key that they refuse. */
export function providerError(failure: ProviderFailure): ModelError {
  const retryAfterMs = failure.header && parseRetryAfter(failure.header, Date.now())
  return new ModelError(kindOf(failure), redactText(failure.message), {
    ...(failure.status === undefined ? {} : { status: failure.status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

function kindOf({ status, code, message }: ProviderFailure): ModelErrorKind {
  if (status === 401 || status === 403) return 'authentication'
  const byCode = code === undefined ? undefined : kindByCode[code]
  if (byCode === 'context_window') return byCode
  if (status === 429 || status === 402) return 'rate_limit'
  // 409 and 425 are a provider's own conflicts of timing; the same request may pass a moment later.
  if (status === 409 || status === 425 || (status !== undefined && status >= 500)) return 'server'
  if (status === 408) return 'connection'
  if (contextWindowWording.test(message)) return 'context_window'
  // Neither a status nor a code: the provider had accepted the request, and failed while it answered.
  return byCode ?? (status === undefined && code === undefined ? 'server' : 'invalid_request')
}

/**
 * How long the provider asks us to wait, in milliseconds: `retry-after-ms`, else `retry-after` in seconds or as
 * an HTTP date. `undefined` when it doesn't say, or says something that can't be read.
 */
export function parseRetryAfter(header: (name: string) => string | null | undefined, now: number): number | undefined {
  const milliseconds = readNumber(header('retry-after-ms'))
  if (milliseconds !== undefined) return Math.max(0, Math.ceil(milliseconds))
  const text = header('retry-after')
  if (!text) return undefined
  const seconds = readNumber(text)
  if (seconds !== undefined) return Math.max(0, Math.ceil(seconds * 1000))
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function readNumber(text: string | null | undefined): number | undefined {
  if (!text || text.trim() === '') return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** Whether the error, or what caused it, is a broken or refused connection. */
export function isConnectionFailure(error: unknown): boolean {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth++) {
    const code = 'code' in current && typeof current.code === 'string' ? current.code : ''
    if (/^(E[A-Z]{3,}|UND_ERR_\w+)$/.test(code) && code !== 'UND_ERR_INVALID_ARG') return true
    if (/^(terminated|fetch failed|network error|other side closed|socket hang up)$/i.test(current.message)) return true
  }
  return false
}

/** The most telling part of a failed connection's chain of causes, such as `connect ECONNREFUSED 127.0.0.1:1`. */
export function describeConnectionFailure(error: Error): string {
  let deepest = error
  for (let depth = 0; deepest.cause instanceof Error && depth < 5; depth++) deepest = deepest.cause
  const code = 'code' in deepest && typeof deepest.code === 'string' ? deepest.code : ''
  return [deepest.message, code && !deepest.message.includes(code) ? `(${code})` : ''].filter(Boolean).join(' ')
}
