import { AgentRun } from './agents/log/run-record.js'
import type { Runnable } from './agents/runnable.js'
import { ApprovalGate } from './approvals/approval-gate.js'
import { ApprovalNotices } from './approvals/approval-notices.js'
import type { ApprovalCallbacks } from './approvals/approval-notices.js'
import { Approval } from './approvals/approval.js'
import { RunApprovals } from './approvals/run-approvals.js'
import { bindCaller, fullCaller } from './core/caller.js'
import type { Bound, Caller } from './core/caller.js'
import { systemClock, toIso } from './core/clock.js'
import type { Clock } from './core/clock.js'
import { ConfigurationError } from './core/errors.js'
import { consoleLogger } from './core/logger.js'
import type { Logger } from './core/logger.js'
import { MemoryRateLimiter } from './core/rate-limiter.js'
import { redactingLogger } from './core/redact.js'
import { agentRoutes } from './http/agents.js'
import { createHttpApp } from './http/app.js'
import { approvalRoutes } from './http/approvals.js'
import { Audit } from './http/audit.js'
import type { AuditCallback } from './http/audit.js'
import type { BodyLimits } from './http/body-limits.js'
import { checkpointRoutes } from './http/checkpoints.js'
import { continueRoutes } from './http/continue.js'
import { Cors, corsOrigins } from './http/cors.js'
import type { CorsOrigins } from './http/cors.js'
import { docsRoutes } from './http/docs.js'
import { encoder } from './http/encode.js'
import { openAuthentication } from './http/open-authentication.js'
import { resumeRoutes } from './http/resume.js'
import { runRoutes } from './http/runs.js'
import { serviceAccountRoutes } from './http/service-accounts.js'
import type { ServerDescription, Services } from './http/services.js'
import { sessionForkRoutes } from './http/session-fork.js'
import { sessionRoutes } from './http/sessions.js'
import { systemRoutes } from './http/system.js'
import { UsageLimits } from './http/usage-limits.js'
import type { RateLimits } from './http/usage-limits.js'
import type { MountOptions, WebHandler } from './http/web-handler.js'
import { Catalog } from './runs/catalog.js'
import { RunManager } from './runs/run-manager.js'
import type { RunSettings } from './runs/run-settings.js'
import { ServiceAccountVerifier } from './service-accounts/service-account-verifier.js'
import { ServiceAccounts } from './service-accounts/service-accounts.js'
import { SessionStore } from './sessions/session-store.js'
import { sqlite } from './storage/sqlite.js'
import type { Storage } from './storage/storage.js'
import type { WebhookOptions } from './webhooks/webhook-options.js'
import { WebhookOutbox } from './webhooks/webhook-outbox.js'
import { WebhookSender } from './webhooks/webhook-sender.js'

/** What an AgentOS is made of. */
export interface AgentOSOptions {
  /** Default: `agentos`. It is the audience of tokens, so it should not change. */
  id?: string
  /** Title of the API's description. */
  name?: string
  description?: string
  /** Of your service. Default: `1.0.0`. */
  version?: string
  /** What can be run: agents, and foreign ones behind `runnable()`. */
  agents: readonly Runnable[]
  /** Default: `sqlite('agentos.db')` in the working directory. */
  storage?: Storage
  /** Pino-shaped. Default: warnings and errors as JSON lines on standard error. */
  logger?: Logger
  /** How much of a request is taken. */
  limits?: Partial<BodyLimits>
  /** How much one caller may use. Default: no limit but those of all runs together (`runs`). */
  rateLimits?: RateLimits
  /**
   * Pages of other origins that may use the API: a list of origins, or `'*'` for all of them, without credentials.
   * Default: `CORS_ORIGIN_LIST`, a JSON array in the environment; without either, no header speaks of other origins.
   */
  cors?: CorsOrigins
  /** Called with what was denied and what administrators have done. Both are logged too, unless this is false. */
  audit?: AuditCallback | false
  /** A header that a proxy in front of every request sets, such as `X-Forwarded-For`: where the client's address is. */
  trustedProxyHeader?: string
  /** Times of runs, in milliseconds. */
  runs?: Partial<RunSettings>
  approvals?: ApprovalOptions
  /** Without it, no run can have a webhook. */
  webhooks?: WebhookOptions
  /** `agno` spells states and times of runs as AgentOSClient, the client library of the origin, compares them. */
  compatibility?: 'agno'
  /** Where time comes from, for tests. */
  clock?: Clock
}

