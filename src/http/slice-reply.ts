import type { Slice } from '../core/page.js'
import { sliceHeaders } from './pagination.js'
import { reply } from './reply.js'
import type { Reply } from './reply.js'

/** Rows as a bare array; the headers say how many there are and how to get older ones. */
export function sliceReply<Row>(slice: Slice<Row>): Reply<200, Row[]> {
  return reply(200, slice.data, { headers: sliceHeaders(slice) })
}
