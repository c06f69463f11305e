/** What is posted to somebody, as the outbox keeps it. */
export interface Delivery {
  /** `webhook-id`: the same for every attempt. */
  id: string
  type: WebhookType
  url: string
  /** Name of the secret that signs it. */
  secretRef: string
  /** When it happened, in milliseconds. */
  occurredAt: number
  runId: string
  /** Of a run's end: its record as of this index is what is sent. */
  eventIndex?: number
  /** JSON text of what is sent else. */
  payload?: string
}

export const RUN_TYPES = ['run.completed', 'run.paused', 'run.cancelled', 'run.error'] as const
export const APPROVAL_TYPES = ['approval.created', 'approval.resolved', 'approval.expired'] as const

/** What a webhook can be about. */
export type WebhookType = (typeof RUN_TYPES)[number] | ApprovalEventType
export type ApprovalEventType = (typeof APPROVAL_TYPES)[number]
