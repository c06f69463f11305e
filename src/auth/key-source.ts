import { UnavailableError } from '../core/errors.js'
import type { KeySet } from './key-set.js'

/** Where keys come from. */
export interface KeySource {
  /**
   * The keys as they are now.
   *
   * @throws UnavailableError `AUTH_UNAVAILABLE` when there are none.
   */
  current(): KeySet | Promise<KeySet>
  /** Looks for newer keys, since a token names one that is not in the set. */
  lookAgain(known: KeySet): KeySet | Promise<KeySet>
}

/** Keys that never change. */
export function fixedKeys(keys: KeySet): KeySource {
  return { current: () => keys, lookAgain: () => keys }
}

export function keysUnavailable(cause: unknown): UnavailableError {
  const detail = "Tokens can't be checked at the moment: their keys are not there. Try again."
  return new UnavailableError('AUTH_UNAVAILABLE', detail, 5, { cause })
}
