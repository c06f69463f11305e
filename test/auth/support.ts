import { generateKeyPairSync } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'
import { onTestFinished } from 'vitest'
import type { Clock } from '../../src/core/clock.js'

/** A key pair of an issuer. */
export interface Signer {
  id: string | undefined
  algorithm: string
  privateKey: KeyObject
  publicKey: KeyObject
  /** As it stands in a JWKS document. */
  jwk: JsonWebKey & { kid?: string }
  pem: string
}

/** The id is in the key set and in tokens; null for a key without. */
export function signer(id: string | null = 'key-1', algorithm = 'RS256'): Signer {
  const { publicKey, privateKey } = keyPair(algorithm)
  const kid = id ?? undefined
  return {
    id: kid,
    algorithm,
    privateKey,
    publicKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), alg: algorithm, use: 'sig', ...(kid && { kid }) },
    pem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
  }
}

function keyPair(algorithm: string): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519')
  if (!algorithm.startsWith('ES')) return generateKeyPairSync('rsa', { modulusLength: 2048 })
  const namedCurve = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[algorithm]!
  return generateKeyPairSync('ec', { namedCurve })
}

/** Seconds since 1970 at which the tests' tokens are used. */
export const NOW = Math.floor(Date.now() / 1000)

/** A token for alice that is good for an hour, unless the claims say otherwise; `undefined` leaves a claim out. */
export function token(
  { privateKey, id, algorithm }: Pick<Signer, 'privateKey' | 'id' | 'algorithm'>,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const payload = { sub: 'alice', aud: 'agentos', iat: NOW, exp: NOW + 3600, ...claims }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: algorithm, ...(id !== undefined && { kid: id }), ...header })
    .sign(privateKey)
}

/** A token with any parts at all, as whoever attacks writes it. */
export function forged(header: object, claims: object, signature = ''): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.${signature}`
}

export class ManualClock implements Clock {
  at = NOW * 1000

  now(): number {
    return this.at
  }

  advance(seconds: number): void {
    this.at += seconds * 1000
  }
}

/** An issuer's JWKS on a real port, which answers as it is told. */
export interface Issuer {
  url: string
  /** How often it was asked. */
  asked: number
  /** What it answers with; a function answers as it likes. */
  answer: object | string | ((request: IncomingMessage, response: ServerResponse) => void)
  close(): Promise<void>
}

export async function issuer(answer: Issuer['answer'] = { keys: [] }): Promise<Issuer> {
  const server = createServer((request, response) => {
    started.asked += 1
    if (typeof started.answer === 'function') return started.answer(request, response)
    const body = typeof started.answer === 'string' ? started.answer : JSON.stringify(started.answer)
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
  const started: Issuer = {
    url: '',
    asked: 0,
    answer,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  started.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  onTestFinished(() => started.close())
  return started
}

export function jwks(...signers: readonly Signer[]): { keys: object[] } {
  return { keys: signers.map(({ jwk }) => jwk) }
}

export function requestWith(authorization: string | undefined, init: RequestInit = {}): Request {
  const headers = new Headers(init.headers)
  if (authorization !== undefined) headers.set('authorization', authorization)
  return new Request('http://host.example/agents', { ...init, headers })
}
