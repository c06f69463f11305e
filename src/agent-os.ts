import { Run } from './agents/log/run-record.js'
import type { Runnable } from './agents/runnable.js'
import { ApprovalGate } from './approvals/approval-gate.js'
import { ApprovalNotices } from './approvals/approval-notices.js'
import type { ApprovalCallbacks } from './approvals/approval-notices.js'
import { Approval } from './approvals/approval.js'
import { RunApprovals } from './approvals/run-approvals.js'
import type { AuthOptions } from './auth/auth-options.js'
import { addressOf, toWebRequest } from './auth/auth-request.js'
import type { AuthRequest } from './auth/auth-request.js'
import { authSettings } from './auth/auth-settings.js'
import { Authenticator } from './auth/authenticator.js'
import { CallerServices } from './agent-os-services.js'
import { AccessPolicy } from './core/access.js'
import { fullCaller } from './core/caller.js'
import type { Bound, Caller } from './core/caller.js'
import { systemClock, toIso } from './core/clock.js'
import type { Clock } from './core/clock.js'
import { ConfigurationError } from './core/errors.js'
import { consoleLogger } from './core/logger.js'
import type { Logger } from './core/logger.js'
import { Database } from './database/database.js'
import { Databases } from './database/databases.js'
import { MemoryRateLimiter } from './core/rate-limiter.js'
import { redactingLogger } from './core/redact.js'
import { componentRoutes } from './http/components.js'
import { createHttpApp } from './http/app.js'
import { approvalRoutes } from './http/approvals.js'
import { Audit } from './http/audit.js'
import type { AuditCallback } from './http/audit.js'
import type { BodyLimits } from './http/body-limits.js'
import { checkpointRoutes } from './http/checkpoints.js'
import { clientAddress } from './http/client-address.js'
import { continueRoutes } from './http/continue.js'
import { databaseRoutes } from './http/databases.js'
import { Cors, corsOrigins } from './http/cors.js'
import type { CorsOrigins } from './http/cors.js'
import { docsRoutes } from './http/docs.js'
import { encoder } from './http/encode.js'
import { resumeRoutes } from './http/resume.js'
import { withAccess } from './http/route-access.js'
import type { Route } from './http/route.js'
import { runRoutes } from './http/runs.js'
import { serviceAccountRoutes } from './http/service-accounts.js'
import type { ServerDescription, Services } from './http/services.js'
import { sessionForkRoutes } from './http/session-fork.js'
import { sessionRoutes } from './http/sessions.js'
import { socketRoutes } from './http/socket/socket-route.js'
import { WorkflowSockets } from './http/socket/workflow-sockets.js'
import { workflowRunRoutes } from './http/workflow-runs.js'
import { systemRoutes } from './http/system.js'
import { usageKey, UsageLimits } from './http/usage-limits.js'
import type { RateLimits } from './http/usage-limits.js'
import type { MountOptions, OpenSocket, SocketHandler, WebHandler } from './http/web-handler.js'
import { Catalog } from './runs/catalog.js'
import { RunManager } from './runs/run-manager.js'
import type { Runs } from './runs/run-manager.js'
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
  agents?: readonly Runnable[]
  /** Agents under a leader: {@link Team}. */
  teams?: readonly Runnable[]
  /** Steps in an order: {@link Workflow}. */
  workflows?: readonly Runnable[]
  /** Default: `sqlite('agentos.db')` in the working directory. */
  storage?: Storage
  /** Databases that are looked after besides: listed, asked whether they are ready, migrated, and closed with the own one. */
  databases?: readonly Storage[]
  /** Pino-shaped. Default: warnings and errors as JSON lines on standard error. */
  logger?: Logger
  /** Who may call, and what for. Default: everybody, for everything. */
  auth?: AuthOptions
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
export class AgentOS implements WebHandler, SocketHandler {
  readonly id: string
  /** Runs, as the host itself. */
  readonly runs: Runs
  /** Sessions, as the host itself. */
  readonly sessions: Bound<SessionStore>
  /** Approvals, as the host itself. */
  readonly approvals: Bound<ApprovalGate>
  /** Service accounts, as the host itself. */
  readonly serviceAccounts: Bound<ServiceAccounts>
  /** The database that runs and sessions are in: its schema, and how long what is in it is kept. */
  readonly database: Database
  /** That one, and those that are looked after besides. */
  readonly databases: Databases
  private readonly storage: Storage
  private readonly furtherStorages: readonly Storage[]
  private readonly server: ServerDescription
  private readonly runManager: RunManager
  private readonly sessionStore: SessionStore
  private readonly approvalGate: ApprovalGate
  private readonly accounts: ServiceAccounts
  private readonly authenticator: Authenticator
  private readonly access: AccessPolicy
  private readonly trustedProxyHeader: string | undefined
  private readonly http: WebHandler
  private readonly sockets: WorkflowSockets
  private stopping: Promise<void> | undefined

