import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import type { PruneCursor, PruneOrder, PruneStep, RetentionRepository } from '../../database/retention-repository.js'
import { ApprovalEntity } from './approval.entity.js'
import { deleteMediaOf, deleteRuns } from './delete-runs.js'
import { DeliveryEntity } from './delivery.entity.js'
import type { EntityWork } from './entity-work.js'
import { MediaUseEntity } from './media.entity.js'
import { mediaOnlyOf, prunableRuns, RUN_FACTS } from './prunable-runs.js'
import { IdempotencyKeyEntity, RunEntity, SegmentEntity } from './run.entity.js'

const plain = { disableIdentityMap: true } as const
/** Records that a step looks at. */
const LOOKED_AT = 500
/** Entries of logs that a step deletes, but for a single run that has more. */
const MAX_ENTRIES = 500
/** A medium may be stored this long before its run is. */
const UNSTORED_MS = 86_400_000

/** Walks each table by its key, so that a step costs the same wherever it is and however much there is. */
export class MikroOrmRetentionRepository implements RetentionRepository {
  private readonly stages: Readonly<Record<string, (order: PruneOrder, after: string | number) => Promise<PruneStep>>> =
    {
      runs: (order, after) => this.runs(order, Number(after)),
      approvals: (order, after) => this.approvals(order, String(after)),
      deliveries: (order, after) => this.deliveries(order, String(after)),
      keys: (order) => this.keys(order),
      media: (order, after) => this.unstoredMedia(order, String(after)),
    }

  constructor(private readonly entities: EntityWork) {}

  prune(order: PruneOrder): Promise<PruneStep> {
    const { stage, after } = order.cursor ?? { stage: 'runs', after: 0 }
    return this.stages[stage]!(order, after)
  }

  private async runs({ olderThan, dryRun }: PruneOrder, after: number): Promise<PruneStep> {
    const { rows, found } = await this.entities.read(async (em) => {
      const options = { ...plain, fields: RUN_FACTS, orderBy: { seq: 'asc' }, limit: LOOKED_AT } as const
      const read = await em.find(RunEntity, { seq: { $gt: after } }, options)
      return { rows: read, found: await prunableRuns(em, read, olderThan) }
    })
    // Runs are numbered as they are accepted, so those that follow are younger still.
    if (rows.every(({ createdAt }) => createdAt >= olderThan)) return { counts: {}, next: first('approvals') }
    const batch = firstEntries(found)
    const last = batch.length < found.length ? batch.at(-1)! : rows.at(-1)!
    const next = { stage: 'runs', after: last.seq }
    if (batch.length === 0) return { counts: {}, next }
    if (dryRun) return { counts: await this.entities.read((em) => countRuns(em, batch, olderThan)), next }
    return this.entities.transaction(async (em) => {
      // Whoever has continued one in the meantime keeps it.
      const lock = { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { runId: 'asc' } } as const
      const options = { ...plain, ...lock, fields: RUN_FACTS } as const
      const still = await em.find(RunEntity, { seq: { $in: batch.map(({ seq }) => seq) } }, options)
      const runs = await prunableRuns(em, still, olderThan)
      return { counts: runs.length === 0 ? {} : await deleteRuns(em, runs), next }
    })
  }

  private async approvals({ olderThan, dryRun }: PruneOrder, after: string): Promise<PruneStep> {
    const rows = await this.entities.read((em) =>
      em.find(
        ApprovalEntity,
        { id: { $gt: after } },
        { ...plain, fields: ['id', 'runId', 'createdAt'], orderBy: { id: 'asc' }, limit: LOOKED_AT },
      ),
    )
    if (rows.every(({ createdAt }) => createdAt >= olderThan)) return { counts: {}, next: first('deliveries') }
    const next = { stage: 'approvals', after: rows.at(-1)!.id }
    const gone = await this.entities.read(async (em) => {
      const runIds = [...new Set(rows.map(({ runId }) => runId))]
      const runs = await em.find(RunEntity, { runId: { $in: runIds } }, { ...plain, fields: RUN_FACTS })
      const going = new Set((await prunableRuns(em, runs, olderThan)).map(({ runId }) => runId))
      const staying = new Set(runs.map(({ runId }) => runId).filter((runId) => !going.has(runId)))
      return rows.filter(({ runId }) => !staying.has(runId)).map(({ id }) => id)
    })
    const closed = { id: { $in: gone }, status: { $ne: 'pending' }, continuesRun: 0, updatedAt: { $lt: olderThan } }
    return { counts: { approvals: await this.remove(dryRun, ApprovalEntity, closed) }, next }
  }

