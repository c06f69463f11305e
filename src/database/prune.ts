import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { checkInput } from '../core/check-input.js'
import type { Clock } from '../core/clock.js'
import { ValidationError } from '../core/errors.js'
import type { PruneCounts, PruneCursor, RetentionRepository } from './retention-repository.js'

/** What is to be removed. */
export const PruneDatabase = z.strictObject({
  /** What has ended before, and has not changed since: a `Date`, or ISO 8601. */
  olderThan: z.union([z.date(), z.iso.datetime({ offset: true })]),
  /** Counts, and removes nothing. */
  dryRun: z.boolean().default(false),
  /** Ends it between two steps; what was removed by then is removed. */
  signal: z.instanceof(AbortSignal).optional(),
})
export type PruneDatabase = z.input<typeof PruneDatabase>

/** What was removed, or would be. */
export type PrunedDatabase = PruneCounts & { dryRun: boolean }

/** Removes step by step. Between two steps it leaves the database to the others for as long as the last one took. */
export async function prune(
  retention: RetentionRepository,
  clock: Clock,
  input: PruneDatabase,
): Promise<PrunedDatabase> {
  const { olderThan: time, dryRun, signal } = checkInput(PruneDatabase, input)
  const olderThan = new Date(time).getTime()
  if (olderThan > clock.now()) {
    const message = `is ${new Date(olderThan).toISOString()}, which is yet to come`
    throw new ValidationError('VALIDATION_ERROR', `The input is not valid. olderThan ${message}.`, [
      { path: 'olderThan', message },
    ])
  }
  const total: PruneCounts = { runs: 0, segments: 0, approvals: 0, deliveries: 0, idempotencyKeys: 0, media: 0 }
  let cursor: PruneCursor | undefined
  do {
    signal?.throwIfAborted()
    const began = performance.now()
    const { counts, next } = await retention.prune({ olderThan, at: clock.now(), dryRun, cursor })
    for (const key of Object.keys(counts) as (keyof PruneCounts)[]) total[key] += counts[key] ?? 0
    cursor = next
    if (cursor) await setTimeout(performance.now() - began, undefined, { signal })
  } while (cursor)
  return { ...total, dryRun }
}
