import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

const milliseconds = () => p.bigint('number')

/** The outbox: what is to be posted, and what could not be. What was delivered is removed. */
export const DeliveryEntity = defineEntity({
  name: 'Delivery',
  tableName: 'agentos_webhook_deliveries',
  properties: {
    id: p.text().primary(),
    type: p.text(),
    url: p.text(),
    secretRef: p.text(),
    runId: p.text(),
    eventIndex: p.integer().nullable(),
    payload: p.text().nullable(),
    occurredAt: milliseconds(),
    /** `pending` or `dead`. */
    status: p.text(),
    attempts: p.integer().default(0),
    /** Until then nobody tries: it was tried a moment ago, or is being tried. */
    nextAttemptAt: milliseconds(),
    lastError: p.text().nullable(),
  },
  indexes: [
    { name: 'agentos_webhook_deliveries_due', properties: ['nextAttemptAt', 'id'] },
    { name: 'agentos_webhook_deliveries_run', properties: ['runId'] },
  ],
})
export type DeliveryRow = InferEntity<typeof DeliveryEntity>
