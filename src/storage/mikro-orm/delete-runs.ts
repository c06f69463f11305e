import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import { DeliveryEntity } from './delivery.entity.js'
import { MediaEntity, MediaUseEntity } from './media.entity.js'
import {
  IdempotencyKeyEntity,
  RunEntity,
  RunEventEntity,
  RunTextEntity,
  SegmentEntity,
  SnapshotEntity,
} from './run.entity.js'

const held = { disableIdentityMap: true, lockMode: LockMode.PESSIMISTIC_WRITE } as const

/** Deletes runs with everything that belongs to them alone, inside a transaction, and counts it. */
export async function deleteRuns(em: EntityManager, runs: readonly { seq: number; runId: string }[]) {
  const runId = { $in: runs.map((run) => run.runId) }
  const seq = { $in: runs.map((run) => run.seq) }
  const segments = await em.nativeDelete(SegmentEntity, { runId })
  await em.nativeDelete(SnapshotEntity, { runId })
  await em.nativeDelete(RunEventEntity, { runId })
  const deliveries = await em.nativeDelete(DeliveryEntity, { runId })
  const idempotencyKeys = await em.nativeDelete(IdempotencyKeyEntity, { runId })
  const media = await deleteMediaOf(em, runId.$in)
  await em.nativeDelete(RunTextEntity, { seq })
  return { runs: await em.nativeDelete(RunEntity, { seq }), segments, deliveries, idempotencyKeys, media }
}

/** Forgets what runs have used, and deletes the media that no run uses any more. */
export async function deleteMediaOf(em: EntityManager, runIds: readonly string[]): Promise<number> {
  const ofRuns = { runId: { $in: [...runIds] } }
  const uses = await em.find(MediaUseEntity, ofRuns, { disableIdentityMap: true, fields: ['hash'] })
  if (uses.length === 0) return 0
  await em.nativeDelete(MediaUseEntity, ofRuns)
  let deleted = 0
  for (const hash of [...new Set(uses.map((use) => use.hash))].toSorted()) {
    // Whoever stores media holds their row, and says in the same transaction who uses them.
    await em.findOne(MediaEntity, { hash }, { ...held, fields: ['hash'] })
    if (await em.findOne(MediaUseEntity, { hash }, { disableIdentityMap: true })) continue
    deleted += await em.nativeDelete(MediaEntity, { hash })
  }
  return deleted
}
