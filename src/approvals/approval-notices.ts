import type { Logger } from '../core/logger.js'
import type { ApprovalEventType, Delivery } from '../webhooks/delivery.js'
import type { WebhookOutbox } from '../webhooks/webhook-outbox.js'
import type { StoredApproval } from './approval-repository.js'
import { toApproval } from './approval-view.js'
import type { Approval } from './approval.js'

type Callback = (approval: Approval) => void | Promise<void>

/**
 * Called in the process in which it happens, after it is stored. They are missed when the process dies then; a webhook
 * endpoint is told for sure.
 */
export interface ApprovalCallbacks {
  /** A run waits for an approval. */
  onCreated?: Callback
  /** Somebody has approved or rejected; also for what is only recorded. */
  onResolved?: Callback
  /** Nobody has resolved it in time. */
  onExpired?: Callback
}

const CALLBACKS = {
  'approval.created': 'onCreated',
  'approval.resolved': 'onResolved',
  'approval.expired': 'onExpired',
} as const

/** Tells the host of approvals. */
export class ApprovalNotices {
  constructor(
    private readonly callbacks: ApprovalCallbacks,
    private readonly outbox: Pick<WebhookOutbox, 'ofApproval' | 'wake'> | undefined,
    private readonly logger: Logger,
  ) {}

  /** What is stored together with the event. */
  deliveries(type: ApprovalEventType, stored: StoredApproval, at: number): Delivery[] {
    return this.outbox?.ofApproval(type, toApproval(stored), at) ?? []
  }

  /** Called once the event is stored. */
  tell(type: ApprovalEventType, stored: StoredApproval): void {
    this.outbox?.wake()
    const callback = this.callbacks[CALLBACKS[type]]
    if (!callback) return
    void (async () => callback(toApproval(stored)))().catch((error: unknown) => {
      this.logger.error({ err: error, approvalId: stored.id }, `The callback for ${type} has failed`)
    })
  }
}
