import { z } from 'zod'
import type { Caller } from '../core/caller.js'
import { ConfigurationError } from '../core/errors.js'
import { isAdministrative } from './audit.js'
import { fieldReader } from './body-fields.js'
import type { BodyLimits } from './body-limits.js'
import type { BodyPlan } from './body.js'
import { decoder } from './decode.js'
import { encoder } from './encode.js'
import type { WireStyle } from './encode.js'
import { pathParams } from './route.js'
import type { Route, ScopeRequirement } from './route.js'
import { heldComponents, holdsScope, InsufficientScopeError } from '../core/scopes.js'

/** A route with everything prepared that does not depend on the request. */
export interface CompiledRoute<Services> {
  route: Route<Services>
  /** Names of the path's parameters, in order, as spelled in code. */
  paramNames: readonly string[]
  isPublic: boolean
  /** Whether its calls are told to the audit. */
  isAdministrative: boolean
  /** Whether a call with this body is answered with events. */
  opensStream(body: unknown): boolean
  /** @throws InsufficientScopeError */
  checkScope(caller: Caller, params: Readonly<Record<string, unknown>>): void
  body?: BodyPlan
  /** Status of a plain return value. */
  firstStatus: number
  /** How the value of a status is spelled; null where it has none. */
  encode: ReadonlyMap<number, ((value: unknown) => unknown) | null>
}

export function compileRoute<Services>(
  route: Route<Services>,
  style: WireStyle,
  limits: BodyLimits,
): CompiledRoute<Services> {
  const statuses = Object.keys(route.response).map(Number)
  if (statuses.length === 0) throw new ConfigurationError(`Route ${route.method} ${route.path} declares no response.`)
  for (const schema of [route.params, route.query, route.body]) if (schema) decoder(schema)
  return {
    route,
    paramNames: pathParams(route.path),
    isPublic: route.scope === 'public',
    isAdministrative: isAdministrative(route),
    opensStream: streamCheck(route),
    checkScope: scopeCheck(route),
    body: route.body && {
      fields: fieldReader(route.body, limits.jsonDepth),
      form: route.form === true || route.uploads !== undefined,
      uploads: route.uploads ?? [],
    },
    firstStatus: Math.min(...statuses),
    encode: new Map(
      statuses.map((status) => {
        const spec = route.response[status]
        return [status, spec instanceof z.ZodType ? encoder(spec, style) : null]
      }),
    ),
  }
}

function streamCheck<Services>({ response, stream }: Route<Services>): CompiledRoute<Services>['opensStream'] {
  if (Object.values(response).includes('stream')) return () => true
  // Where the caller chooses, every body of the API does it by the same field.
  return stream ? (body) => (body as { stream?: unknown } | undefined)?.stream === true : () => false
}

function scopeCheck<Services>({ scope }: Route<Services>): CompiledRoute<Services>['checkScope'] {
  if (scope === 'public' || scope === 'any') return () => undefined
  const requirements: readonly ScopeRequirement[] = Array.isArray(scope)
    ? (scope as readonly ScopeRequirement[])
    : [scope as ScopeRequirement]
  const names = requirements.map((requirement) => (typeof requirement === 'string' ? requirement : requirement.scope))
  return (caller, params) => {
    if (caller.admin) return
    for (const requirement of requirements)
      if (!meets(caller, requirement, params)) throw new InsufficientScopeError(names)
  }
}

function meets(caller: Caller, requirement: ScopeRequirement, params: Readonly<Record<string, unknown>>): boolean {
  if (typeof requirement === 'string') return holdsScope(caller, requirement)
  if ('component' in requirement) return holdsScope(caller, requirement.scope, String(params[requirement.component]))
  const held = heldComponents(caller, [requirement.scope])
  return held === 'all' || held.size > 0
}
