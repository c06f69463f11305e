import type { z } from 'zod'
import type { $ZodIssue } from 'zod/v4/core'
import { ValidationError } from '../core/errors.js'
import type { ValidationIssue } from '../core/errors.js'
import { decoder, UNKNOWN_KEY } from './decode.js'
import { wireName } from './wire-names.js'
import { wirePath } from './wire-path.js'

/**
 * A value from the wire as the schema's output.
 *
 * @throws ValidationError with every issue, its path spelled as on the wire.
 */
export function parseWire<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  return parseDecoded(schema, decoder(schema)(value))
}

/** As `parseWire`, for a value whose keys are already spelled as the schema has them. */
export function parseDecoded<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  throw validationError(schema, result.error)
}

/** What Zod found, as the error that answers 422. */
export function validationError(schema: z.ZodType | undefined, error: z.ZodError): ValidationError {
  const issues = error.issues
    .flatMap((issue) => describe(issue, []))
    .map(({ path, message }) => ({
      path: schema ? wirePath(schema, path) : path.map((segment) => wireName(String(segment))).join('.'),
      message,
    }))
  return new ValidationError('VALIDATION_ERROR', summary(issues), issues, { cause: error })
}

const SHOWN = 3

function summary(issues: readonly ValidationIssue[]): string {
  const shown = issues.slice(0, SHOWN).map(({ path, message }) => (path ? `${path}: ${message}` : message))
  const more = issues.length - shown.length
  return `The request is not valid. ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`
}

interface FoundIssue {
  path: readonly PropertyKey[]
  message: string
}

function describe(issue: $ZodIssue, prefix: readonly PropertyKey[]): FoundIssue[] {
  const path = [...prefix, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `Unknown field "${key.replace(UNKNOWN_KEY, '')}"`,
    }))
  }
  if (issue.code === 'invalid_union') {
    const branch = nearestBranch(issue.errors)
    if (branch) return branch.flatMap((inner) => describe(inner, path))
  }
  return [{ path, message: issue.message + received(issue) }]
}

/** The option of a union that the sender most likely meant: the one that failed deepest, then the one with least to mend. */
function nearestBranch(branches: readonly (readonly $ZodIssue[])[]): readonly $ZodIssue[] | undefined {
  const depth = (branch: readonly $ZodIssue[]): number => Math.max(...branch.map((issue) => issue.path.length))
  const deep = branches.filter((branch) => branch.length > 0 && depth(branch) > 0)
  return deep.sort((a, b) => depth(b) - depth(a) || a.length - b.length)[0]
}

/** The value that was wrong, where it is short and can't be a secret. */
function received(issue: $ZodIssue): string {
  const { input } = issue
  const isShort =
    typeof input === 'number' || (issue.code === 'invalid_value' && typeof input === 'string' && input.length <= 60)
  return isShort ? `, got ${JSON.stringify(input)}` : ''
}
