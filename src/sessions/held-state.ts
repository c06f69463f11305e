import type { Caller } from '../core/caller.js'

type State = Readonly<Record<string, unknown>>

/**
 * Keys of a session's state that only tokens may set: those that are read from claims, also where the caller's token
 * lacks the claim. An admin, and the host itself, may set any.
 */
export function heldKeys({ admin, sessionState }: Caller, claimed: readonly string[]): readonly string[] {
  return admin || sessionState === undefined ? [] : [...new Set([...claimed, ...Object.keys(sessionState)])]
}

/** A state with these keys as `from` has them. */
export function holdKeys(state: State, from: State, held: readonly string[]): Record<string, unknown> {
  const others = Object.entries(state).filter(([key]) => !held.includes(key))
  return Object.fromEntries([...others, ...Object.entries(from).filter(([key]) => held.includes(key))])
}
