import type { JsonObject, JsonValue } from '../core/json.js'
import type { StatePatch } from './log/entry.js'

/** What tools see beside the stored state; never stored. */
export interface CurrentRun {
  current_user_id?: string
  current_session_id: string
  current_run_id: string
}

const CURRENT = new Set(['current_user_id', 'current_session_id', 'current_run_id'])

/**
 * The session's state as one run sees and changes it. A run saves the keys that it changed, so that runs beside it
 * keep what they wrote.
 */
export class SessionState {
  /** An ordinary object: tools change it in place. */
  readonly value: JsonObject
  private saved: Map<string, string>

  /** @param stored what the session's row holds; where `initial` differs from it, that is a change of this run. */
  constructor(stored: JsonObject, current: CurrentRun, initial: JsonObject = stored) {
    this.saved = spelled(stored)
    const isEmpty = Object.keys(initial).length === 0
    this.value = isEmpty ? { ...current } : { ...structuredClone(initial), ...current }
  }

  /** The state without what is never stored. */
  get stored(): JsonObject {
    return Object.fromEntries(Object.entries(this.value).filter(([key]) => !CURRENT.has(key)))
  }

  /** The state without what is never stored, as it is now; undefined when that is nothing. */
  snapshot(): JsonObject | undefined {
    const { stored } = this
    return Object.keys(stored).length > 0 ? (JSON.parse(JSON.stringify(stored)) as JsonObject) : undefined
  }

  /** What has changed since the last time that this was asked; undefined when nothing has. */
  takePatch(): StatePatch | undefined {
    if (this.saved.size === 0 && Object.keys(this.value).every((key) => CURRENT.has(key))) return undefined
    const now = spelled(this.value)
    const set: Record<string, JsonValue> = {}
    let changed = false
    for (const [key, text] of now) {
      if (this.saved.get(key) === text) continue
      // Parsed from its text: what a tool holds on to and changes later must not change the patch.
      Object.defineProperty(set, key, { value: JSON.parse(text), enumerable: true, writable: true, configurable: true })
      changed = true
    }
    const removed = [...this.saved.keys()].filter((key) => !now.has(key))
    this.saved = now
    if (!changed && removed.length === 0) return undefined
    return removed.length > 0 ? { set, removed } : { set }
  }
}

function spelled(state: JsonObject): Map<string, string> {
  const texts = new Map<string, string>()
  for (const [key, value] of Object.entries(state)) {
    if (CURRENT.has(key)) continue
    const text = JSON.stringify(value) as string | undefined
    if (text !== undefined) texts.set(key, text)
  }
  return texts
}

/** Objects merged key by key, all the way down; anything else in `over` replaces what `under` has. */
export function deepMerge(under: JsonObject, over: JsonObject): JsonObject {
  const merged: JsonObject = { ...under }
  for (const [key, value] of Object.entries(over)) {
    const below = Object.hasOwn(under, key) ? under[key] : undefined
    const both = isObject(below) && isObject(value) ? deepMerge(below, value) : value
    Object.defineProperty(merged, key, { value: both, enumerable: true, writable: true, configurable: true })
  }
  return merged
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
