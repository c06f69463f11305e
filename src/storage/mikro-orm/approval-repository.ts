import type { EntityManager } from '@mikro-orm/sql'
import type {
  ApprovalFilter,
  ApprovalRepository,
  Resolution,
  StoredApproval,
} from '../../approvals/approval-repository.js'
import type { Caller } from '../../core/caller.js'
import type { Page } from '../../core/page.js'
import type { Delivery } from '../../webhooks/delivery.js'
import { approvalScope, count, listApprovals, whereOf, type ApprovalPlace } from './approval-list.js'
import { toStoredApproval } from './approval-row.js'
import { ApprovalEntity, type ApprovalRow } from './approval.entity.js'
import { DeliveryEntity } from './delivery.entity.js'
import { toDeliveryRow } from './delivery-row.js'
import type { EntityWork } from './entity-work.js'
import { RunEntity } from './run.entity.js'
import { jsonColumn } from './session-row.js'

const plain = { disableIdentityMap: true } as const

/** Approvals through the entity manager, for every dialect. Units of runs make and cancel them. */
export class MikroOrmApprovalRepository implements ApprovalRepository {
  constructor(private readonly entities: EntityWork) {}

  async get(caller: Caller, id: string): Promise<StoredApproval | undefined> {
    const scope = approvalScope(caller)
    if (!scope) return undefined
    return this.entities.read(async (em) => {
      const row = await em.findOne(ApprovalEntity, { ...scope, id }, plain)
      return row ? (await withRunStatus(em, [row]))[0] : undefined
    })
  }

  async list(caller: Caller, filter: ApprovalFilter, place: ApprovalPlace): Promise<Page<StoredApproval>> {
    // A row that can't be: the page is empty, and a cursor is still looked at.
    const where = whereOf(caller, filter) ?? { runId: '' }
    return this.entities.read(async (em) => {
      const { rows, meta } = await listApprovals(em, this.entities, where, place)
      return { data: await withRunStatus(em, rows), meta }
    })
  }

  async count(caller: Caller, filter: ApprovalFilter): Promise<number> {
    const where = whereOf(caller, filter)
    return where ? this.entities.read((em) => count(em, where)) : 0
  }

  async resolve(caller: Caller, id: string, { status, data, resolvedBy, at, ...rest }: Resolution): Promise<boolean> {
    const scope = approvalScope(caller)
    if (!scope) return false
    return this.entities.transaction(async (em) => {
      // The condition is in the statement that writes: of any number of callers, in any number of processes, one
      // changes the row.
      const isOpen = { $or: [{ expiresAt: null }, { expiresAt: { $gt: at } }, { onExpiry: 'wait' }] }
      const changed = await em.nativeUpdate(
        ApprovalEntity,
        { ...scope, id, status: 'pending', ...isOpen },
        {
          status,
          resolution: jsonColumn(data),
          resolvedBy: resolvedBy ?? null,
          resolvedAt: at,
          updatedAt: at,
          continuesRun: rest.continuesRun ? 1 : 0,
        },
      )
      if (changed === 0) return false
      await addDeliveries(em, rest.deliveries)
      return true
    })
  }

  async delete(caller: Caller, id: string): Promise<boolean> {
    const scope = approvalScope(caller)
    if (!scope) return false
    return this.entities.transaction(
      async (em) => (await em.nativeDelete(ApprovalEntity, { ...scope, id, status: { $ne: 'pending' } })) > 0,
    )
  }

  overdue(at: number, limit: number): Promise<StoredApproval[]> {
    return this.entities.read(async (em) => {
      const isDue = { status: 'pending', expiredAt: null, expiresAt: { $ne: null, $lte: at } }
      const query = em.createQueryBuilder(ApprovalEntity, 'approval').where(isDue).orderBy({ expiresAt: 'asc' })
      // Of pending ones there may be many, and the planner does not know how few of them expire.
      const hint = this.entities.inOrderOf('agentos_approvals_expiry')
      if (hint !== undefined) query.indexHint(hint)
      return withRunStatus(em, await query.limit(limit).getResultList())
    })
  }

  expire(id: string, status: 'expired' | 'pending', at: number, deliveries: readonly Delivery[]): Promise<boolean> {
    return this.entities.transaction(async (em) => {
      const changed = await em.nativeUpdate(
        ApprovalEntity,
        { id, status: 'pending', expiredAt: null },
        { status, expiredAt: at, updatedAt: at, ...(status === 'expired' && { resolvedAt: at }) },
      )
      if (changed === 0) return false
      await addDeliveries(em, deliveries)
      return true
    })
  }

  toContinue(limit: number): Promise<{ id: string; runId: string }[]> {
    return this.entities.read((em) =>
      em.find(
        ApprovalEntity,
        { continuesRun: 1 },
        { ...plain, fields: ['id', 'runId'], orderBy: { id: 'asc' }, limit },
      ),
    )
  }

  async leaveRun(id: string): Promise<void> {
    await this.entities.transaction((em) => em.nativeUpdate(ApprovalEntity, { id }, { continuesRun: 0 }))
  }
}

async function withRunStatus(em: EntityManager, rows: readonly ApprovalRow[]): Promise<StoredApproval[]> {
  if (rows.length === 0) return []
  const runId = { $in: [...new Set(rows.map((row) => row.runId))] }
  const runs = await em.find(RunEntity, { runId }, { ...plain, fields: ['runId', 'status'] })
  const statuses = new Map(runs.map((run) => [run.runId, run.status]))
  return rows.map((row) => toStoredApproval(row, statuses.get(row.runId)))
}

async function addDeliveries(em: EntityManager, deliveries: readonly Delivery[]): Promise<void> {
  for (const delivery of deliveries) await em.insert(DeliveryEntity, toDeliveryRow(delivery))
}
