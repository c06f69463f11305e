import type { ApprovalRepository } from '../approvals/approval-repository.js'
import { AgentOSError, UnavailableError } from '../core/errors.js'
import type { RateLimiter } from '../core/rate-limiter.js'
import type { RetentionRepository } from '../database/retention-repository.js'
import type { SchemaRepository } from '../database/schema-repository.js'
import type { EventBus } from '../runs/event-bus.js'
import type { MediaRepository } from '../runs/media-repository.js'
import type { RunRepository } from '../runs/run-repository.js'
import type { ServiceAccountRepository } from '../service-accounts/service-account-repository.js'
import type { SessionRepository } from '../sessions/session-repository.js'
import type { OpenStorage, Repositories } from './open-storage.js'
import type { WebhookRepository } from '../webhooks/webhook-repository.js'
import { ownError } from './own-error.js'
import { SharedDatabase } from './shared-database.js'
import type { Storage, TableNames } from './storage.js'

export interface HandleOptions {
  id: string
  /** Names the database in this process; undefined for one that nobody else can use. */
  key: string | undefined
  /** What is answered survives a loss of power. */
  isDurable: boolean
  /** Whether the first use brings an older schema up to date, or refuses it. */
  migrate: 'auto' | 'check'
  /** Whether what `open` gives has a rate limiter. */
  countsRates?: boolean
  open(): Promise<OpenStorage>
}

/** A storage that opens on first use, and shares what it opens with the other handles of the process. */
export class StorageHandle implements Storage {
  readonly id: string
  readonly tables: TableNames = { sessions: 'agentos_sessions' }
  readonly runs: RunRepository = this.deferred('runs', {
    accept: true,
    begin: true,
    append: true,
    requestCancel: true,
    takeOver: true,
    reopen: true,
    renewLease: true,
    endLease: true,
    takeLapsed: true,
    due: true,
    nextDue: true,
    get: true,
    list: true,
    segments: true,
    snapshots: true,
    window: true,
    active: true,
    keepFollowed: true,
    followedFor: true,
    heldBy: true,
    cancelOverdue: true,
    sendEvent: true,
    receivedEvents: true,
    toWake: true,
    postponeWake: true,
  })
  readonly sessions: SessionRepository = this.deferred('sessions', {
    create: true,
    get: true,
    list: true,
    update: true,
    fork: true,
    delete: true,
  })
  readonly media: MediaRepository = this.deferred('media', { put: true, get: true })
  readonly approvals: ApprovalRepository = this.deferred('approvals', {
    get: true,
    list: true,
    count: true,
    resolve: true,
    delete: true,
    overdue: true,
    expire: true,
    toContinue: true,
    leaveRun: true,
  })
  readonly webhooks: WebhookRepository = this.deferred('webhooks', {
    claim: true,
    delivered: true,
    failed: true,
    nextAt: true,
  })
  readonly serviceAccounts: ServiceAccountRepository = this.deferred('serviceAccounts', {
    create: true,
    get: true,
    list: true,
    revoke: true,
    findByTokenHash: true,
    noteUse: true,
  })
  readonly retention: RetentionRepository = this.deferred('retention', { prune: true })
  readonly rateLimiter: RateLimiter | undefined
  readonly schema: SchemaRepository = {
    versions: () => this.call((open) => open.schema.versions(), true),
    version: () => this.call((open) => open.schema.version(), true),
    migrate: (order, options) => this.call((open) => open.schema.migrate(order, options), true),
    preview: (order) => this.call((open) => open.schema.preview(order), true),
  }

  private shared: SharedDatabase | undefined
  private opened: OpenStorage | undefined
  private callsUnderWay = 0
  private closing: Promise<void> | undefined
  private whenIdle: (() => void) | undefined

  constructor(private readonly options: HandleOptions) {
    this.id = options.id
    if (options.countsRates === true) {
      this.rateLimiter = { take: (key, limit) => this.call(async (open) => open.rateLimiter!.take(key, limit)) }
    }
  }

  get events(): EventBus {
    return this.acquire().events
  }

  async check(): Promise<{ ready: boolean; reason?: string }> {
    try {
      await this.call((open) => open.check())
      return { ready: true }
    } catch (error) {
      return { ready: false, reason: error instanceof AgentOSError ? error.message : 'The database does not answer.' }
    }
  }

  close(): Promise<void> {
    return (this.closing ??= this.letGo())
  }

  private async letGo(): Promise<void> {
    if (this.callsUnderWay > 0) await new Promise<void>((resolve) => (this.whenIdle = resolve))
    await this.shared?.release()
  }

  /** A repository whose methods wait until the real one is there. They are named so that none can be forgotten. */
  private deferred<Name extends keyof Repositories>(
    repository: Name,
    methods: Record<keyof Repositories[Name], true>,
  ): Repositories[Name] {
    const names = Object.keys(methods) as (keyof Repositories[Name])[]
    const entries = names.map((method) => [
      method,
      (...parameters: unknown[]) =>
        this.call((open) => (open[repository][method] as (...all: unknown[]) => Promise<unknown>)(...parameters)),
    ])
    return Object.fromEntries(entries) as Repositories[Name]
  }

  /** Works on the database once its schema is one for this code, or whatever it is. */
  private async call<Result>(work: (open: OpenStorage) => Promise<Result>, anySchema = false): Promise<Result> {
    const shared = this.acquire()
    this.callsUnderWay++
    try {
      const open = this.opened ?? (await this.open(shared))
      if (!open.isReady && !anySchema) await open.ready(this.options.migrate)
      return await work(open)
    } catch (error) {
      throw ownError(await this.reasonOf(error))
    } finally {
      if (--this.callsUnderWay === 0) this.whenIdle?.()
    }
  }

  /** A table that is not there any more looks like a database that is away: another process has migrated it. */
  private async reasonOf(error: unknown): Promise<unknown> {
    if (codeOf(error) !== 'DATABASE_UNAVAILABLE' || !this.opened) return error
    return this.opened.check().then(
      () => error,
      (reason: unknown) => (codeOf(reason) === 'NOT_READY' ? reason : error),
    )
  }

  private async open(shared: SharedDatabase): Promise<OpenStorage> {
    const opened = await shared.open(() => this.options.open())
    // Whoever opened the database first may have asked for less.
    if (this.options.isDurable) opened.makeDurable()
    return (this.opened = opened)
  }

  private acquire(): SharedDatabase {
    if (this.closing) throw new UnavailableError('SHUTTING_DOWN', 'The storage has been closed.')
    return (this.shared ??= SharedDatabase.acquire(this.options.key))
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}
