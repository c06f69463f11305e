import type { Logger } from '../core/logger.js'
import type { ApprovalEventType, Delivery } from '../webhooks/delivery.js'
import type { StoredApproval } from './approval-repository.js'
import { toApproval } from './approval-view.js'
import type { Approval } from './approval.js'

type Callback = (approval: Approval) => void | Promise<void>

/** Called in the process in which it happens, after it is stored. A webhook endpoint is told for sure; these may be missed when the process dies. */
export interface ApprovalCallbacks {
  /** A run waits for an approval. */
  onCreated?: Callback
  /** Somebody has approved or rejected; also for what is only recorded. */
  onResolved?: Callback
  /** Nobody has resolved it in time. */
  onExpired?: Callback
}

/** Where approvals are posted to. */
export interface ApprovalOutbox {
  /** What is to be stored with the event. */
  approvalDeliveries(type: ApprovalEventType, approval: Approval, runId: string, at: number): Delivery[]
  /** Something is to be sent. */
  wake(): void
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
    private readonly outbox: ApprovalOutbox | undefined,
    private readonly logger: Logger,
  ) {}

  /** What is stored together with the event. */
  deliveries(type: ApprovalEventType, stored: StoredApproval, at: number): Delivery[] {
    return this.outbox?.approvalDeliveries(type, toApproval(stored), stored.runId, at) ?? []
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
