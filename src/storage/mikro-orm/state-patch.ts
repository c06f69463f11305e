import type { StatePatch } from '../../agents/log/entry.js'
import type { JsonObject, JsonValue } from '../../core/json.js'

/** Changes a state in place: what the patches set and remove, in order, and nothing else. */
export function applyStatePatches(state: JsonObject, patches: readonly StatePatch[]): void {
  for (const { set, removed = [] } of patches) {
    for (const key of removed) delete state[key]
    for (const [key, value] of Object.entries(set)) setOwn(state, key, value)
  }
}

/** An assignment to `__proto__` would change the object's prototype and store nothing. */
function setOwn(state: JsonObject, key: string, value: JsonValue): void {
  Object.defineProperty(state, key, { value, enumerable: true, writable: true, configurable: true })
}
