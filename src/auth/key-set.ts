import { createPublicKey } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'
import { z } from 'zod'
import { familyOf, publicKeyFamily } from './algorithms.js'
import type { Algorithm, KeyFamily } from './algorithms.js'

/** A key that signatures can be checked with. */
export interface VerificationKey {
  key: KeyObject
  family: KeyFamily
  /** The one algorithm that it is for. */
  algorithm?: string
  id?: string
}

/** Why a key, or a whole document, is not used. */
export class KeySetError extends Error {}

const MAX_KEYS = 100
/** Bytes of a document. */
export const MAX_DOCUMENT = 256 * 1024

const Document = z.object({ keys: z.array(z.unknown()).max(MAX_KEYS, `holds more than ${MAX_KEYS} keys`) })
const PublicJwk = z.looseObject({
  kty: z.enum(['RSA', 'EC', 'OKP']),
  kid: z.string().max(512).optional(),
  alg: z.string().optional(),
  use: z.literal('sig').optional(),
  key_ops: z
    .array(z.string())
    .refine((operations) => operations.includes('verify'))
    .optional(),
})
/** Parts of a private key: one that everybody can read proves nothing any more. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** Keys by their ids. A document that changes makes a new set, so that its identity tells whether it has. */
export class KeySet {
  private readonly byId = new Map<string, VerificationKey[]>()

  constructor(
    private readonly keys: readonly VerificationKey[],
    /** What of the document is not used, and why. */
    readonly refused: readonly string[] = [],
  ) {
    for (const key of keys) {
      if (key.id !== undefined) this.byId.set(key.id, [...(this.byId.get(key.id) ?? []), key])
    }
  }

  /** The keys that a signature may be of: those of the id, else those that have none. Never of another family. */
  candidates(algorithm: Algorithm, id: string | undefined): VerificationKey[] {
    const named = id === undefined ? undefined : this.byId.get(id)
    const family = familyOf(algorithm)
    return (named ?? this.keys.filter((key) => key.id === undefined)).filter(
      (key) => key.family === family && (key.algorithm === undefined || key.algorithm === algorithm),
    )
  }
}

/**
 * The public keys of a JWKS document.
 *
 * @throws KeySetError when it is no such document, or has not one usable key.
 */
export function parseKeySet(document: unknown): KeySet {
  const parsed = Document.safeParse(typeof document === 'string' ? parseJson(document) : document)
  if (!parsed.success) throw new KeySetError(`It is no JWKS document: ${parsed.error.issues[0]?.message ?? ''}.`)
  const refused: string[] = []
  const usable = parsed.data.keys.flatMap((jwk, at) => {
    const key = parseKey(jwk)
    if (typeof key !== 'string') return [key]
    refused.push(`key ${at} ${key}`)
    return []
  })
  const keys = usable.filter((key) => {
    const isAlone = key.id === undefined || usable.every((other) => other === key || !isTwin(key, other))
    if (!isAlone) refused.push(`key "${key.id}" is there more than once`)
    return isAlone
  })
  if (keys.length === 0) throw new KeySetError(`It has no usable key: ${refused.join('; ') || 'it is empty'}.`)
  return new KeySet(keys, refused)
}

/** Keys of one id and family: nobody could say which one is meant. */
function isTwin(key: VerificationKey, other: VerificationKey): boolean {
  return key.id === other.id && key.family === other.family
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new KeySetError('It is no JSON.', { cause })
  }
}

/** The key, or what is wrong with it. */
function parseKey(given: unknown): VerificationKey | string {
  const parsed = PublicJwk.safeParse(given)
  if (!parsed.success) return `can't be used (${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')})`
  const { data: jwk } = parsed
  if (PRIVATE.some((part) => part in jwk)) return "holds private parts, so that it is nobody's any more"
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    const family = publicKeyFamily(key)
    if ('problem' in family) return family.problem
    return {
      key,
      ...family,
      ...(jwk.alg !== undefined && { algorithm: jwk.alg }),
      ...(jwk.kid !== undefined && { id: jwk.kid }),
    }
  } catch {
    return "can't be read"
  }
}
