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

/** The headers by which a bare list pages. */
export function sliceHeaders(slice: { totalCount: number; nextCursor?: string }): Record<string, string> {
  const headers: Record<string, string> = { 'X-Total-Count': String(slice.totalCount) }
  if (slice.nextCursor !== undefined) headers['X-Next-Cursor'] = slice.nextCursor
  return headers
}
