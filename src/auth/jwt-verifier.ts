import { hash } from 'node:crypto'
import type { compactVerify } from 'jose/jws/compact/verify'
import type { Caller } from '../core/caller.js'
import type { Clock } from '../core/clock.js'
import type { JsonObject } from '../core/json.js'
import { RecentMap } from '../core/recent-map.js'
import type { Algorithm } from './algorithms.js'
import { familyOf } from './algorithms.js'
import { tokenInvalid } from './auth-errors.js'
import { callerOf, checkClaims, checkExpiry, time } from './claims.js'
import type { ClaimRules } from './claims.js'
import type { KeySet, VerificationKey } from './key-set.js'
import type { KeySource } from './key-source.js'

export interface JwtRules extends ClaimRules {
  algorithms: readonly Algorithm[]
  /** False reads claims without checking the signature. */
  validate: boolean
  staticKeys: readonly VerificationKey[]
}

/** A token that was checked, with what has to be true for it to count still. */
interface VerifiedToken {
  caller: Caller
  /** The keys that it was checked with. Once there are others, it is checked anew: its key may be gone. */
  keys: KeySet
  /** Seconds since 1970. */
  expiresAt: number | undefined
}

const REMEMBERED = 1000
/** No header that a server takes is as long. */
const MAX_TOKEN = 32 * 1024

/** Turns a JWT into the caller that it stands for. */
export class JwtVerifier {
  /** By their digests. */
  private readonly verified = new RecentMap<string, VerifiedToken>(REMEMBERED)

  constructor(
    private readonly rules: JwtRules,
    private readonly keys: KeySource,
    private readonly clock: Clock,
  ) {}

  /**
   * What is known at once costs no promise.
   *
   * @throws UnauthorizedError `TOKEN_INVALID`, `TOKEN_EXPIRED`, `TOKEN_AUDIENCE_INVALID`, `TOKEN_SUBJECT_INVALID`,
   *   `TOKEN_SUBJECT_REQUIRED`
   * @throws UnavailableError `AUTH_UNAVAILABLE` while there are no keys to check it with.
   */
  verify(token: string): Caller | Promise<Caller> {
    if (!this.rules.validate) return this.callerOf(parsePart(partsOf(token)[1]))
    const keys = this.keys.current()
    return keys instanceof Promise ? keys.then((now) => this.with(now, token)) : this.with(keys, token)
  }

  /** @throws UnavailableError `AUTH_UNAVAILABLE` */
  async checkReady(): Promise<void> {
    if (this.rules.validate) await this.keys.current()
  }

  private with(keys: KeySet, token: string): Caller | Promise<Caller> {
    if (token.length > MAX_TOKEN) throw tokenInvalid(new Error('It is too long.'))
    const digest = hash('sha256', token, 'base64')
    const known = this.verified.get(digest)
    if (known?.keys !== keys) return this.check(keys, token, digest)
    try {
      checkExpiry(known.expiresAt, this.rules, this.clock.now())
    } catch (error) {
      this.verified.delete(digest)
      throw error
    }
    return known.caller
  }

  private async check(known: KeySet, token: string, digest: string): Promise<Caller> {
    const { algorithm, id } = this.header(token)
    let keys = known
    let named = keys.candidates(algorithm, id)
    if (named.length === 0 && id !== undefined) {
      keys = await this.keys.lookAgain(known)
      named = keys.candidates(algorithm, id)
    }
    const others = this.rules.staticKeys.filter(({ family }) => family === familyOf(algorithm))
    const claims = await payloadOf(token, algorithm, [...named, ...others])
    const caller = this.callerOf(claims)
    this.verified.set(digest, { caller, keys, expiresAt: time(claims, 'exp') })
    return caller
  }

  private callerOf(claims: JsonObject): Caller {
    checkClaims(claims, this.rules, this.clock.now())
    return callerOf(claims, this.rules)
  }

  /** Nothing of the header but these two is ever used: no key in it, and no place of one. */
  private header(token: string): { algorithm: Algorithm; id: string | undefined } {
    const { alg, kid } = parsePart(partsOf(token)[0])
    const algorithm = this.rules.algorithms.find((one) => one === alg)
    if (algorithm === undefined) throw tokenInvalid(new Error('Its algorithm is not taken.'))
    if (kid !== undefined && typeof kid !== 'string') throw tokenInvalid(new Error('Its kid is no text.'))
    return { algorithm, id: kid }
  }
}

/** Loaded by the first token: a server without tokens does without. */
let jose: Promise<{ compactVerify: typeof compactVerify }> | undefined

/** The claims of a token, once a key has shown that they are its signer's. */
async function payloadOf(token: string, algorithm: Algorithm, keys: readonly VerificationKey[]): Promise<JsonObject> {
  const { compactVerify: verify } = await (jose ??= import('jose/jws/compact/verify'))
  let failure: unknown = new Error('No key fits it.')
  for (const { key } of keys) {
    try {
      const { payload } = await verify(token, key, { algorithms: [algorithm] })
      return parseObject(Buffer.from(payload).toString('utf8'))
    } catch (error) {
      failure = error
    }
  }
  throw tokenInvalid(failure)
}

function partsOf(token: string): string[] {
  const parts = token.split('.')
  if (parts.length !== 3) throw tokenInvalid(new Error('It is no JWT.'))
  return parts
}

function parsePart(part: string | undefined): JsonObject {
  if (part === undefined || !/^[\w-]+$/.test(part)) throw tokenInvalid(new Error('It is no JWT.'))
  return parseObject(Buffer.from(part, 'base64url').toString('utf8'))
}

function parseObject(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw tokenInvalid(error)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw tokenInvalid(new Error('A part of it is no object.'))
  }
  return value as JsonObject
}
