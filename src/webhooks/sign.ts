import { createHmac } from 'node:crypto'
import { ConfigurationError } from '../core/errors.js'

/**
 * The key that a secret stands for.
 *
 * @throws ConfigurationError when it is none of Standard Webhooks.
 */
export function signingKey(name: string, secret: string): Buffer {
  const encoded = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : ''
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded)
  const key = Buffer.from(encoded, 'base64')
  // What is wrong is not shown: it may be nearly right.
  if (isBase64 && key.length >= 24 && key.length <= 64) return key
  throw new ConfigurationError(`The webhook secret "${name}" must be "whsec_" and the base64 of 24 to 64 random bytes.`)
}

/** Headers by which a receiver knows who has sent a body, and when. https://www.standardwebhooks.com */
export function signedHeaders(key: Buffer, id: string, atMs: number, body: string): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000))
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  }
}
