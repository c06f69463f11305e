import { z } from 'zod'
import { ValidationError } from '../core/errors.js'
import { MAX_COUNTED } from '../core/page.js'
import { queryInt } from './query.js'

export const MAX_LIMIT = 1000

/** The three parameters of every list, for a query schema's shape: `z.object({ ...pageQuery(), userId: … })`. */
export function pageQuery(defaultLimit = 20) {
  return {
    limit: queryInt(1, MAX_LIMIT, defaultLimit),
    page: queryInt(1, MAX_COUNTED, 1),
    cursor: z
      .string()
      .max(2000)
      .optional()
      .meta({ description: 'From `next_cursor` or `X-Next-Cursor` of the page before.' }),
  }
}

/** The parameters of a bare list, which pages by cursor only. */
export function sliceQuery(defaultLimit = MAX_LIMIT) {
  const { limit, cursor } = pageQuery(defaultLimit)
  return { limit, cursor }
}

/**
 * Which rows a numbered page stands for.
 *
 * @throws ValidationError beyond row 10,000, where only a cursor goes.
 */
export function pageWindow({ page, limit }: { page: number; limit: number }): { offset: number; limit: number } {
  if (page * limit > MAX_COUNTED) {
    const message = `page × limit is ${page * limit}, but goes to ${MAX_COUNTED} only; go on with cursor, from next_cursor of the page before`
    throw new ValidationError('VALIDATION_ERROR', `The request is not valid. page: ${message}.`, [
      { path: 'page', message },
    ])
  }
  return { offset: (page - 1) * limit, limit }
}

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
    {
      cause,
    },
  )
}

/** The headers by which a bare list pages. */
export function sliceHeaders(slice: { totalCount: number; nextCursor?: string }): Record<string, string> {
  const headers: Record<string, string> = { 'X-Total-Count': String(slice.totalCount) }
  if (slice.nextCursor !== undefined) headers['X-Next-Cursor'] = slice.nextCursor
  return headers
}
