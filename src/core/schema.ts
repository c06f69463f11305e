import { z } from 'zod'
import type { JsonObject, JsonValue } from './json.js'

/** An instant, ISO 8601 in UTC with `Z`, such as `2026-04-24T20:15:00.000Z`. */
export const Timestamp = z.string().meta({ format: 'date-time', examples: ['2026-04-24T20:15:00.000Z'] })

/** An instant in whole seconds since 1970, as messages, tool executions and events carry it. */
export const EpochSeconds = z.number().meta({ examples: [1757348314] })

/** JSON that belongs to the user: passed on as it is, keys never renamed. */
export const UserJson = z
  .custom<JsonValue>((value) => value !== undefined)
  .meta({ id: 'UserJson', description: 'Any JSON.' })

/** A JSON object that belongs to the user. */
export const UserJsonObject = z
  .custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: 'must be a JSON object',
  })
  .meta({ type: 'object', additionalProperties: true })

/** An id or a name that a caller chooses: no control characters, so that it is safe in a log line, a header and a URL. */
export const CallerChosenId = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine(hasNoControlCharacter, { error: 'must not hold control characters or lone surrogates' })

function hasNoControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || code === 0x7f) return false
  }
  return text.isWellFormed()
}
