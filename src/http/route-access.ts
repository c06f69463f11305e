import { ConfigurationError } from '../core/errors.js'
import { partsOf } from '../core/scopes.js'
import type { Scope } from '../core/scopes.js'
import { pathParams } from './route.js'
import type { Route, RouteScope, ScopeRequirement } from './route.js'

/** What a host changes about who may call which route. */
export interface RouteAccess {
  /** Paths that anybody may call. `*` stands for one segment, at the end for any number of them. */
  publicPaths?: readonly string[]
  /**
   * `METHOD /path` with the scopes that it asks for in the place of its own; none for any caller. Of several that fit a
   * route, the most exact one counts.
   */
  scopeMappings?: Readonly<Record<string, readonly string[]>>
}

/**
 * The routes as the host opens and guards them.
 *
 * @throws ConfigurationError for a path that no route has: a typo must not leave something open, or shut.
 */
export function withAccess<Services>(
  routes: readonly Route<Services>[],
  { publicPaths = [], scopeMappings = {} }: RouteAccess,
): Route<Services>[] {
  const mapped = Object.entries(scopeMappings).map(([line, scopes]) => {
    const found = routes.filter((route) => isLine(route, line))
    if (found.length === 0) throw new ConfigurationError(`scopeMappings: there is no route "${line}".`)
    return { line, scopes, routes: new Set(found) }
  })
  mapped.sort((one, other) => (exactness(one.line) < exactness(other.line) ? -1 : 1))
  for (const path of publicPaths) {
    if (!routes.some((route) => isOpened(route, path))) {
      throw new ConfigurationError(`publicPaths: there is no route "${path}".`)
    }
  }
  return routes.map((route) => {
    const mapping = mapped.find((one) => one.routes.has(route))
    const declaredScope = route.scope
    const guarded = mapping ? { ...route, scope: scopeOf(route, mapping.scopes), declaredScope } : route
    const isPublic = guarded.scope !== 'public' && publicPaths.some((path) => isOpened(route, path))
    if (!isPublic) return guarded
    return { ...guarded, scope: 'public', declaredScope, grants: requirementsOf(guarded.scope).map(scopeName) }
  })
}

/** What a scope asks for, one by one. */
export function requirementsOf(scope: RouteScope): readonly ScopeRequirement[] {
  if (scope === 'public' || scope === 'any') return []
  return Array.isArray(scope) ? (scope as readonly ScopeRequirement[]) : [scope as ScopeRequirement]
}

export function scopeName(requirement: ScopeRequirement): Scope {
  return typeof requirement === 'string' ? requirement : requirement.scope
}

function isOpened({ path, partOf }: Route<never>, pattern: string): boolean {
  return fits(pattern, path) || (partOf !== undefined && fits(pattern, partOf))
}

function isLine({ method, path }: Route<never>, line: string): boolean {
  const [name = '', pattern = ''] = line.split(' ')
  return name.toLowerCase() === method && fits(pattern, path)
}

/** Whether a path fits a pattern: a parameter may have any name, `*` is any segment, and at the end any number. */
function fits(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const segments = path.split('/')
  const isOpenEnd = wanted.at(-1) === '*' && segments.length >= wanted.length
  if (!isOpenEnd && wanted.length !== segments.length) return false
  return wanted.every((one, at) => one === '*' || one === segments[at] || (isParam(one) && isParam(segments[at]!)))
}

/** Sorts patterns that fit the same path, the most exact one first: the one with no `*` where two part, or a later one. */
function exactness(pattern: string): string {
  const segments = pattern.split('/').map((segment) => (segment === '*' ? '1' : '0'))
  return `${segments.join('')}2`
}

function isParam(segment: string): boolean {
  return /^\{\w+\}$/.test(segment)
}

/** Scopes in the form of a route's own: one of a component is asked for that component, and narrows its list. */
function scopeOf({ path }: Route<never>, scopes: readonly string[]): RouteScope {
  if (scopes.length === 0) return 'any'
  return scopes.map((name): ScopeRequirement => {
    const scope = name as Scope
    const { resource } = partsOf(scope)
    const [, first] = path.split('/')
    const [component] = pathParams(path)
    if (first !== resource || !/^(?:agents|teams|workflows)$/.test(resource)) return scope
    return component === undefined ? { scope, list: true } : { scope, component }
  })
}
