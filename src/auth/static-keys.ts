import { createPublicKey, createSecretKey } from 'node:crypto'
import { ConfigurationError } from '../core/errors.js'
import { isHmac, publicKeyFamily } from './algorithms.js'
import type { Algorithm } from './algorithms.js'
import type { VerificationKey } from './key-set.js'

const MIN_SECRET_BYTES = 32

/**
 * Keys that were given as texts: PEM public keys, or secrets where the algorithms are HMAC.
 *
 * @throws ConfigurationError
 */
export function staticKeys(texts: readonly string[], algorithms: readonly Algorithm[]): VerificationKey[] {
  const areSecrets = algorithms.every(isHmac)
  return texts.map((text, at) => (areSecrets ? secret(text, at) : publicKey(text, at)))
}

function secret(text: string, at: number): VerificationKey {
  // A public key that served as a secret would let everybody sign who knows it, and that is everybody.
  if (text.includes('-----BEGIN')) {
    throw wrong(at, 'is a PEM text, but the algorithm is HMAC; set algorithm to that of the key, such as RS256')
  }
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length < MIN_SECRET_BYTES) throw wrong(at, `has ${bytes.length} bytes; a secret needs ${MIN_SECRET_BYTES}`)
  return { key: createSecretKey(bytes), family: 'oct' }
}

function publicKey(text: string, at: number): VerificationKey {
  // Environment variables often hold a PEM text on one line.
  const pem = text.replaceAll(String.raw`\n`, '\n').trim()
  if (!pem.startsWith('-----BEGIN')) throw wrong(at, 'is no PEM text; HMAC secrets need an algorithm such as HS256')
  if (pem.includes('PRIVATE KEY')) throw wrong(at, 'is a private key; give its public key only')
  const key = readPem(pem, at)
  const family = publicKeyFamily(key)
  if ('problem' in family) throw wrong(at, family.problem)
  return { key, ...family }
}

function readPem(pem: string, at: number) {
  try {
    return createPublicKey(pem)
  } catch (error) {
    throw wrong(at, "can't be read as a public key", error)
  }
}

function wrong(at: number, what: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(`auth: verification key ${at + 1} ${what}.`, { cause })
}
