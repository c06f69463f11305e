import type { $ZodObject, $ZodType } from 'zod/v4/core'
import { ConfigurationError } from '../core/errors.js'

/** How a declared key is spelled on the wire: `toolCallId` is `tool_call_id`. */
export function wireName(key: string): string {
  return key.replace(/[A-Z]/g, (letter, offset: number) => (offset === 0 ? '' : '_') + letter.toLowerCase())
}

/** How a name on the wire is spelled in code: `tool_call_id` is `toolCallId`. */
export function codeName(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** A declared key of an object in both spellings. */
export interface WireField {
  key: string
  wire: string
  schema: $ZodType
}

/** The declared keys of an object; two that are spelled alike on the wire are a mistake of the schema's author. */
export function wireFields(schema: $ZodObject): WireField[] {
  const taken = new Map<string, string>()
  return Object.entries(schema._zod.def.shape).map(([key, field]) => {
    const wire = wireName(key)
    const other = taken.get(wire)
    if (other !== undefined || key === '__proto__') {
      throw new ConfigurationError(
        `The key "${key}" can't be declared: on the wire it would be "${wire}", as "${other ?? key}".`,
      )
    }
    taken.set(wire, key)
    return { key, wire, schema: field }
  })
}
