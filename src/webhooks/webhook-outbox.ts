import { toIso } from '../core/clock.js'
import { ConfigurationError, ValidationError } from '../core/errors.js'
import { newId } from '../core/ids.js'
import { registerSecrets } from '../core/redact.js'
import { checkUrl } from '../core/safe-target.js'
import type { Approval } from '../approvals/approval.js'
import type { ApprovalEventType, Delivery } from './delivery.js'
import { signedHeaders, signingKey } from './sign.js'
import type { WebhookOptions } from './webhook-options.js'
import type { RunWebhook } from './webhook.js'

/** Who has ended how. */
export interface EndedRun {
  runId: string
  status: 'paused' | 'completed' | 'cancelled' | 'error'
  /** Of the event that says so. */
  eventIndex: number
  at: number
}

/** Makes the rows of the outbox: what is to be posted, to whom, and signed by what. */
export class WebhookOutbox {
  /** Called when something is to be sent. */
  onWake: (() => void) | undefined
  private readonly keys: ReadonlyMap<string, Buffer>

  /** @throws ConfigurationError when a secret or an endpoint is not one. */
  constructor(
    private readonly options: WebhookOptions,
    /** Spells an approval as the wire has it. */
    private readonly encodeApproval: (approval: Approval) => unknown,
  ) {
    const { secrets = {}, endpoints = [] } = options
    registerSecrets(...Object.values(secrets))
    this.keys = new Map(Object.entries(secrets).map(([name, secret]) => [name, signingKey(name, secret)]))
    for (const endpoint of endpoints) {
      try {
        this.check(endpoint)
      } catch (error) {
        throw new ConfigurationError(`The webhook endpoint "${endpoint.url}" can't be used.`, { cause: error })
      }
    }
  }

  /**
   * Checks where somebody wants to be told, before anything is stored.
   *
   * @throws ValidationError `URL_FORBIDDEN`, `WEBHOOK_SECRET_UNKNOWN`
   */
  check({ url, secretRef }: RunWebhook): void {
    checkUrl(url, { allowedHosts: this.options.allowedHosts })
    this.secretName(secretRef)
  }

  /** The row that tells of a run's end or pause. */
  ofRun({ url, secretRef }: RunWebhook, { runId, status, eventIndex, at }: EndedRun): Delivery {
    const name = secretRef ?? this.defaultName ?? 'default'
    return { id: newId('msg'), type: `run.${status}`, url, secretRef: name, runId, eventIndex, occurredAt: at }
  }

  /** The rows that tell the host's endpoints of an approval, as it is now. */
  ofApproval(type: ApprovalEventType, approval: Approval, at: number): Delivery[] {
    const { endpoints = [] } = this.options
    const asking = endpoints.filter(({ types }) => types === undefined || types.includes(type))
    if (asking.length === 0) return []
    const payload = JSON.stringify(this.encodeApproval(approval))
    return asking.map(({ url, secretRef }) => ({
      id: newId('msg'),
      type,
      url,
      secretRef: this.secretName(secretRef),
      runId: approval.runId,
      payload,
      occurredAt: at,
    }))
  }

  /** Has what is due sent soon. */
  wake(): void {
    this.onWake?.()
  }

  /** The body of a delivery, and the headers of an attempt at it; undefined when its secret is not there any more. */
  signed({ id, type, occurredAt, secretRef }: Delivery, data: string, atMs: number) {
    const key = this.keys.get(secretRef)
    if (!key) return undefined
    // The data is JSON already: whatever it holds, it is passed on letter by letter.
    const body = `{"type":${JSON.stringify(type)},"timestamp":${JSON.stringify(toIso(occurredAt))},"data":${data}}`
    return { body, headers: signedHeaders(key, id, atMs, body) }
  }

  private get defaultName(): string | undefined {
    if (this.keys.has('default')) return 'default'
    const [only, other] = this.keys.keys()
    return other === undefined ? only : undefined
  }

  private secretName(named: string | undefined): string {
    const name = named ?? this.defaultName
    if (name !== undefined && this.keys.has(name)) return name
    throw secretUnknown(named)
  }
}

export function secretUnknown(named: string | undefined): ValidationError {
  const message =
    named === undefined
      ? 'is missing, and the server has no secret for webhooks that say none'
      : `is "${named}", which is no secret of this server`
  return new ValidationError('WEBHOOK_SECRET_UNKNOWN', `webhook.secret_ref ${message}.`, [
    { path: 'webhook.secret_ref', message },
  ])
}
