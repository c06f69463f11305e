import { z } from 'zod'

/** What a list answers beside its rows. */
export const PageMeta = z
  .object({
    page: z.number().int(),
    limit: z.number().int(),
    totalCount: z.number().int(),
    totalPages: z.number().int(),
    /** `totalCount` is exact up to 10,000; beyond that it stays there and this is true. */
    totalCountIsLowerBound: z.boolean().optional(),
    searchTimeMs: z.number(),
    nextCursor: z.string().optional(),
  })
  .meta({ id: 'PageMeta' })
export type PageMeta = z.infer<typeof PageMeta>

/** One page of a list. */
export interface Page<Row> {
  data: Row[]
  meta: PageMeta
}

/** Newest rows of a bare list, with the way to older ones. */
export interface Slice<Row> {
  data: Row[]
  totalCount: number
  nextCursor?: string
}

export const MAX_COUNTED = 10_000
