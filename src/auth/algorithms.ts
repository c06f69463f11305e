import type { KeyObject } from 'node:crypto'

/** What a signature can be made with. `none` is not among them. */
export const ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const
export type Algorithm = (typeof ALGORITHMS)[number]

/** Keys that one algorithm takes. A key is never used with an algorithm of another family. */
export type KeyFamily = 'oct' | 'RSA' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519'

const EC_FAMILIES = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const
const CURVES: Readonly<Record<string, KeyFamily>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

export function familyOf(algorithm: Algorithm): KeyFamily {
  if (algorithm === 'EdDSA') return 'Ed25519'
  if (algorithm.startsWith('HS')) return 'oct'
  return algorithm.startsWith('ES') ? EC_FAMILIES[algorithm as keyof typeof EC_FAMILIES] : 'RSA'
}

export function isHmac(algorithm: Algorithm): boolean {
  return familyOf(algorithm) === 'oct'
}

/** The family of a public key; else what is wrong with it. */
export function publicKeyFamily(key: KeyObject): { family: KeyFamily } | { problem: string } {
  const { modulusLength = 0, publicExponent = 0n, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ed25519') return { family: 'Ed25519' }
  if (key.asymmetricKeyType === 'rsa') {
    // With an exponent of 1 anybody signs, and a giant modulus keeps the process busy.
    if (publicExponent < 3n) return { problem: 'has an unsafe exponent' }
    if (modulusLength < 2048 || modulusLength > 8192)
      return { problem: `has ${modulusLength} bits; 2048 to 8192 are taken` }
    return { family: 'RSA' }
  }
  const family = CURVES[namedCurve]
  return family ? { family } : { problem: `is of type ${namedCurve || (key.asymmetricKeyType ?? 'unknown')}` }
}
