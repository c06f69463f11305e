import type { ApprovalGate } from './approvals/approval-gate.js'
import {
  guardedApprovals,
  guardedDatabases,
  guardedRuns,
  guardedServiceAccounts,
  guardedSessions,
} from './auth/guarded-services.js'
import { bindCaller } from './core/caller.js'
import type { Bound, Caller } from './core/caller.js'
import type { Databases } from './database/databases.js'
import type { ManagedDatabases, ServerDescription, Services } from './http/services.js'
import type { RunManager, Runs } from './runs/run-manager.js'
import type { ServiceAccounts } from './service-accounts/service-accounts.js'
import type { SessionStore } from './sessions/session-store.js'

/** Most requests use one service: each is bound when it is first asked for. */
export class CallerServices implements Services {
  private boundRuns: Runs | undefined
  private boundSessions: Bound<SessionStore> | undefined
  private boundApprovals: Bound<ApprovalGate> | undefined
  private boundAccounts: Bound<ServiceAccounts> | undefined

  constructor(
    private readonly caller: Caller,
    private readonly runManager: RunManager,
    private readonly sessionStore: SessionStore,
    private readonly approvalGate: ApprovalGate,
    private readonly accounts: ServiceAccounts,
    private readonly allDatabases: Databases,
    readonly server: ServerDescription,
    private readonly isGuarded = false,
  ) {}

  get runs(): Runs {
    const { runManager, caller, server, isGuarded } = this
    return (this.boundRuns ??= (
      isGuarded ? guardedRuns(runManager, caller, server.access) : bindCaller(runManager, caller)
    ) as Runs)
  }

  get sessions(): Bound<SessionStore> {
    const { sessionStore, caller, server, isGuarded } = this
    return (this.boundSessions ??= isGuarded
      ? guardedSessions(sessionStore, caller, server.access)
      : bindCaller(sessionStore, caller))
  }

  get approvals(): Bound<ApprovalGate> {
    const { approvalGate, caller, server, isGuarded } = this
    return (this.boundApprovals ??= isGuarded
      ? guardedApprovals(approvalGate, caller, server.access)
      : bindCaller(approvalGate, caller))
  }

  get databases(): ManagedDatabases {
    const { allDatabases, caller, server, isGuarded } = this
    return isGuarded ? guardedDatabases(allDatabases, caller, server.access) : allDatabases
  }

  get serviceAccounts(): Bound<ServiceAccounts> {
    const { accounts, caller, server, isGuarded } = this
    return (this.boundAccounts ??= isGuarded
      ? guardedServiceAccounts(accounts, caller, server.access)
      : bindCaller(accounts, caller))
  }
}
