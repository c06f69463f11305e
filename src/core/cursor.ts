import type { z } from 'zod'
import { ValidationError } from './errors.js'

/** A place in a list as an opaque text. */
export function encodeCursor(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/**
 * The place that a cursor holds.
 *
 * @throws ValidationError when it is not one that this list has given out.
 */
export function decodeCursor<Place extends z.ZodType>(cursor: string, place: Place): z.output<Place> {
  const parsed = place.safeParse(parseCursor(cursor))
  if (parsed.success) return parsed.data
  throw invalidCursor(parsed.error)
}

function parseCursor(cursor: string): unknown {
  try {
    if (!/^[\w-]+$/.test(cursor)) return undefined
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown
  } catch (error) {
    throw invalidCursor(error)
  }
}

function invalidCursor(cause: unknown): ValidationError {
  const message = 'not a cursor that this list has given out'
  return new ValidationError(
    'VALIDATION_ERROR',
    `The request is not valid. cursor: ${message}.`,
    [{ path: 'cursor', message }],
    { cause },
  )
}
