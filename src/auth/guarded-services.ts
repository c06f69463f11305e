import type { ApprovalGate } from '../approvals/approval-gate.js'
import type { AccessPolicy } from '../core/access.js'
import { bindCaller } from '../core/caller.js'
import type { Bound, Caller } from '../core/caller.js'
import type { Scope } from '../core/scopes.js'
import type { Databases } from '../database/databases.js'
import { namedIn } from '../runs/create-run.js'
import type { CreateRun } from '../runs/create-run.js'
import type { RunManager } from '../runs/run-manager.js'
import type { ServiceAccounts } from '../service-accounts/service-accounts.js'
import type { SessionStore } from '../sessions/session-store.js'

/** Called by the background, and not part of what callers get. */
type Internal = 'wakeUp' | 'startBackground' | 'sweep'

/** For each method what is checked before it is called: one without does not compile. */
type Guards<Service> = {
  [Name in Exclude<keyof Service, Internal>]: Service[Name] extends (...parameters: infer Parameters) => unknown
    ? (...parameters: Parameters) => Promise<void>
    : never
}

/** Sessions as a caller may use them: the scopes are those of the routes. */
export function guardedSessions(store: SessionStore, caller: Caller, access: AccessPolicy): Bound<SessionStore> {
  const needs = (scope: Scope) => (id: string) => access.check(caller, scope, id)
  const [read, write, remove] = [needs('sessions:read'), needs('sessions:write'), needs('sessions:delete')]
  return guarded(bindCaller(store, caller), {
    create: () => access.check(caller, 'sessions:write'),
    list: () => access.check(caller, 'sessions:read'),
    get: read,
    runs: read,
    run: read,
    rename: write,
    update: write,
    delete: remove,
    deleteMany: () => access.check(caller, 'sessions:delete'),
    fork: async (sessionId, options) => {
      const { agentId, teamId } = options ?? {}
      await access.check(caller, teamId === undefined ? 'agents:run' : 'teams:run', teamId ?? agentId)
      await write(sessionId)
    },
  })
}

/** Approvals as a caller may use them. */
export function guardedApprovals(gate: ApprovalGate, caller: Caller, access: AccessPolicy): Bound<ApprovalGate> {
  const needs = (scope: Scope) => (id: string) => access.check(caller, scope, id)
  return guarded(bindCaller(gate, caller), {
    list: () => access.check(caller, 'approvals:read'),
    count: () => access.check(caller, 'approvals:read'),
    get: needs('approvals:read'),
    status: needs('approvals:read'),
    resolve: needs('approvals:write'),
    delete: needs('approvals:delete'),
  })
}

/** Service accounts as a caller may use them. */
export function guardedServiceAccounts(
  accounts: ServiceAccounts,
  caller: Caller,
  access: AccessPolicy,
): Bound<ServiceAccounts> {
  return guarded(bindCaller(accounts, caller), {
    list: () => access.check(caller, 'service_accounts:read'),
    mint: () => access.check(caller, 'service_accounts:write'),
    revoke: (id) => access.check(caller, 'service_accounts:delete', id),
    rotate: async (id) => {
      await access.check(caller, 'service_accounts:delete', id)
      await access.check(caller, 'service_accounts:write', id)
    },
  })
}

/** The databases as a caller may look after them. */
export function guardedDatabases(
  databases: Databases,
  caller: Caller,
  access: AccessPolicy,
): Pick<Databases, 'status' | 'migrate' | 'migrateAll'> {
  return {
    status: async () => {
      await access.check(caller, 'config:read')
      return databases.status()
    },
    migrate: async (dbId, input) => {
      await access.check(caller, 'config:write')
      return databases.migrate(dbId, input)
    },
    migrateAll: async (input) => {
      await access.check(caller, 'config:write')
      return databases.migrateAll(input)
    },
  }
}

/** Runs as a caller may use them: each asks for the right to run its component. */
export function guardedRuns(runs: RunManager, caller: Caller, access: AccessPolicy): Bound<RunManager> {
  const bound = bindCaller(runs, caller)
  const named = (input: CreateRun) => access.checkRun(caller, namedIn(input))
  const run = async (runId: string) => access.checkRun(caller, (await bound.head(runId)).component)
  const guards: Guards<Omit<Bound<RunManager>, 'stream' | 'streamInBackground'>> = {
    create: named,
    start: named,
    resume: run,
    continue: run,
    continueStream: run,
    continueStreamInBackground: run,
    continueInBackground: run,
    get: run,
    head: run,
    checkpoints: run,
    checkpoint: run,
    cancel: run,
    sendEvent: run,
    list: ({ componentKind, componentId } = {}) =>
      componentKind === undefined || componentId === undefined
        ? access.check(caller, 'agents:run')
        : access.checkRun(caller, { kind: componentKind, id: componentId }),
  }
  return {
    ...guarded(bound, guards as Guards<Bound<RunManager>>),
    // These answer at once: what is checked meanwhile comes before the run is accepted.
    stream: (input) => runs.stream(caller, input, named(input)),
    streamInBackground: (input) => runs.streamInBackground(caller, input, named(input)),
  }
}

function guarded<Service extends object>(service: Service, guards: Guards<Service>): Service {
  const methods = Object.entries<(...parameters: never[]) => Promise<void>>(guards).map(([name, check]) => {
    const method = service[name as keyof Service] as (...parameters: unknown[]) => unknown
    const guard = check as (...parameters: unknown[]) => Promise<void>
    const guardedMethod = async (...parameters: unknown[]): Promise<unknown> => {
      await guard(...parameters)
      return method(...parameters)
    }
    return [name, guardedMethod]
  })
  return Object.fromEntries(methods) as Service
}
