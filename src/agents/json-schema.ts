import { z } from 'zod'
import { ConfigurationError } from '../core/errors.js'
import type { JsonSchema } from '../core/json.js'

/**
 * The JSON Schema of a Zod schema, as models and clients see it.
 *
 * @param side `input`: what is given to the schema; `output`: what it returns.
 * @throws ConfigurationError when JSON can't say what the schema asks for.
 */
export function jsonSchemaOf(schema: z.ZodType, side: 'input' | 'output', whose: string): JsonSchema {
  try {
    const { $schema: _, ...document } = z.toJSONSchema(schema, { io: side })
    return document
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigurationError(
      `${whose} can't be written as JSON Schema: ${reason} Use types that JSON has; a date, for example, is z.iso.datetime().`,
      { cause: error },
    )
  }
}

/** What is wrong with a value, one line per issue, for a model or a person to read. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message))
    .join('\n')
}
