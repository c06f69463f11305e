import type { Slice } from '../core/page.js'
import type { Answer } from './transport.js'

/**
 * The rows of a bare list, with what its headers say. From another origin a page sees these only where the server
 * exposes them; then the count is that of the rows.
 */
export function sliceOf<Row>({ value, headers }: Answer): Slice<Row> {
  const data = value as Row[]
  const totalCount = headers.get('x-total-count')
  const nextCursor = headers.get('x-next-cursor')
  return {
    data,
    totalCount: totalCount === null ? data.length : Number(totalCount),
    ...(nextCursor !== null && { nextCursor }),
  }
}
