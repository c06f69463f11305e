import { timingSafeEqual } from 'node:crypto'
import { ADMIN_SCOPE } from '../core/caller.js'
import type { Caller } from '../core/caller.js'
import type { Clock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'
import { FailureThrottle } from './failure-throttle.js'
import { RecentMap } from '../core/recent-map.js'
import { authUnavailable, throttled, tokenInvalid } from './service-account-errors.js'
import type { ServiceAccountRepository, StoredServiceAccount } from './service-account-repository.js'
import { principalOf } from './service-accounts.js'
import type { TokenVerifier } from '../auth/token-verifier.js'
import { hashOf, isTokenShaped, TOKEN_PREFIX } from './token.js'

export interface VerifierParts {
  accounts: ServiceAccountRepository
  clock: Clock
  logger: Logger
  /** The scope that grants everything. Default: `agent_os:admin`. */
  adminScope?: string
  /** For how long a good token is not looked up again. Default: 5; 0: it is looked up every time. */
  cacheTtlSeconds?: number
  /**
   * What requests must not say, because the host trusts tokens of its issuer to say it. Those of admins may: they act
   * for anybody.
   */
  pinned?: Pick<Caller, 'dependencies' | 'sessionState'>
}

interface Known {
  id: string
  caller: Caller
  expiresAt: number
  /** When it is looked up again. */
  staleAt: number
}

/** Tokens, and accounts whose last use is known, that are kept in memory. */
const REMEMBERED = 10_000
const NOTE_USE_EVERY_MS = 60_000

/** Tells which service account a token belongs to. */
export class ServiceAccountVerifier implements TokenVerifier {
  readonly prefix = TOKEN_PREFIX
  private readonly known = new RecentMap<string, Known>(REMEMBERED)
  private readonly usesNoted = new RecentMap<string, number>(REMEMBERED)
  private readonly failures: FailureThrottle
  private revocations = 0

  constructor(private readonly parts: VerifierParts) {
    this.failures = new FailureThrottle(parts.clock)
  }

  /**
   * @throws UnauthorizedError `SERVICE_ACCOUNT_TOKEN_INVALID`: unknown, revoked or expired, with one text for all.
   * @throws TooManyRequestsError `AUTH_THROTTLED` in its place, when there were many from this address. A good token
   *   is never refused.
   * @throws UnavailableError `AUTH_UNAVAILABLE` when the accounts can't be read.
   */
  async verify(token: string, address: string | undefined): Promise<Caller> {
    const account = isTokenShaped(token) ? await this.find(hashOf(token)) : undefined
    const now = this.parts.clock.now()
    if (!account || account.expiresAt <= now) {
      const waitSeconds = this.failures.note(address)
      throw waitSeconds === undefined ? tokenInvalid() : throttled(waitSeconds)
    }
    this.noteUse(account.id, now)
    return account.caller
  }

  /** Looks this account up again with its next use: it was revoked. */
  forget(id: string): void {
    this.revocations++
    this.known.deleteWhere((one) => one.id === id)
  }

  private async find(tokenHash: string): Promise<Known | undefined> {
    const remembered = this.known.get(tokenHash)
    if (remembered && this.parts.clock.now() < remembered.staleAt) return remembered
    const before = this.revocations
    const askedAt = this.parts.clock.now()
    const stored = await this.lookUp(tokenHash)
    if (!stored || stored.revokedAt !== undefined || !isEqual(stored.tokenHash, tokenHash)) {
      this.known.delete(tokenHash)
      return undefined
    }
    const found: Known = {
      id: stored.id,
      caller: this.callerOf(stored),
      expiresAt: stored.expiresAt ?? Number.POSITIVE_INFINITY,
      staleAt: askedAt + (this.parts.cacheTtlSeconds ?? 5) * 1000,
    }
    // What was read before an account was revoked must not be remembered after it.
    if (before === this.revocations && found.staleAt > askedAt) this.known.set(tokenHash, found)
    return found
  }

  private async lookUp(tokenHash: string): Promise<StoredServiceAccount | undefined> {
    try {
      return await this.parts.accounts.findByTokenHash(tokenHash)
    } catch (error) {
      throw authUnavailable(error)
    }
  }

  private callerOf({ name, scopes }: StoredServiceAccount): Caller {
    const admin = scopes.includes(this.parts.adminScope ?? ADMIN_SCOPE)
    // Else whoever may mint an account could say by it what its own token keeps it from saying.
    const pinned = admin ? {} : this.parts.pinned
    const userId = principalOf({ name })
    const caller: Caller = { kind: 'service_account', userId, scopes, admin, scoped: !admin, ...pinned }
    Object.freeze(scopes)
    return Object.freeze(caller)
  }

  /** In the background: a request does not wait for it, and does not fail with it. */
  private noteUse(id: string, now: number): void {
    const last = this.usesNoted.get(id)
    if (last !== undefined && now < last + NOTE_USE_EVERY_MS) return
    this.usesNoted.set(id, now)
    const { accounts, logger } = this.parts
    accounts.noteUse(id, now).catch((error: unknown) => {
      logger.warn({ err: error, serviceAccountId: id }, 'The last use of a service account could not be noted')
    })
  }
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
