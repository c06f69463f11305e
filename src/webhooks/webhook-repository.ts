import type { Delivery } from './delivery.js'

/** A delivery that this process is to try, and which attempt that is, from 1. */
export interface ClaimedDelivery extends Delivery {
  attempt: number
}

/** What webhooks need stored. Rows are made by the units whose events they tell of. */
export interface WebhookRepository {
  /**
   * Takes deliveries that are due, each for one process only: nobody else gets it until `until`, when whoever took it
   * has died.
   */
  claim(at: number, until: number, limit: number): Promise<ClaimedDelivery[]>
  /** Removes a delivery that has arrived. */
  delivered(id: string): Promise<void>
  /** Notes why an attempt has failed, and when the next one is; none: it is given up. */
  failed(delivery: ClaimedDelivery, reason: string, nextAttemptAt: number | undefined): Promise<void>
  /** When the next one is due. */
  nextAt(): Promise<number | undefined>
}
