import { ValidationError } from '../core/errors.js'
import { wireName } from './wire-names.js'

/** The parts of a URL that routing needs, cut from its text: parsing a URL again costs more than matching it. */
export interface RequestTarget {
  /** Without the mount prefix and without a trailing slash; still percent-encoded. */
  path: string
  /** Without the question mark. */
  search: string
}

export function requestTarget(url: string, basePath: string): RequestTarget {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const hash = url.indexOf('#')
  const whole = hash === -1 ? url : url.slice(0, hash)
  const question = whole.indexOf('?')
  const path = start === -1 ? '/' : whole.slice(start, question === -1 ? undefined : question)
  return { path: trimPath(withoutBase(path, basePath)), search: question === -1 ? '' : whole.slice(question + 1) }
}

/** `/agents/` is `/agents`. */
export function trimPath(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

function withoutBase(path: string, basePath: string): string {
  if (basePath === '' || !path.startsWith(basePath)) return path
  if (path.length === basePath.length) return '/'
  return path[basePath.length] === '/' ? path.slice(basePath.length) : path
}

/**
 * Query parameters as they are on the wire: empty ones are absent, repeated ones are arrays.
 *
 * @throws ValidationError when there are more than `max`.
 */
export function queryRecord(search: string, max: number): Record<string, string | string[]> {
  const record = Object.create(null) as Record<string, string | string[]>
  if (search === '') return record
  let count = 0
  for (const [name, value] of new URLSearchParams(search)) {
    if (++count > max) throw invalid('', `There are more than ${max} parameters`)
    if (value === '') continue
    if (value.includes('\u0000')) throw invalid(name, 'must not hold the character NUL')
    const earlier = record[name]
    if (earlier === undefined) record[name] = value
    else if (typeof earlier === 'string') record[name] = [earlier, value]
    else earlier.push(value)
  }
  return record
}

const MAX_PARAM = 255
// eslint-disable-next-line no-control-regex
const controlCharacters = /[\u0000-\u001f\u007f]/

/** A path parameter, percent-decoded; `name` is as it is spelled in code. */
export function decodeParam(name: string, raw: string): string {
  let value = raw
  if (raw.includes('%')) {
    try {
      value = decodeURIComponent(raw)
    } catch (error) {
      throw invalid(wireName(name), 'is not valid percent-encoding', error)
    }
  }
  if (value.length > MAX_PARAM)
    throw invalid(wireName(name), `has ${value.length} characters; at most ${MAX_PARAM} are taken`)
  if (controlCharacters.test(value)) throw invalid(wireName(name), 'must not hold control characters')
  return value
}

function invalid(path: string, message: string, cause?: unknown): ValidationError {
  return new ValidationError(
    'VALIDATION_ERROR',
    `The request is not valid. ${path ? `${path}: ` : ''}${message}.`,
    [{ path, message }],
    { cause },
  )
}
