import type { ClaimedDelivery, WebhookRepository } from '../../webhooks/webhook-repository.js'
import { toDelivery } from './delivery-row.js'
import { DeliveryEntity } from './delivery.entity.js'
import type { EntityWork } from './entity-work.js'

const plain = { disableIdentityMap: true } as const
const first = { orderBy: { nextAttemptAt: 'asc', id: 'asc' } } as const

/** The outbox through the entity manager, for every dialect. */
export class MikroOrmWebhookRepository implements WebhookRepository {
  constructor(private readonly entities: EntityWork) {}

  async claim(at: number, until: number, limit: number): Promise<ClaimedDelivery[]> {
    const isDue = { status: 'pending', nextAttemptAt: { $lte: at } }
    // Looked at without holding anybody up: mostly there is none.
    const due = await this.entities.read((em) => em.find(DeliveryEntity, isDue, { ...plain, ...first, limit }))
    if (due.length === 0) return []
    return this.entities.transaction(async (em) => {
      const claimed: ClaimedDelivery[] = []
      for (const row of due) {
        // Whoever changes the row has it: another process finds a count of attempts that is not its own.
        const mine = { id: row.id, status: 'pending', attempts: row.attempts, nextAttemptAt: row.nextAttemptAt }
        const change = { attempts: row.attempts + 1, nextAttemptAt: until }
        if ((await em.nativeUpdate(DeliveryEntity, mine, change)) === 0) continue
        claimed.push({ ...toDelivery(row), attempt: row.attempts + 1 })
      }
      return claimed
    })
  }

  async delivered(id: string): Promise<void> {
    await this.entities.transaction((em) => em.nativeDelete(DeliveryEntity, { id }))
  }

  async failed({ id, attempt }: ClaimedDelivery, reason: string, nextAttemptAt: number | undefined): Promise<void> {
    const change = {
      lastError: reason,
      ...(nextAttemptAt === undefined ? { status: 'dead' } : { nextAttemptAt }),
    }
    await this.entities.transaction((em) => em.nativeUpdate(DeliveryEntity, { id, attempts: attempt }, change))
  }

  async nextAt(): Promise<number | undefined> {
    const pending = { status: 'pending' }
    const row = await this.entities.read((em) => em.findOne(DeliveryEntity, pending, { ...plain, ...first }))
    return row?.nextAttemptAt
  }
}
