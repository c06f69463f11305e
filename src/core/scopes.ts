import type { Caller } from './caller.js'
import { ForbiddenError } from './errors.js'

/** What routes of this server ask for. */
export const SCOPE_RESOURCES = [
  'config',
  'registry',
  'agents',
  'teams',
  'workflows',
  'sessions',
  'memories',
  'learnings',
  'knowledge',
  'metrics',
  'evals',
  'traces',
  'approvals',
  'schedules',
  'components',
  'service_accounts',
] as const
export type ScopeResource = (typeof SCOPE_RESOURCES)[number]

export const SCOPE_ACTIONS = ['read', 'write', 'delete', 'run'] as const
export type ScopeAction = (typeof SCOPE_ACTIONS)[number]

/** What a route asks for, such as `agents:run`. */
export type Scope = `${ScopeResource}:${ScopeAction}`

/** The token is good, but does not hold what the operation needs. */
export class InsufficientScopeError extends ForbiddenError {
  constructor(readonly requiredScopes: readonly string[]) {
    super('INSUFFICIENT_SCOPE', `Insufficient permissions. Required scope(s): ${requiredScopes.join(', ')}`)
  }
}

/** Resources of which a scope may name one component. */
export const PER_COMPONENT: ReadonlySet<string> = new Set(['agents', 'teams', 'workflows'])

/** Something that can be run, as scopes name it. */
export interface RunnableComponent {
  readonly kind: 'agent' | 'team' | 'workflow'
  readonly id: string
}

/** The scope that running a component asks for. */
export function runScopeOf({ kind }: Pick<RunnableComponent, 'kind'>): Scope {
  return `${kind}s:run`
}

/**
 * Whether the caller holds a scope: by the admin scope, `agents:run`, `agents:*:run` or, where a component is named,
 * `agents:<id>:run`. Scopes per id exist for agents, teams and workflows only; no action implies another.
 */
export function holdsScope(caller: Caller, required: Scope, componentId?: string): boolean {
  if (caller.admin) return true
  const { resource, action } = partsOf(required)
  return caller.scopes.some((held) => {
    if (held === required) return true
    const grant = parseGrant(held)
    if (!grant || grant.resource !== resource || grant.action !== action) return false
    if (grant.id === undefined || grant.id === '*') return true
    return componentId !== undefined && PER_COMPONENT.has(resource) && grant.id === componentId
  })
}

/**
 * The components that any of the scopes covers: `'all'`, or the ids that the caller's scopes name. Empty when none.
 *
 * @example
 * const visible = heldComponents(caller, ['agents:read'])
 * agents.filter((agent) => visible === 'all' || visible.has(agent.id))
 */
export function heldComponents(caller: Caller, scopes: readonly Scope[]): 'all' | ReadonlySet<string> {
  const ids = new Set<string>()
  for (const required of scopes) {
    if (holdsScope(caller, required)) return 'all'
    const { resource, action } = partsOf(required)
    if (!PER_COMPONENT.has(resource)) continue
    for (const held of caller.scopes) {
      const grant = parseGrant(held)
      if (grant?.id !== undefined && grant.resource === resource && grant.action === action) ids.add(grant.id)
    }
  }
  return ids
}

/** The scope of one component as it stands in a token; a `:` or `%` in the id is percent-encoded. */
export function componentScope(required: Scope, componentId: string): string {
  const { resource, action } = partsOf(required)
  return `${resource}:${componentId.replace(/[:%]/g, encodeURIComponent)}:${action}`
}

export function partsOf(scope: Scope): { resource: ScopeResource; action: ScopeAction } {
  const colon = scope.indexOf(':')
  return { resource: scope.slice(0, colon) as ScopeResource, action: scope.slice(colon + 1) as ScopeAction }
}

/** A scope as it stands in a token, taken apart. */
export interface Grant {
  resource: string
  /** As the component is called, or `*`; undefined where none is named. */
  id?: string
  action: string
}

/** Takes a scope apart; undefined when it has not the form of one. The admin scope has a meaning as a whole only. */
export function parseGrant(scope: string): Grant | undefined {
  const parts = scope.split(':')
  const resource = parts[0] === 'system' ? 'config' : parts[0]!
  if (parts.length === 2) return { resource, action: parts[1]! }
  if (parts.length === 3 && parts[1]) return { resource, id: decodeId(parts[1]), action: parts[2]! }
  return undefined
}

function decodeId(id: string): string {
  return id.replace(/%(3a|25)/gi, (_, code: string) => (code === '25' ? '%' : ':'))
}
