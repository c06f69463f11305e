import { readFileSync, statSync } from 'node:fs'
import type { Clock } from '../core/clock.js'
import { ConfigurationError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import { KeySetError, MAX_DOCUMENT, parseKeySet } from './key-set.js'
import type { KeySet } from './key-set.js'
import { keysUnavailable } from './key-source.js'
import type { KeySource } from './key-source.js'

export interface FileKeysParts {
  clock: Clock
  logger: Logger
  /** Milliseconds for which the last good keys are used while the file is none. */
  maxStaleMs: number
}

/** How often the file is looked at. */
const LOOK_MS = 1000

/** The keys of a JWKS file, which is read again when it changes. A file that went bad leaves the last good keys. */
export class FileKeys implements KeySource {
  private keys: KeySet
  private version: string
  private lookedAt: number
  /** When the file was last seen to hold these keys. */
  private goodAt: number

  /** @throws ConfigurationError when the file is missing, or holds no usable key. */
  constructor(
    private readonly path: string,
    private readonly parts: FileKeysParts,
  ) {
    this.lookedAt = this.goodAt = parts.clock.now()
    try {
      this.version = versionOf(path)
      this.keys = this.read()
    } catch (error) {
      throw new ConfigurationError(`auth: the JWKS file "${path}" can't be used. ${(error as Error).message}`, {
        cause: error,
      })
    }
  }

  current(): KeySet {
    const now = this.parts.clock.now()
    return Math.abs(now - this.lookedAt) < LOOK_MS ? this.keys : this.look(now)
  }

  lookAgain(): KeySet {
    return this.look(this.parts.clock.now())
  }

  private look(now: number): KeySet {
    const { logger, maxStaleMs } = this.parts
    this.lookedAt = now
    try {
      const version = versionOf(this.path)
      if (version !== this.version) {
        this.keys = this.read()
        this.version = version
      }
      this.goodAt = now
    } catch (error) {
      logger.warn({ err: error, path: this.path }, 'The JWKS file can no longer be used; its last good keys are')
      if (now - this.goodAt > maxStaleMs) throw keysUnavailable(error)
    }
    return this.keys
  }

  private read(): KeySet {
    const { path } = this
    const text = readFileSync(path, 'utf8')
    if (text.length > MAX_DOCUMENT) throw new KeySetError(`It is larger than ${MAX_DOCUMENT} bytes.`)
    const keys = parseKeySet(text)
    for (const problem of keys.refused)
      this.parts.logger.warn({ path }, `A key of the JWKS file is not used: ${problem}`)
    return keys
  }
}

/** Changes with the file: also where a rename puts another one in its place. */
function versionOf(path: string): string {
  const { mtimeMs, ctimeMs, size, ino } = statSync(path)
  return [mtimeMs, ctimeMs, size, ino].join(' ')
}
