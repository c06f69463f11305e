import { ADMIN_SCOPE } from '../core/caller.js'
import type { Caller } from '../core/caller.js'
import { checkInput } from '../core/check-input.js'
import { toIso } from '../core/clock.js'
import type { Clock } from '../core/clock.js'
import { newUuid } from '../core/ids.js'
import type { Page } from '../core/page.js'
import { checkHeld, checkScopes, scopeInfo } from './grants.js'
import type { ScopeTerms } from './grants.js'
import { minterUnknown, serviceAccountNotFound } from './service-account-errors.js'
import type { ServiceAccountRepository, StoredServiceAccount } from './service-account-repository.js'
import { ListServiceAccounts, MintServiceAccount, RotateServiceAccount } from './service-account.js'
import type { MintedServiceAccount, ServiceAccount } from './service-account.js'
import { hashOf, newToken, shownPart } from './token.js'

export interface ServiceAccountsParts {
  accounts: ServiceAccountRepository
  clock: Clock
  /** Called for an account whose token is no good any more, before its end is answered. */
  onRevoked(id: string): void
  terms?: Partial<ScopeTerms>
}

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Identities of machines: whoever sends the token of one acts as `sa:<name>`, with the scopes that it was minted with.
 *
 * A token is told once, when it is minted; what is stored is its SHA-256. Name, scopes and owner never change.
 */
export class ServiceAccounts {
  private readonly terms: ScopeTerms

  constructor(private readonly parts: ServiceAccountsParts) {
    this.terms = { adminScope: ADMIN_SCOPE, mappedScopes: [], ...parts.terms }
  }

  /**
   * Makes an account and its token. Keep the token: nobody can tell it again.
   *
   * @throws UnauthorizedError `TOKEN_MISSING` when nobody knows who the caller is.
   * @throws ForbiddenError `SCOPE_NOT_HELD` when the token could do more than the caller.
   * @throws ConflictError `SERVICE_ACCOUNT_EXISTS`; `SERVICE_ACCOUNT_NAME_TAKEN` when the name was somebody else's.
   * @throws ValidationError `INVALID_SCOPE`; `PRIVILEGED_SCOPE` when `allowPrivilegedScopes` is missing.
   *
   * @example
   * ```ts
   * const { token } = await agentOS.serviceAccounts.mint({ name: 'nightly-report', scopes: ['agents:support:run'] })
   * ```
   */
  async mint(caller: Caller, input: MintServiceAccount): Promise<MintedServiceAccount> {
    if (caller.kind === 'anonymous') throw minterUnknown()
    const given = checkInput(MintServiceAccount, input)
    const scopes = [...new Set(given.scopes.map((item) => (typeof item === 'string' ? item : item.scope)))]
    checkScopes(scopes, given.allowPrivilegedScopes, this.terms)
    checkHeld(caller, scopes, this.terms)
    const lifeMs = given.neverExpires ? undefined : given.expiresInDays * DAY_MS
    return this.store(caller, { name: given.name, scopes, userId: caller.userId, lifeMs })
  }

  /** Newest first unless asked for in another order, a page at a time; never a token or its hash. */
  async list(caller: Caller, filter: ListServiceAccounts = {}): Promise<Page<ServiceAccount>> {
    const found = await this.parts.accounts.list(caller, checkInput(ListServiceAccounts, filter))
    return { ...found, data: found.data.map(toServiceAccount) }
  }

  /**
   * Ends a token: in this process at once, in others within the time for which they remember tokens. The record stays.
   * Doing it again changes nothing.
   *
   * @throws NotFoundError `SERVICE_ACCOUNT_NOT_FOUND`
   */
  async revoke(caller: Caller, id: string): Promise<void> {
    const { accounts, clock } = this.parts
    if (!(await accounts.revoke(caller, id, clock.now()))) throw serviceAccountNotFound(id)
    this.parts.onRevoked(id)
  }

  /**
   * Revokes an account and mints it again under the same name, both or neither: the new token has the same principal,
   * owner and scopes, so it sees the same data. It lives as long as the old one was to, unless told otherwise.
   *
   * @throws NotFoundError `SERVICE_ACCOUNT_NOT_FOUND`
   * @throws UnauthorizedError, ForbiddenError, ConflictError as {@link mint} does.
   *
   * @example
   * ```ts
   * const { token } = await agentOS.serviceAccounts.rotate(account.id, { expiresInDays: 30 })
   * ```
   */
  async rotate(caller: Caller, id: string, input: RotateServiceAccount = {}): Promise<MintedServiceAccount> {
    if (caller.kind === 'anonymous') throw minterUnknown()
    const { expiresInDays, neverExpires } = checkInput(RotateServiceAccount, input)
    const old = await this.parts.accounts.get(caller, id)
    if (!old) throw serviceAccountNotFound(id)
    checkHeld(caller, old.scopes, this.terms)
    const oldLifeMs = old.expiresAt === undefined ? undefined : old.expiresAt - old.createdAt
    const givenLifeMs = expiresInDays === undefined ? oldLifeMs : expiresInDays * DAY_MS
    const { name, scopes, userId } = old
    const minted = await this.store(caller, {
      name,
      scopes,
      userId,
      lifeMs: neverExpires ? undefined : givenLifeMs,
      replaced: id,
    })
    this.parts.onRevoked(id)
    return minted
  }

  private async store(caller: Caller, { replaced, lifeMs, ...facts }: NewAccount): Promise<MintedServiceAccount> {
    const token = newToken()
    const now = this.parts.clock.now()
    const account: StoredServiceAccount = {
      ...facts,
      id: newUuid(),
      tokenHash: hashOf(token),
      tokenPrefix: shownPart(token),
      createdAt: now,
      ...(lifeMs !== undefined && { expiresAt: now + lifeMs }),
      createdBy: caller.userId,
    }
    await this.parts.accounts.create(caller, account, replaced)
    return { ...toServiceAccount(account), token }
  }
}

interface NewAccount {
  name: string
  scopes: string[]
  userId: string | undefined
  /** Undefined: for ever. */
  lifeMs: number | undefined
  /** The account that it takes the place of. */
  replaced?: string
}

function toServiceAccount(stored: StoredServiceAccount): ServiceAccount {
  return {
    id: stored.id,
    name: stored.name,
    principal: principalOf(stored),
    userId: stored.userId ?? null,
    tokenPrefix: stored.tokenPrefix,
    scopes: stored.scopes.map(scopeInfo),
    createdAt: toIso(stored.createdAt),
    expiresAt: timeOrNull(stored.expiresAt),
    lastUsedAt: timeOrNull(stored.lastUsedAt),
    revokedAt: timeOrNull(stored.revokedAt),
    createdBy: stored.createdBy ?? null,
  }
}

/** The user id of all that an account's token does. */
export function principalOf({ name }: { name: string }): string {
  return `sa:${name}`
}

function timeOrNull(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : toIso(milliseconds)
}
