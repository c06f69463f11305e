import type { ApprovalEventType, WebhookType } from './delivery.js'

/** Where the host wants to be told of approvals. */
export interface WebhookEndpoint {
  url: string
  /** Default: the secret that is called `default`, or the only one. */
  secretRef?: string
  /** Default: all. */
  types?: readonly ApprovalEventType[]
}

/** A delivery that was given up. */
export interface DeadDelivery {
  /** `webhook-id` */
  id: string
  type: WebhookType
  url: string
  runId: string
  attempts: number
  /** Of the last attempt. */
  reason: string
}

/** Webhooks: signed as Standard Webhooks say, sent from an outbox, tried again when they do not arrive. */
export interface WebhookOptions {
  /** Secrets by name: `whsec_` and the base64 of 24 to 64 random bytes. */
  secrets?: Readonly<Record<string, string>>
  /** Told of `approval.created`, `approval.resolved` and `approval.expired`. */
  endpoints?: readonly WebhookEndpoint[]
  /** Receivers that need not be on the public internet, as `name:port`. */
  allowedHosts?: readonly string[]
  /** How long a receiver has to answer. Default: 15 s. */
  timeoutMs?: number
  /** How long is waited after each failed attempt. Default: seven times, over 24 h; eight attempts in all. */
  retryDelaysMs?: readonly number[]
  /** Called for a delivery that is given up. It stays in the database. */
  onDead?: (delivery: DeadDelivery) => void | Promise<void>
}