  private async deliveries({ olderThan, dryRun }: PruneOrder, after: string): Promise<PruneStep> {
    const options = { ...plain, fields: ['id', 'runId'], orderBy: { id: 'asc' }, limit: LOOKED_AT } as const
    const rows = await this.entities.read((em) => em.find(DeliveryEntity, { id: { $gt: after } }, options))
    if (rows.length === 0) return { counts: {}, next: first('keys') }
    const dead = { id: { $in: rows.map(({ id }) => id) }, status: 'dead', occurredAt: { $lt: olderThan } }
    // In a dry run those of runs are there still, and counted with them.
    const runs = dryRun ? await this.entities.read((em) => this.goingRuns(em, rows, olderThan)) : []
    const others = runs.length === 0 ? dead : { ...dead, runId: { $nin: runs } }
    const deliveries = await this.remove(dryRun, DeliveryEntity, others)
    return { counts: { deliveries }, next: { stage: 'deliveries', after: rows.at(-1)!.id } }
  }

  private async keys({ at, dryRun, olderThan }: PruneOrder): Promise<PruneStep> {
    const expired = { expiresAt: { $lte: at } }
    const options = { ...plain, orderBy: { expiresAt: 'asc' }, limit: LOOKED_AT } as const
    if (dryRun) {
      const rows = await this.entities.read((em) => em.find(IdempotencyKeyEntity, expired, options))
      const runs = new Set(await this.entities.read((em) => this.goingRuns(em, rows, olderThan)))
      return { counts: { idempotencyKeys: rows.filter(({ runId }) => !runs.has(runId)).length }, next: first('media') }
    }
    const count = await this.entities.transaction(async (em) => {
      const rows = await em.find(IdempotencyKeyEntity, expired, options)
      for (const { scope, key } of rows) await em.nativeDelete(IdempotencyKeyEntity, { scope, key, ...expired })
      return rows.length
    })
    return { counts: { idempotencyKeys: count }, next: first(count < LOOKED_AT ? 'media' : 'keys') }
  }

  /** A request that was refused, or repeated, may have stored media for a run that never was. */
  private async unstoredMedia({ at, olderThan, dryRun }: PruneOrder, after: string): Promise<PruneStep> {
    const storedAt = { $lt: Math.min(olderThan, at - UNSTORED_MS) }
    const options = { ...plain, orderBy: { runId: 'asc' }, limit: LOOKED_AT } as const
    const uses = await this.entities.read((em) => em.find(MediaUseEntity, { runId: { $gt: after } }, options))
    if (uses.length === 0) return { counts: {} }
    const next = { stage: 'media', after: uses.at(-1)!.runId }
    if (dryRun) return { counts: {}, next }
    const runIds = [...new Set(uses.map(({ runId }) => runId))]
    return this.entities.transaction(async (em) => {
      const runs = await em.find(RunEntity, { runId: { $in: runIds } }, { ...plain, fields: ['runId'] })
      const stored = new Set(runs.map(({ runId }) => runId))
      const lost = await em.find(
        MediaUseEntity,
        { runId: { $in: runIds.filter((id) => !stored.has(id)) }, storedAt },
        plain,
      )
      return { counts: { media: await deleteMediaOf(em, [...new Set(lost.map(({ runId }) => runId))]) }, next }
    })
  }

  private async goingRuns(em: EntityManager, of: readonly { runId: string }[], olderThan: number): Promise<string[]> {
    const runId = { $in: [...new Set(of.map((one) => one.runId))] }
    const runs = await em.find(RunEntity, { runId }, { ...plain, fields: RUN_FACTS })
    return (await prunableRuns(em, runs, olderThan)).map((run) => run.runId)
  }

  private remove(
    dryRun: boolean,
    entity: typeof ApprovalEntity | typeof DeliveryEntity,
    which: object,
  ): Promise<number> {
    if (dryRun) return this.entities.read((em) => em.count(entity as typeof ApprovalEntity, which))
    return this.entities.transaction((em) => em.nativeDelete(entity as typeof ApprovalEntity, which))
  }
}

function first(stage: string): PruneCursor {
  return { stage, after: '' }
}

/** As many runs as have so many entries together; at least one. */
function firstEntries<Run extends { lastIndex: number }>(runs: readonly Run[]): Run[] {
  let entries = 0
  const end = runs.findIndex(({ lastIndex }) => (entries += lastIndex + 1) > MAX_ENTRIES)
  return end === -1 ? [...runs] : runs.slice(0, Math.max(end, 1))
}

async function countRuns(em: EntityManager, runs: readonly { runId: string }[], olderThan: number) {
  const runId = { $in: runs.map((run) => run.runId) }
  return {
    runs: runs.length,
    segments: await em.count(SegmentEntity, { runId }),
    deliveries: await em.count(DeliveryEntity, { runId }),
    idempotencyKeys: await em.count(IdempotencyKeyEntity, { runId }),
    media: await mediaOnlyOf(em, runId.$in, olderThan),
  }
}