/** How approvals are treated, and who is called when something happens to one. */
export interface ApprovalOptions extends ApprovalCallbacks {
  /** Lets a caller resolve the approval of a run that it has started itself. Default: false. */
  allowSelfApproval?: boolean
}

/**
 * Agents as a service inside your backend: one handler to mount on your host, and the same things as methods.
 *
 * Constructing one opens nothing; the first use opens the database and brings its schema up to date.
 *
 * @example
 * ```ts
 * const agentOS = new AgentOS({ agents: [support], storage: sqlite('agentos.db') })
 * app.use('/os', agentOSRouter(agentOS)) // agentos-sdk/express
 * const run = await agentOS.runs.create({ agentId: 'support', message: 'Where is order 7?', userId: 'alice' })
 * ```
 */
export class AgentOS implements WebHandler {
  readonly id: string
  /** Runs, as the host itself. */
  readonly runs: Bound<RunManager>
  /** Sessions, as the host itself. */
  readonly sessions: Bound<SessionStore>
  /** Approvals, as the host itself. */
  readonly approvals: Bound<ApprovalGate>
  /** Service accounts, as the host itself. */
  readonly serviceAccounts: Bound<ServiceAccounts>
  private readonly storage: Storage
  private readonly server: ServerDescription
  private readonly runManager: RunManager
  private readonly sessionStore: SessionStore
  private readonly approvalGate: ApprovalGate
  private readonly accounts: ServiceAccounts
  private readonly http: WebHandler
  private stopping: Promise<void> | undefined

  /** @throws ConfigurationError when two agents have the same id, or one can't be described. */
  constructor(options: AgentOSOptions) {
    checkOptions(options)
    const { id = 'agentos', version = '1.0.0', clock = systemClock } = options
    const logger = redactingLogger(options.logger ?? consoleLogger)
    this.id = id
    this.storage = options.storage ?? sqlite('agentos.db')
    const { runs, sessions, media, events, approvals } = this.storage
    const catalog = new Catalog(options.agents)
    const outbox = options.webhooks && new WebhookOutbox(options.webhooks, encoder(Approval))
    const { allowSelfApproval = false, ...callbacks } = options.approvals ?? {}
    const notices = new ApprovalNotices(callbacks, outbox, logger)
    this.approvalGate = new ApprovalGate({
      approvals,
      notices,
      catalog,
      clock,
      logger,
      allowsSelfApproval: allowSelfApproval,
      continueRun: (runId) => runManager.continueInBackground(fullCaller, runId),
    })
    const encodeRun = encoder(AgentRun, options.compatibility ?? 'standard')
    const sender =
      outbox &&
      new WebhookSender({
        webhooks: this.storage.webhooks,
        outbox,
        options: options.webhooks!,
        runAsOf: async (runId, index) => {
          const run = await runManager.asOf(runId, index)
          return run && JSON.stringify(encodeRun(run))
        },
        clock,
        logger,
      })
    const runManager = new RunManager({
      runs,
      media,
      events,
      catalog,
      clock,
      logger,
      settings: options.runs,
      approvals: new RunApprovals({ approvals, notices, clock, logger }),
      webhooks: outbox,
      chores: [this.approvalGate, ...(sender ? [sender] : [])],
    })
    this.runManager = runManager
    this.sessionStore = new SessionStore(
      sessions,
      {
        list: (caller, filter) => runManager.list(caller, filter),
        get: (caller, runId) => runManager.get(caller, runId),
        cancel: (caller, runId) => runManager.cancel(caller, runId),
        activeOf: (sessionId) => runs.active(sessionId),
      },
      clock,
    )
    const { serviceAccounts } = this.storage
    const verifier = new ServiceAccountVerifier({ accounts: serviceAccounts, clock, logger })
    this.accounts = new ServiceAccounts({
      accounts: serviceAccounts,
      clock,
      onRevoked: (accountId) => verifier.forget(accountId),
    })
    this.server = {
      id,
      name: options.name,
      description: options.description,
      version,
      startedAt: toIso(clock.now()),
      catalog,
      database: this.storage,
      logger,
      authMode: 'none',
      enforcesScopes: false,
      compatibility: options.compatibility,
    }
    const routes = [
      ...agentRoutes,
      ...runRoutes,
      ...resumeRoutes,
      ...continueRoutes,
      ...checkpointRoutes,
      ...sessionForkRoutes,
      ...sessionRoutes,
      ...approvalRoutes,
      ...serviceAccountRoutes,
      ...systemRoutes,
    ]
    this.http = createHttpApp<Services>({
      routes: [...routes, ...docsRoutes(routes)],
      authenticate: openAuthentication(verifier),
      services: (caller) => this.as(caller),
      authorization: false,
      logger,
      limits: options.limits,
      compatibility: options.compatibility,
      ...surfaceOf(options, logger, clock),
    })
    const own = this.as(fullCaller)
    this.runs = own.runs
    this.sessions = own.sessions
    this.approvals = own.approvals
    this.serviceAccounts = own.serviceAccounts
  }

