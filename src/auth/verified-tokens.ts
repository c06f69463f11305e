import type { Caller } from '../core/caller.js'
import type { KeySet } from './key-set.js'

/** A token that was checked, with what has to be true for it to count still. */
export interface VerifiedToken {
  caller: Caller
  /** The keys that it was checked with. Once there are others, it is checked anew: its key may be gone. */
  keys: KeySet
  /** Seconds since 1970. */
  expiresAt: number | undefined
}

const MAX_TOKENS = 1000

/** Tokens that were checked, by their digests; the ones that were not asked for longest make room. */
export class VerifiedTokens {
  private readonly tokens = new Map<string, VerifiedToken>()

  get(digest: string): VerifiedToken | undefined {
    const found = this.tokens.get(digest)
    if (!found) return undefined
    this.tokens.delete(digest)
    this.tokens.set(digest, found)
    return found
  }

  set(digest: string, token: VerifiedToken): void {
    this.tokens.delete(digest)
    const [oldest] = this.tokens.keys()
    if (this.tokens.size >= MAX_TOKENS && oldest !== undefined) this.tokens.delete(oldest)
    this.tokens.set(digest, token)
  }

  delete(digest: string): void {
    this.tokens.delete(digest)
  }
}
