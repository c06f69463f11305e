import type { Delivery, WebhookType } from '../../webhooks/delivery.js'
import type { DeliveryRow } from './delivery.entity.js'

export function toDeliveryRow(delivery: Delivery): Omit<DeliveryRow, 'attempts' | 'lastError'> {
  return {
    id: delivery.id,
    type: delivery.type,
    url: delivery.url,
    secretRef: delivery.secretRef,
    runId: delivery.runId,
    eventIndex: delivery.eventIndex ?? null,
    payload: delivery.payload ?? null,
    occurredAt: delivery.occurredAt,
    status: 'pending',
    nextAttemptAt: delivery.occurredAt,
  }
}

export function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    type: row.type as WebhookType,
    url: row.url,
    secretRef: row.secretRef,
    runId: row.runId,
    eventIndex: row.eventIndex ?? undefined,
    payload: row.payload ?? undefined,
    occurredAt: row.occurredAt,
  }
}