  /** The services as this caller may use them: rows that it may not see don't exist for it. */
  as(caller: Caller): Services {
    return new CallerServices(caller, this.runManager, this.sessionStore, this.approvalGate, this.accounts, this.server)
  }

  /** Answers a Web-standard request; the adapters of hosts call it. */
  fetch(request: Request, options?: MountOptions): Promise<Response> {
    this.runManager.wakeUp()
    return this.http.fetch(request, options)
  }

  /** Whether a path, without the mount prefix, is one of this API. */
  matches(pathname: string): boolean {
    return this.http.matches(pathname)
  }

  /**
   * Shuts down: new runs are refused, those that are going on are waited for, and the database is closed. What has not
   * ended by the deadline is let go, and goes on in another process, or when this one is started again. Call it when
   * the process is told to end.
   *
   * @param options.deadlineMs milliseconds; default `runs.stopDeadlineMs`, which is 25 s.
   */
  stop({ deadlineMs }: { deadlineMs?: number } = {}): Promise<void> {
    this.stopping ??= this.shutDown(deadlineMs)
    return this.stopping
  }

  private async shutDown(deadlineMs: number | undefined): Promise<void> {
    try {
      await this.runManager.stop(deadlineMs)
    } finally {
      await this.storage.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** Most requests use one service: each is bound when it is first asked for. */
class CallerServices implements Services {
  private boundRuns: Bound<RunManager> | undefined
  private boundSessions: Bound<SessionStore> | undefined
  private boundApprovals: Bound<ApprovalGate> | undefined
  private boundAccounts: Bound<ServiceAccounts> | undefined

  constructor(
    private readonly caller: Caller,
    private readonly runManager: RunManager,
    private readonly sessionStore: SessionStore,
    private readonly approvalGate: ApprovalGate,
    private readonly accounts: ServiceAccounts,
    readonly server: ServerDescription,
  ) {}

  get runs(): Bound<RunManager> {
    return (this.boundRuns ??= bindCaller(this.runManager, this.caller))
  }

  get sessions(): Bound<SessionStore> {
    return (this.boundSessions ??= bindCaller(this.sessionStore, this.caller))
  }

  get approvals(): Bound<ApprovalGate> {
    return (this.boundApprovals ??= bindCaller(this.approvalGate, this.caller))
  }

  get serviceAccounts(): Bound<ServiceAccounts> {
    return (this.boundAccounts ??= bindCaller(this.accounts, this.caller))
  }
}

/** What guards the HTTP surface, beside who calls. */
function surfaceOf(options: AgentOSOptions, logger: Logger, clock: Clock) {
  const { compatibility, rateLimits, audit, trustedProxyHeader } = options
  if (trustedProxyHeader !== undefined && !/^[\w-]+$/.test(trustedProxyHeader)) {
    throw new ConfigurationError(`"${trustedProxyHeader}" is no name of a header for trustedProxyHeader.`)
  }
  const origins = corsOrigins(options.cors, compatibility, process.env.CORS_ORIGIN_LIST)
  return {
    cors: origins && origins.length > 0 ? new Cors(origins) : undefined,
    usage: rateLimits && new UsageLimits(rateLimits, rateLimits.limiter ?? new MemoryRateLimiter(clock)),
    audit: audit === false ? undefined : new Audit(logger, () => toIso(clock.now()), audit),
    trustedProxyHeader,
  }
}

/** What a compiler would refuse, for programs that have none. */
function checkOptions(options: AgentOSOptions | undefined): void {
  if (!Array.isArray(options?.agents)) {
    throw new ConfigurationError('An AgentOS needs agents: new AgentOS({ agents: [agent] }).')
  }
  const { storage } = options
  if (storage !== undefined && typeof storage.runs !== 'object') {
    throw new ConfigurationError("The storage is none. Pass one, such as storage: sqlite('agentos.db').")
  }
}
