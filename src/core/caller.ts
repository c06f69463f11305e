import type { JsonObject } from './json.js'

/** The scope that grants everything. */
export const ADMIN_SCOPE = 'agent_os:admin'

/** Who acts. It travels with a run: what the run does later is done as the caller that started it. */
export interface Caller {
  kind: 'anonymous' | 'root' | 'user' | 'service_account' | 'oauth_client'
  userId?: string
  /** Pins the session of the caller's runs. */
  sessionId?: string
  scopes: readonly string[]
  admin: boolean
  /** Sees and touches only rows whose `userId` is its own. */
  scoped: boolean
  claims?: JsonObject
  dependencies?: JsonObject
  sessionState?: JsonObject
}

/** The caller of plain code: the host itself. */
export const fullCaller: Caller = Object.freeze({
  kind: 'root',
  scopes: Object.freeze([ADMIN_SCOPE]),
  admin: true,
  scoped: false,
})

/** Whoever calls while authentication is off. */
export const anonymousCaller: Caller = Object.freeze({
  kind: 'anonymous',
  scopes: Object.freeze([ADMIN_SCOPE]),
  admin: true,
  scoped: false,
})

/**
 * A service with its caller filled in: every method loses its first parameter.
 *
 * @example
 * const sessions: Bound<SessionStore> = bindCaller(store, caller)
 * await sessions.get('thread-42')
 */
export type Bound<Service> = {
  [
    Key in keyof Service as Service[Key] extends (caller: Caller, ...rest: never[]) => unknown ? Key : never
  ]: Service[Key] extends (caller: Caller, ...rest: infer Rest) => infer Result ? (...rest: Rest) => Result : never
}

/** Fills the caller in once, so that nobody can forget it further down. */
export function bindCaller<Service extends object>(service: Service, caller: Caller): Bound<Service> {
  const bound: Record<string, unknown> = {}
  for (const name of methodNames(service)) {
    const method = (service as Record<string, unknown>)[name] as (...parameters: unknown[]) => unknown
    bound[name] = (...rest: unknown[]) => method.call(service, caller, ...rest)
  }
  return bound as Bound<Service>
}

const namesByPrototype = new WeakMap<object, readonly string[]>()

function methodNames(service: object): readonly string[] {
  const prototype = Object.getPrototypeOf(service) as object
  let names = namesByPrototype.get(prototype)
  if (!names) {
    names = Object.entries(Object.getOwnPropertyDescriptors(prototype))
      .filter(([name, descriptor]) => name !== 'constructor' && typeof descriptor.value === 'function')
      .map(([name]) => name)
    namesByPrototype.set(prototype, names)
  }
  return names
}