  /**
   * @throws ConfigurationError when two agents have the same id, or one can't be described; when `auth` leaves something
   *   open that is meant to be shut, or its keys can't be used.
   */
  constructor(options: AgentOSOptions) {
    checkOptions(options)
    const { id = 'agentos', version = '1.0.0', clock = systemClock } = options
    const logger = redactingLogger(options.logger ?? consoleLogger)
    this.id = id
    const auth = authSettings(options.auth, id, process.env)
    const storage = options.storage ?? sqlite('agentos.db')
    const surface = surfaceOf(options, storage, logger, clock)
    this.trustedProxyHeader = surface.trustedProxyHeader
    this.access = new AccessPolicy({ enforcesScopes: auth.authorization, authorize: auth.authorize })
    const further = options.databases ?? []
    this.storage = storage
    this.furtherStorages = further
    const databases = [storage, ...further].map((one) => new Database(one, clock))
    this.database = databases[0]!
    this.databases = new Databases(databases, logger)
    const { runs, sessions, media, events, approvals } = storage
    const catalog = new Catalog(componentsOf(options))
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
    const encodeRun = encoder(Run, options.compatibility ?? 'standard')
    const sender =
      outbox &&
      new WebhookSender({
        webhooks: storage.webhooks,
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
      access: this.access,
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
      auth.jwt.sessionStateClaims,
    )
    const { serviceAccounts } = this.storage
    const { adminScope, dependenciesClaims, sessionStateClaims } = auth.jwt
    const verifier = new ServiceAccountVerifier({
      accounts: serviceAccounts,
      clock,
      logger,
      adminScope,
      cacheTtlSeconds: auth.serviceAccountCacheTtlSeconds,
      pinned: {
        ...(dependenciesClaims.length > 0 && { dependencies: {} }),
        ...(sessionStateClaims.length > 0 && { sessionState: {} }),
      },
    })
    const trustedOrigins = new Set([...auth.trustedOrigins, ...(surface.cors?.named ?? [])])
    this.authenticator = new Authenticator({ ...auth, trustedOrigins }, { clock, logger, serviceTokens: verifier })
    this.accounts = new ServiceAccounts({
      accounts: serviceAccounts,
      clock,
      terms: { adminScope, mappedScopes: Object.values(auth.scopeMappings).flat() },
      onRevoked: (accountId) => verifier.forget(accountId),
    })
    this.server = {
      id,
      name: options.name,
      description: options.description,
      version,
      startedAt: toIso(clock.now()),
      catalog,
      database: storage,
      furtherDatabases: further,
      logger,
      authMode: auth.mode,
      tokens: { ...auth.place, isOptional: auth.mode === 'none' },
      access: this.access,
      checkAuth: () => this.authenticator.check(),
      compatibility: options.compatibility,
    }
    const routes: Route<Services>[] = withAccess(
      [
        ...componentRoutes,
        ...runRoutes,
        ...resumeRoutes,
        ...continueRoutes,
        ...workflowRunRoutes,
        ...checkpointRoutes,
        ...sessionForkRoutes,
        ...sessionRoutes,
        ...approvalRoutes,
        ...serviceAccountRoutes,
        ...databaseRoutes,
        ...socketRoutes,
        ...systemRoutes,
        // They describe the routes as these are guarded.
        ...docsRoutes(() => routes, auth.docs),
      ],
      auth,
    )
    this.http = createHttpApp<Services>({
      routes,
      authenticate: (request, address) => this.authenticator.authenticate(request, address),
      services: (caller) => this.servicesOf(caller),
      access: this.access,
      logger,
      limits: options.limits,
      compatibility: options.compatibility,
      ...surface,
    })
    const addressFor = (request: Request, mount: MountOptions) =>
      clientAddress(request.headers, mount.clientAddress, surface.trustedProxyHeader)
    this.sockets = new WorkflowSockets({
      gate: {
        // Over a socket a token is shown to become somebody: taking it for nobody's would hide that it is no good.
        authenticate: (request, mount) =>
          this.authenticator.authenticate(request, addressFor(request, mount), { refusesStale: true }),
        takeRun: (caller, { request, mount }) => surface.usage?.takeRun(usageKey(caller, addressFor(request, mount))),
        checkRun: (caller, workflowId) => this.access.check(caller, 'workflows:run', workflowId),
        tokenHeader: auth.place.header,
        trustedOrigins: new Set([...auth.trustedOrigins, ...(surface.cors?.named ?? [])]),
      },
      services: (caller) => this.servicesOf(caller),
      logger,
      clock,
    })
    const own = this.servicesOf(fullCaller)
    this.runs = own.runs
    this.sessions = own.sessions
    this.approvals = own.approvals
    this.serviceAccounts = own.serviceAccounts
  }

  /**
   * The services as this caller may use them: rows that it may not see don't exist for it, and what its scopes don't
   * cover is refused with a `ForbiddenError`, as over HTTP. A tool that works for its run's caller goes through here.
   *
   * @example
   * ```ts
   * execute: ({ question }, { caller }) => agentOS.as(caller).runs.create({ agentId: 'expert', message: question })
   * ```
   */
  as(caller: Caller): Services {
    return this.servicesOf(caller, this.access.asksAbout(caller))
  }

  /**
   * Who makes a request, for routes of the host's own: what this API would make of it, path and scopes aside. Takes a
   * Web request, or that of Node, Express or Fastify.
   *
   * @throws UnauthorizedError with the codes of a 401 of this API, such as `TOKEN_MISSING` and `TOKEN_EXPIRED`
   * @throws ForbiddenError `CSRF_REJECTED`
   * @throws TooManyRequestsError `AUTH_THROTTLED`
   * @throws UnavailableError `AUTH_UNAVAILABLE`
   *
   * @example
   * ```ts
   * app.get('/reports', async (req, res) => {
   *   const caller = await agentOS.authenticate(req)
   *   if (!holdsScope(caller, 'metrics:read')) return void res.sendStatus(403)
   *   res.json(await reports.of(caller.userId))
   * })
   * ```
   */
  async authenticate(request: AuthRequest): Promise<Caller> {
    const web = toWebRequest(request)
    return this.authenticator.authenticate(web, clientAddress(web.headers, addressOf(request), this.trustedProxyHeader))
  }

  /** Not guarded for routes, which have checked the caller's scopes. */
  private servicesOf(caller: Caller, isGuarded = false): Services {
    const { runManager, sessionStore, approvalGate, accounts, databases, server } = this
    return new CallerServices(caller, runManager, sessionStore, approvalGate, accounts, databases, server, isGuarded)
  }

  /** Answers a Web-standard request; the adapters of hosts call it. */
  fetch(request: Request, options?: MountOptions): Promise<Response> {
    this.runManager.wakeUp()
    return this.http.fetch(request, options)
  }

  /**
   * Begins to work in the background without waiting for a request or a run: goes on with runs of processes that have
   * died, begins those that wait, and posts webhooks. Needed only where nothing else may come first, as in a process
   * that is there for background runs alone. To call it again does nothing.
   *
   * @throws UnavailableError `DATABASE_UNAVAILABLE` when the storage can't be reached.
   */
  async start(): Promise<void> {
    await this.runManager.startBackground()
  }

  /** Whether a path, without the mount prefix, is one of this API. */
  matches(pathname: string): boolean {
    return this.http.matches(pathname)
  }

  /** Answers a request for the socket of workflows; the adapters of hosts call it. */
  connect(request: Request, options?: MountOptions): Promise<Response | OpenSocket> {
    this.runManager.wakeUp()
    return this.sockets.connect(request, options)
  }

  /** Whether a path, without the mount prefix, is that of the socket. */
  matchesSocket(pathname: string): boolean {
    return this.sockets.matchesSocket(pathname)
  }

  /**
   * Shuts down: new runs are refused, those that are going on are waited for, and the database is closed. What has not
   * ended by the deadline is let go, and goes on in another process, or when this one is started again. Sockets are
   * closed, with a code that has their clients connect again. Call it when the process is told to end.
   *
   * @param options.deadlineMs milliseconds; default `runs.stopDeadlineMs`, which is 25 s.
   */
  stop({ deadlineMs }: { deadlineMs?: number } = {}): Promise<void> {
    this.stopping ??= this.shutDown(deadlineMs)
    return this.stopping
  }

  private async shutDown(deadlineMs: number | undefined): Promise<void> {
    this.sockets.drain()
    try {
      await this.runManager.stop(deadlineMs)
    } finally {
      await this.sockets.close()
      await Promise.all([this.storage, ...this.furtherStorages].map((storage) => storage.close()))
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** What guards the HTTP surface, beside who calls. */
function surfaceOf(options: AgentOSOptions, storage: Storage, logger: Logger, clock: Clock) {
  const { compatibility, rateLimits, audit, trustedProxyHeader } = options
  if (trustedProxyHeader !== undefined && !/^[\w-]+$/.test(trustedProxyHeader)) {
    throw new ConfigurationError(`"${trustedProxyHeader}" is no name of a header for trustedProxyHeader.`)
  }
  const origins = corsOrigins(options.cors, compatibility, process.env.CORS_ORIGIN_LIST)
  return {
    cors: origins && origins.length > 0 ? new Cors(origins) : undefined,
    usage:
      rateLimits &&
      new UsageLimits(rateLimits, rateLimits.limiter ?? storage.rateLimiter ?? new MemoryRateLimiter(clock)),
    audit: audit === false ? undefined : new Audit(logger, () => toIso(clock.now()), audit),
    trustedProxyHeader,
  }
}

/** @throws ConfigurationError when one stands under another kind: its id would be looked for in the wrong place. */
function componentsOf({ agents = [], teams = [], workflows = [] }: AgentOSOptions): readonly Runnable[] {
  for (const [kind, components] of Object.entries({ agent: agents, team: teams, workflow: workflows })) {
    const odd = components.find((one) => typeof one?.execute === 'function' && one.kind !== kind)
    if (odd)
      throw new ConfigurationError(
        `"${odd.id}" is ${odd.kind === 'agent' ? 'an' : 'a'} ${odd.kind}: pass it as ${odd.kind}s.`,
      )
  }
  return [...agents, ...teams, ...workflows]
}

/** What a compiler would refuse, for programs that have none. */
function checkOptions(options: AgentOSOptions | undefined): void {
  const { agents, teams, workflows } = options ?? {}
  if (![agents, teams, workflows].some(Array.isArray)) {
    throw new ConfigurationError('An AgentOS needs something to run: new AgentOS({ agents: [agent] }).')
  }
  const { storage, databases = [] } = options ?? {}
  if ([storage, ...databases].some((one) => one !== undefined && typeof one.runs !== 'object')) {
    throw new ConfigurationError("The storage is none. Pass one, such as storage: sqlite('agentos.db').")
  }
}
