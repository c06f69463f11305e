import type { Logger } from './logger.js'

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]'

/**
 * Secrets that have no form of their own: keys of models, the security key, secrets of webhooks. One set per process,
 * because whoever writes a text can't know whose secrets it may quote.
 */
const registered = new Set<string>()
/** The same ones, the longest first: a secret may begin with another one. */
let byLength: readonly string[] = []
const MAX_REGISTERED = 1000
/** A shorter value would strike out ordinary words. */
const SHORTEST = 8

/** Strikes these values out of every log line and error from now on. Values of fewer than 8 characters are left out. */
export function registerSecrets(...values: readonly (string | undefined)[]): void {
  for (const value of values) {
    if (value === undefined || value.length < SHORTEST) continue
    // A program that makes a model per request has as many keys as its users: the oldest ones give way.
    registered.delete(value)
    registered.add(value)
    const [oldest] = registered
    if (registered.size > MAX_REGISTERED) registered.delete(oldest!)
  }
  byLength = [...registered].sort((a, b) => b.length - a.length)
}

/** What a secret looks like, with what is kept of it. Every repetition has a bound or a class of its own: no backtracking. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?/g, REDACTED],
  [/\b(authorization|cookie|set-cookie|x-api-key)(["']?\s{0,3}[:=]\s{0,3}["']?)[^"'\r\n]+/gi, `$1$2${REDACTED}`],
  [/\b(Bearer\s{1,3})[\w.~+/*-]{8,}=*/gi, `$1${REDACTED}`],
  [/\b(Basic\s{1,3})(?=[a-z+/]{0,200}[A-Z0-9=])[A-Za-z0-9+/]{8,}=*/g, `$1${REDACTED}`],
  [/\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?/g, REDACTED],
  [/\b(?:agno_pat|github_pat|gh[opsur])_\w{8,}|\bwhsec_[\w+/=-]{8,}/g, REDACTED],
  [/\b(?:sk|pk|rk|key)-[\w*.-]{6,}|\bxox[abeprs]-[\w-]{8,}|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}/gi, REDACTED],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/?#@:"']{0,256}):[^\s/?#@"']{1,1024}@/gi, `$1:${REDACTED}@`],
  [
    /(["'](?:\w{0,40}[_-])?(?:password|passwd|secret|token|api_?key|private_?key)["']\s{0,3}:\s{0,3}["'])[^"']+/gi,
    `$1${REDACTED}`,
  ],
  [/([?&](?:(?:\w{0,40}[_-])?(?:password|secret|token|api_?key|signature)|key|sig)=)[^&\s#"']+/gi, `$1${REDACTED}`],
]

/** A text without the secrets in it: registered ones, and whatever looks like one. */
export function redactText(text: string): string {
  let rest = text
  for (const secret of byLength) if (rest.includes(secret)) rest = rest.replaceAll(secret, REDACTED)
  for (const [shape, kept] of shapes) rest = rest.replace(shape, kept)
  return rest
}

/** Fields whose value is a secret whatever it looks like: `apiKey`, `client_secret`, `Set-Cookie`; not `totalTokens`. */
const secretName =
  /(?:^|[_-]|(?<=[a-z])(?=[A-Z]))(?:authorization|cookie|password|passwd|passphrase|secret|token|jwt|credentials?|api[_-]?key|private[_-]?key|access[_-]?key|security[_-]?key|signing[_-]?key)$/i

const MAX_DEPTH = 8

/**
 * A value as it may be logged: texts without secrets, and nothing under names that say that a secret follows. What
 * holds none is returned as it is; an error stays an error.
 */
export function redact(value: unknown): unknown {
  return redactWithin(value, 0, new WeakMap())
}

function redactWithin(value: unknown, depth: number, seen: WeakMap<object, unknown>): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if (seen.has(value)) return seen.get(value)
  if (depth > MAX_DEPTH) return '[nested too deep]'
  seen.set(value, '[circular]')
  const redacted = redactObject(value, depth, seen)
  seen.set(value, redacted)
  return redacted
}

function redactObject(value: object, depth: number, seen: WeakMap<object, unknown>): unknown {
  if (value instanceof Error) return redactError(value, depth, seen)
  // What a logger writes of a URL or a date is what its `toJSON` says.
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const json = (value as { toJSON(): unknown }).toJSON()
    return json === value ? value : redactWithin(json, depth + 1, seen)
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => redactWithin(item, depth + 1, seen))
    return items.every((item, at) => item === value[at]) ? value : items
  }
  let isChanged = false
  const fields = Object.entries(value).map(([name, given]) => {
    const field = isSecretField(name, given) ? REDACTED : redactWithin(given, depth + 1, seen)
    isChanged ||= field !== given
    return [name, field] as const
  })
  return isChanged ? Object.fromEntries(fields) : value
}

function isSecretField(name: string, value: unknown): boolean {
  return value !== null && value !== undefined && typeof value !== 'boolean' && secretName.test(name)
}

/** A copy with the same prototype, since loggers and callers ask what kind of error it is. */
function redactError(error: Error, depth: number, seen: WeakMap<object, unknown>): Error {
  const changed: PropertyDescriptorMap = {}
  for (const name of Object.getOwnPropertyNames(error)) {
    const given = (error as unknown as Record<string, unknown>)[name]
    const value = isSecretField(name, given) ? REDACTED : redactWithin(given, depth + 1, seen)
    if (value === given) continue
    // A plain value, also where an accessor stood: engines spell `stack` either way.
    const enumerable = Object.prototype.propertyIsEnumerable.call(error, name)
    changed[name] = { value, writable: true, configurable: true, enumerable }
  }
  if (Object.keys(changed).length === 0) return error
  const descriptors = { ...Object.getOwnPropertyDescriptors(error), ...changed }
  return Object.create(Object.getPrototypeOf(error) as object, descriptors) as Error
}

/** A logger that writes no secret, whatever it is given. */
export function redactingLogger(logger: Logger): Logger {
  const level =
    (name: keyof Logger) =>
    (fields: object, message?: string): void => {
      logger[name](safely(fields), message === undefined ? undefined : redactText(message))
    }
  return { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') }
}

/** A log line must not fail for what it is about: a getter that throws, for example. */
function safely(fields: object): object {
  try {
    return redact(fields) as object
  } catch {
    return { err: 'The fields of this line could not be read.' }
  }
}
