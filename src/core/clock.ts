/** Where time comes from; tests bring their own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** Milliseconds since 1970 as ISO 8601 in UTC. */
export function toIso(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** Milliseconds since 1970 as whole seconds. */
export function toEpochSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}

/** Milliseconds since 1970 as ISO 8601 in UTC, whole seconds: `2026-04-24T20:15:00Z`. */
export function toIsoSeconds(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`
}
