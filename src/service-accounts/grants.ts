import type { Caller } from '../core/caller.js'
import { holdsScope, parseGrant, PER_COMPONENT, SCOPE_ACTIONS, SCOPE_RESOURCES } from '../core/scopes.js'
import type { Grant, Scope } from '../core/scopes.js'
import { invalidScope, pinnedMinter, privilegedScope, scopeNotHeld } from './service-account-errors.js'
import type { ScopeInfo } from './service-account.js'

/** What scopes mean on this server. */
export interface ScopeTerms {
  /** The scope that grants everything. */
  adminScope: string
  /** Scopes that the host asks for on routes, beside those of the server's own. */
  mappedScopes: readonly string[]
}

/**
 * Refuses scopes that mean nothing here: a typo would make a token that silently lacks a right.
 *
 * @throws ValidationError `INVALID_SCOPE`, or `PRIVILEGED_SCOPE` for one that was not asked for in so many words.
 */
export function checkScopes(scopes: readonly string[], allowsPrivileged: boolean, terms: ScopeTerms): void {
  for (const [at, scope] of scopes.entries()) {
    const reason = oddityOf(scope, terms)
    if (reason !== undefined) throw invalidScope(at, scope, reason)
  }
  const at = allowsPrivileged ? -1 : scopes.findIndex((scope) => isPrivileged(scope, terms))
  if (at !== -1) throw privilegedScope(at, scopes[at]!)
}

/**
 * Refuses to grant what the caller does not hold: a chain of tokens can only become narrower.
 *
 * @throws ForbiddenError `SCOPE_NOT_HELD`
 */
export function checkHeld(caller: Caller, scopes: readonly string[], { adminScope }: ScopeTerms): void {
  if (caller.admin) return
  if (caller.sessionId !== undefined) throw pinnedMinter(caller.sessionId)
  const missing = scopes.filter((scope) => scope === adminScope || !covers(caller, parseGrant(scope)))
  if (missing.length > 0) throw scopeNotHeld(missing)
}

/** A scope taken apart for display. */
export function scopeInfo(raw: string): ScopeInfo {
  const { resource, id, action } = parseGrant(raw) ?? { resource: raw, action: raw }
  return { id: null, raw, namespace: resource, subNamespace: id ?? null, permission: action, value: 'allow' }
}

function oddityOf(scope: string, { adminScope, mappedScopes }: ScopeTerms): string | undefined {
  if (scope === adminScope) return undefined
  const grant = parseGrant(scope)
  if (!grant) return 'is no scope; write resource:action, or resource:id:action'
  const { resource, id, action } = grant
  const isOwn = includes(SCOPE_RESOURCES, resource) && includes(SCOPE_ACTIONS, action)
  if (!isOwn && !mappedScopes.map(parseGrant).some((one) => one?.resource === resource && one.action === action)) {
    return (
      `is asked for by nothing on this server; resources are ${SCOPE_RESOURCES.join(', ')}, ` +
      `actions are ${SCOPE_ACTIONS.join(', ')}`
    )
  }
  if (id !== undefined && id !== '*' && !PER_COMPONENT.has(resource)) {
    return `grants nothing: only of ${[...PER_COMPONENT].join(', ')} can one be named; write ${resource}:${action}`
  }
  return undefined
}

function isPrivileged(scope: string, { adminScope }: ScopeTerms): boolean {
  const grant = parseGrant(scope)
  return (
    scope === adminScope ||
    grant?.action === 'write' ||
    grant?.action === 'delete' ||
    grant?.resource === 'service_accounts'
  )
}

function covers(caller: Caller, grant: Grant | undefined): boolean {
  if (!grant) return false
  const { resource, id, action } = grant
  return holdsScope(caller, `${resource}:${action}` as Scope, id === '*' ? undefined : id)
}

function includes(known: readonly string[], name: string): boolean {
  return known.includes(name)
}
