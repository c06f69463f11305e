import type { Caller } from '../core/caller.js'
import type { JsonObject, JsonValue } from '../core/json.js'
import { CallerChosenId } from '../core/schema.js'
import { audienceInvalid, subjectInvalid, tokenExpired, tokenInvalid } from './auth-errors.js'
import { userCaller } from './user-caller.js'
import type { UserRules } from './user-caller.js'

/** What is read out of a token, and what has to be in it. */
export interface ClaimRules extends UserRules {
  requireExp: boolean
  skewSeconds: number
  /** Undefined: any. */
  issuers?: readonly string[]
  /** Undefined: any. */
  audiences?: readonly string[]
  audienceClaim: string
  userIdClaim: string
  sessionIdClaim: string
  scopesClaims: readonly string[]
  rolesClaim: string
  dependenciesClaims: readonly string[]
  sessionStateClaims: readonly string[]
}

const SessionId = CallerChosenId(255)

/**
 * Checks what a token says about when and for whom it is.
 *
 * @param now milliseconds since 1970.
 * @throws UnauthorizedError `TOKEN_EXPIRED`, `TOKEN_INVALID`, `TOKEN_AUDIENCE_INVALID`
 */
export function checkClaims(claims: JsonObject, rules: ClaimRules, now: number): void {
  const seconds = now / 1000
  const expiresAt = time(claims, 'exp')
  const notBefore = time(claims, 'nbf')
  const issuedAt = time(claims, 'iat')
  if (expiresAt === undefined && rules.requireExp) throw tokenInvalid(new Error('It has no exp.'))
  checkExpiry(expiresAt, rules, now)
  if (notBefore !== undefined && notBefore - rules.skewSeconds > seconds)
    throw tokenInvalid(new Error('Its nbf is to come.'))
  if (issuedAt !== undefined && issuedAt - rules.skewSeconds > seconds)
    throw tokenInvalid(new Error('Its iat is to come.'))
  const { issuers, audiences } = rules
  if (issuers && !issuers.some((issuer) => issuer === own(claims, 'iss'))) throw audienceInvalid('issuer')
  const audience = own(claims, rules.audienceClaim)
  const named = Array.isArray(audience) ? audience : [audience]
  if (audiences && !audiences.some((one) => named.includes(one))) throw audienceInvalid('audience')
}

/** @throws UnauthorizedError `TOKEN_EXPIRED` */
export function checkExpiry(expiresAt: number | undefined, { skewSeconds }: ClaimRules, now: number): void {
  if (expiresAt !== undefined && expiresAt + skewSeconds <= now / 1000) throw tokenExpired()
}

/** @throws UnauthorizedError `TOKEN_INVALID` for one that is no number. */
export function time(claims: JsonObject, name: 'exp' | 'nbf' | 'iat'): number | undefined {
  const value = own(claims, name)
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value
  throw tokenInvalid(new Error(`Its ${name} is no number.`))
}

/**
 * Whom a token stands for.
 *
 * @throws UnauthorizedError `TOKEN_SUBJECT_INVALID`, `TOKEN_SUBJECT_REQUIRED`, `TOKEN_INVALID`
 */
export function callerOf(claims: JsonObject, rules: ClaimRules): Caller {
  const subject = own(claims, 'sub')
  if (subject !== undefined && typeof subject !== 'string') throw subjectInvalid()
  const sessionId = own(claims, rules.sessionIdClaim)
  const pinned = SessionId.optional().safeParse(sessionId)
  if (!pinned.success) throw tokenInvalid(new Error(`Its ${rules.sessionIdClaim} is no id.`))
  const scopes = rules.scopesClaims.map((name) => own(claims, name)).find((value) => value !== undefined)
  return userCaller(
    {
      userId: own(claims, rules.userIdClaim),
      scopes: words(scopes),
      roles: words(own(claims, rules.rolesClaim)),
      sessionId: pinned.data,
      claims,
      // Also where the token has none of them: else a request could say what the host trusts a token to say.
      dependencies: pick(claims, rules.dependenciesClaims),
      sessionState: pick(claims, rules.sessionStateClaims),
    },
    rules,
  )
}

function own(claims: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

/** A list of texts, or one text with spaces between words. */
function words(value: JsonValue | undefined): string[] {
  if (typeof value === 'string') return value.split(/\s+/).filter(Boolean)
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

function pick(claims: JsonObject, names: readonly string[]): JsonObject | undefined {
  if (names.length === 0) return undefined
  return Object.fromEntries(names.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name]!]))
}
