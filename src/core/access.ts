import type { Caller } from './caller.js'
import { heldComponents, holdsScope, InsufficientScopeError, partsOf, runScopeOf } from './scopes.js'
import type { RunnableComponent, Scope, ScopeAction, ScopeResource } from './scopes.js'

/** What a caller wants to act on. */
export interface AccessResource {
  type: ScopeResource
  /** Of the agent, session, approval and so on, where the operation names one. */
  id?: string
}

/**
 * The host's say: true allows, false denies, undefined leaves it to the caller's scopes. What it throws fails the
 * request. It is not asked about the host itself, nor about the holder of the security key.
 */
export type Authorize = (
  caller: Caller,
  action: ScopeAction,
  resource: AccessResource,
) => boolean | undefined | Promise<boolean | undefined>

export interface AccessRules {
  /** Whether callers need scopes. Those of service accounts are always checked: this server has issued them. */
  enforcesScopes: boolean
  authorize?: Authorize
}

/** What callers may do: the one place where scopes and the host's say are put together. */
export class AccessPolicy {
  constructor(private readonly rules: AccessRules) {}

  /** Whether the caller may do what a scope stands for. What is known at once costs no promise. */
  may(caller: Caller, scope: Scope, id?: string): boolean | Promise<boolean> {
    return this.decide(caller, scope, id, () => holdsScope(caller, scope, id))
  }

  /** Whether the caller may ask for a list, of which it then sees what it holds the scope of. */
  mayList(caller: Caller, scope: Scope): boolean | Promise<boolean> {
    return this.decide(caller, scope, undefined, () => {
      const held = heldComponents(caller, [scope])
      return held === 'all' || held.size > 0
    })
  }

  /**
   * Whether the caller may run a component. Asked before a run is accepted; to be asked, too, before a run executes
   * another component for its caller, as a team does with its members.
   */
  mayRun(caller: Caller, component: RunnableComponent): boolean | Promise<boolean> {
    return this.may(caller, runScopeOf(component), component.id)
  }

  /** Whether there is anything to ask about the caller. */
  asksAbout(caller: Caller): boolean {
    return (this.rules.authorize !== undefined && caller.kind !== 'root') || this.asksScopesOf(caller)
  }

  /** @throws InsufficientScopeError */
  async check(caller: Caller, scope: Scope, id?: string): Promise<void> {
    if (!(await this.may(caller, scope, id))) throw new InsufficientScopeError([scope])
  }

  /** @throws InsufficientScopeError */
  async checkRun(caller: Caller, component: RunnableComponent): Promise<void> {
    await this.check(caller, runScopeOf(component), component.id)
  }

  private decide(
    caller: Caller,
    scope: Scope,
    id: string | undefined,
    byScopes: () => boolean,
  ): boolean | Promise<boolean> {
    const { authorize } = this.rules
    const otherwise = (): boolean => !this.asksScopesOf(caller) || byScopes()
    if (!authorize || caller.kind === 'root') return otherwise()
    const { resource: type, action } = partsOf(scope)
    const said = authorize(caller, action, id === undefined ? { type } : { type, id })
    return said instanceof Promise ? said.then((later) => later ?? otherwise()) : (said ?? otherwise())
  }

  private asksScopesOf(caller: Caller): boolean {
    return !caller.admin && (this.rules.enforcesScopes || caller.kind === 'service_account')
  }
}

/** Asks nobody for scopes but service accounts. */
export const openAccess = new AccessPolicy({ enforcesScopes: false })
