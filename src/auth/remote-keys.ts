import type { Clock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'
import { KeySetError, MAX_DOCUMENT, parseKeySet } from './key-set.js'
import type { KeySet } from './key-set.js'
import { keysUnavailable } from './key-source.js'
import type { KeySource } from './key-source.js'

export interface RemoteKeysParts {
  clock: Clock
  logger: Logger
  /** Milliseconds since the last good answer for which its keys are used while there is no newer one. */
  maxStaleMs: number
  /** Milliseconds that an answer may take. Default: 5000. */
  timeoutMs?: number
}

const FRESH_MS = 10 * 60_000
/** Between two attempts: whoever makes up key ids can't have the issuer asked all the time. */
const COOL_DOWN_MS = 30_000
/** The same while there are no keys at all. */
const FIRST_RETRY_MS = 5_000

/**
 * The keys at a JWKS URL. They are fetched again after 10 minutes, and when a token names an unknown one, at most every
 * 30 s; whoever asks meanwhile waits for the same answer. While the issuer gives none, the last good keys are used.
 */
export class RemoteKeys implements KeySource {
  private keys: KeySet | undefined
  private fetchedAt = 0
  private attemptedAt = Number.NEGATIVE_INFINITY
  private pending: Promise<KeySet> | undefined

  constructor(
    private readonly url: string,
    private readonly parts: RemoteKeysParts,
  ) {}

  current(): KeySet | Promise<KeySet> {
    const now = this.parts.clock.now()
    if (this.keys && now - this.fetchedAt < FRESH_MS) return this.keys
    return this.fetchUnlessCooling(now)
  }

  lookAgain(known: KeySet): KeySet | Promise<KeySet> {
    return this.keys && this.keys !== known ? this.keys : this.fetchUnlessCooling(this.parts.clock.now())
  }

  private fetchUnlessCooling(now: number): KeySet | Promise<KeySet> {
    if (this.pending) return this.pending
    const coolDown = this.keys ? COOL_DOWN_MS : FIRST_RETRY_MS
    if (now - this.attemptedAt < coolDown) return this.lastGood(undefined)
    this.attemptedAt = now
    this.pending = this.fetch().finally(() => (this.pending = undefined))
    return this.pending
  }

  private async fetch(): Promise<KeySet> {
    const { clock, logger, timeoutMs = 5000 } = this.parts
    const startedAt = clock.now()
    try {
      const keys = parseKeySet(await download(this.url, timeoutMs))
      for (const problem of keys.refused) {
        logger.warn({ url: this.url }, `A key of the JWKS document is not used: ${problem}`)
      }
      this.keys = keys
      this.fetchedAt = startedAt
      return keys
    } catch (error) {
      logger.warn({ err: error, url: this.url }, 'The JWKS document could not be fetched')
      return this.lastGood(error)
    }
  }

  private lastGood(cause: unknown): KeySet {
    const { clock, maxStaleMs } = this.parts
    if (this.keys && clock.now() - this.fetchedAt <= Math.max(maxStaleMs, FRESH_MS)) return this.keys
    throw keysUnavailable(cause)
  }
}

async function download(url: string, timeoutMs: number): Promise<string> {
  const response = await fetch(url, {
    // What the host has named is what is asked, and nothing that it points to.
    redirect: 'error',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (response.status !== 200 || !response.body) throw new KeySetError(`The issuer answers ${response.status}.`)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body) {
    size += chunk.byteLength
    // Leaving the loop closes the connection.
    if (size > MAX_DOCUMENT) throw new KeySetError(`The document is larger than ${MAX_DOCUMENT} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
