import type { Clock } from '../core/clock.js'
import { AgentOSError } from '../core/errors.js'
import { FetchError } from '../core/fetch-error.js'
import type { Logger } from '../core/logger.js'
import { createSafeFetch } from '../core/safe-fetch.js'
import type { SafeFetch } from '../core/safe-fetch.js'
import type { Delivery } from './delivery.js'
import type { WebhookOptions } from './webhook-options.js'
import type { WebhookOutbox } from './webhook-outbox.js'
import type { ClaimedDelivery, WebhookRepository } from './webhook-repository.js'

export interface WebhookSenderParts {
  webhooks: WebhookRepository
  outbox: WebhookOutbox
  options: WebhookOptions
  /** JSON text of a run as it was at an index of its log; undefined when it is not there any more. */
  runAsOf: (runId: string, eventIndex: number) => Promise<string | undefined>
  clock: Clock
  logger: Logger
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** Eight attempts in all, the last one a day after the first. */
const RETRY_DELAYS_MS = [5_000, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 7 * HOUR, 14.5 * HOUR]
const TIMEOUT_MS = 15_000
/** A receiver's answer is not read; more than this is not even taken. */
const MAX_ANSWER_BYTES = 64 * 1024
const AT_ONCE = 20
const MAX_REASON = 300

/**
 * Empties the outbox: posts what is due, and tries again later what has not arrived. Whoever takes a delivery moves its
 * next attempt to when it must be through, so that another process takes it over when this one dies. A receiver may
 * get the same twice; its `webhook-id` tells.
 */
export class WebhookSender {
  private readonly fetch: SafeFetch
  private readonly abort = new AbortController()
  private readonly timeoutMs: number
  private taking: Promise<void> | undefined
  private readonly underWay = new Set<Promise<void>>()
  private isWoken = false
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly parts: WebhookSenderParts) {
    const { allowedHosts, timeoutMs = TIMEOUT_MS } = parts.options
    this.fetch = createSafeFetch({ allowedHosts })
    this.timeoutMs = timeoutMs
    parts.outbox.onWake = () => this.wake()
  }

  /** Sends what is due, soon. */
  wake(): void {
    if (this.abort.signal.aborted) return
    this.isWoken = true
    this.taking ??= this.takeDue().finally(() => (this.taking = undefined))
  }

  readonly sweep = (): void => this.wake()

  /** Sends no more. What is under way is broken off, and tried again by whoever comes next. */
  readonly stop = async (): Promise<void> => {
    clearTimeout(this.timer)
    this.abort.abort(new Error('The process is shutting down.'))
    await this.taking
    await Promise.all(this.underWay)
  }

  /** Takes what is due, as much as there is room for: a receiver that is slow holds up nobody but itself. */
  private async takeDue(): Promise<void> {
    const { webhooks, clock, logger } = this.parts
    try {
      while (this.isWoken && !this.abort.signal.aborted) {
        this.isWoken = false
        const room = AT_ONCE - this.underWay.size
        if (room === 0) return
        const now = clock.now()
        const claimed = await webhooks.claim(now, now + this.timeoutMs * 2, room)
        for (const delivery of claimed) this.begin(delivery)
      }
      await this.sleepUntilNext()
    } catch (error) {
      if (!this.abort.signal.aborted) logger.error({ err: error }, 'Webhooks could not be sent; it is tried again')
    }
  }

  private begin(delivery: ClaimedDelivery): void {
    const attempt = this.attempt(delivery).finally(() => {
      this.underWay.delete(attempt)
      this.wake()
    })
    this.underWay.add(attempt)
  }

  /** Retries come soon at first: sooner than the next look around. */
  private async sleepUntilNext(): Promise<void> {
    const { webhooks, clock } = this.parts
    clearTimeout(this.timer)
    const next = await webhooks.nextAt()
    if (next === undefined || this.abort.signal.aborted) return
    const wait = Math.min(Math.max(next - clock.now(), 10), MINUTE)
    this.timer = setTimeout(() => this.wake(), wait).unref()
  }

  private async attempt(delivery: ClaimedDelivery): Promise<void> {
    const { webhooks, logger } = this.parts
    const { id, type, runId, attempt } = delivery
    try {
      const data = await this.dataOf(delivery)
      // Its run was deleted, and with it what there was to tell.
      const reason = data === undefined ? undefined : await this.post(delivery, data)
      if (reason === undefined) return await webhooks.delivered(id)
      await this.fail(delivery, reason)
    } catch (error) {
      // It stays claimed, and is tried again once that is over.
      if (this.abort.signal.aborted) return
      logger.error({ err: error, deliveryId: id, type, runId, attempt }, 'A webhook could not be sent')
    }
  }

  private async dataOf({ runId, eventIndex, payload }: Delivery): Promise<string | undefined> {
    return eventIndex === undefined ? payload : this.parts.runAsOf(runId, eventIndex)
  }

  /** Why it has not arrived; undefined when it has. */
  private async post(delivery: ClaimedDelivery, data: string): Promise<string | undefined> {
    const { outbox, clock } = this.parts
    const signed = outbox.signed(delivery, data, clock.now())
    if (!signed) return `There is no webhook secret "${delivery.secretRef}".`
    try {
      const { status } = await this.fetch(delivery.url, {
        ...signed,
        method: 'POST',
        signal: this.abort.signal,
        timeoutMs: this.timeoutMs,
        maxBytes: MAX_ANSWER_BYTES,
        maxRedirects: 0,
      })
      return status >= 200 && status < 300 ? undefined : `The receiver answered ${status}.`
    } catch (error) {
      if (error instanceof FetchError || error instanceof AgentOSError) return error.message
      throw error
    }
  }

  private async fail(delivery: ClaimedDelivery, reason: string): Promise<void> {
    const { webhooks, options, clock, logger } = this.parts
    const { id, type, url, runId, attempt } = delivery
    const delay = (options.retryDelaysMs ?? RETRY_DELAYS_MS)[attempt - 1]
    const said = reason.slice(0, MAX_REASON)
    await webhooks.failed(delivery, said, delay === undefined ? undefined : clock.now() + delay)
    const fields = { deliveryId: id, type, runId, attempt, reason: said }
    if (delay !== undefined) return logger.warn({ ...fields, retryInMs: delay }, 'A webhook has not arrived')
    logger.error(fields, 'A webhook is given up')
    try {
      await options.onDead?.({ id, type, url, runId, attempts: attempt, reason: said })
    } catch (error) {
      logger.error({ err: error, deliveryId: id }, 'The callback for a webhook that was given up has failed')
    }
  }
}
