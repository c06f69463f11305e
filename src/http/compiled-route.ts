import { z } from 'zod'
import type { AccessPolicy } from '../core/access.js'
import type { Caller } from '../core/caller.js'
import { ConfigurationError } from '../core/errors.js'
import { isAdministrative } from './audit.js'
import { InsufficientScopeError, partsOf } from '../core/scopes.js'
import type { Scope } from '../core/scopes.js'
import { fieldReader } from './body-fields.js'
import type { BodyLimits } from './body-limits.js'
import type { BodyPlan } from './body.js'
import { decoder } from './decode.js'
import { encoder } from './encode.js'
import type { WireStyle } from './encode.js'
import { pathParams } from './route.js'
import type { Route, ScopeRequirement } from './route.js'
import { requirementsOf, scopeName } from './route-access.js'
import { codeName } from './wire-names.js'

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
  /**
   * What is known at once costs no promise.
   *
   * @throws InsufficientScopeError
   */
  checkScope(access: AccessPolicy, caller: Caller, params: Readonly<Record<string, string>>): void | Promise<void>
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

function scopeCheck<Services>({ scope, path }: Route<Services>): CompiledRoute<Services>['checkScope'] {
  const checks = requirementsOf(scope).map((requirement) => check(requirement, path))
  const names = requirementsOf(scope).map(scopeName)
  const refuse = (): never => {
    throw new InsufficientScopeError(names)
  }
  const goOn = async (pending: Promise<boolean>, rest: () => void | Promise<void>): Promise<void> => {
    if (!(await pending)) refuse()
    await rest()
  }
  return (access, caller, params) => {
    const from = (start: number): void | Promise<void> => {
      for (let at = start; at < checks.length; at++) {
        const met = checks[at]!(access, caller, params)
        if (typeof met !== 'boolean') return goOn(met, () => from(at + 1))
        if (!met) refuse()
      }
    }
    return from(0)
  }
}

type Check = (
  access: AccessPolicy,
  caller: Caller,
  params: Readonly<Record<string, string>>,
) => boolean | Promise<boolean>

function check(requirement: ScopeRequirement, path: string): Check {
  const scope = scopeName(requirement)
  if (typeof requirement !== 'string' && 'list' in requirement) {
    return (access, caller) => access.mayList(caller, scope)
  }
  const param = typeof requirement === 'string' ? paramOf(scope, path) : requirement.component
  return (access, caller, params) => access.may(caller, scope, param === undefined ? undefined : params[param])
}

/** The parameter that names what a scope is about: `session_id` of `/sessions/{session_id}/runs`. */
function paramOf(scope: Scope, path: string): string | undefined {
  const { resource } = partsOf(scope)
  const name = new RegExp(`/${resource.replaceAll('_', '[-_]')}/\\{(\\w+)\\}`).exec(path)?.[1]
  return name === undefined ? undefined : codeName(name)
}
