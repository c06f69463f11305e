import { createHash, randomBytes } from 'node:crypto'

/** What every token of a service account begins with. */
export const TOKEN_PREFIX = 'agno_pat_'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BYTES = 32
/** Digits that 32 bytes need at most; each token has so many. */
const LENGTH = 43
const SHOWN = 16
const FORM = new RegExp(`^${TOKEN_PREFIX}[${DIGITS}]{${LENGTH}}$`)

/** A new token: 256 random bits in base 62. */
export function newToken(): string {
  let rest = BigInt(`0x${randomBytes(BYTES).toString('hex')}`)
  let digits = ''
  for (; rest > 0n; rest /= 62n) digits = DIGITS[Number(rest % 62n)]! + digits
  return TOKEN_PREFIX + digits.padStart(LENGTH, '0')
}

/** Whether it can be a token at all. What can't is not looked up. */
export function isTokenShaped(token: string): boolean {
  return FORM.test(token)
}

/**
 * What is stored of a token. It holds 256 random bits, which nobody guesses: a fast hash without salt is as good as a
 * slow one here, and can be looked up.
 */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The part of a token that may be shown. */
export function shownPart(token: string): string {
  return token.slice(0, SHOWN)
}
