import { z } from 'zod'
import { ConfigurationError } from '../core/errors.js'
import type { JsonSchema } from '../core/json.js'

/**
 * The JSON Schema of a Zod schema, as models and clients see it.
 *
 * @param side `input`: what is given to the schema; `output`: what it returns.
 * @param isClosed says of each object that it has no other properties, as strict modes ask for.
 * @throws ConfigurationError when JSON can't say what the schema asks for.
 */
export function jsonSchemaOf(
  schema: z.ZodType,
  side: 'input' | 'output',
  whose: string,
  { isClosed = false }: { isClosed?: boolean } = {},
): JsonSchema {
  try {
    const override: z.core.ToJSONSchemaParams['override'] = ({ jsonSchema }) => {
      if (isClosed && jsonSchema.properties) jsonSchema.additionalProperties ??= false
    }
    return inlined(z.toJSONSchema(schema, { io: side, override }))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigurationError(
      `${whose} can't be written as JSON Schema: ${reason} Use types that JSON has; a date, for example, is z.iso.datetime().`,
      { cause: error },
    )
  }
}

const DEFINITIONS = '#/$defs/'

/** A schema with an id of its own is written as a reference to itself, which providers don't take at the top. */
function inlined({ $schema: _dialect, $ref, $defs = {}, ...document }: Record<string, unknown>): JsonSchema {
  const definitions = { ...($defs as Record<string, JsonSchema>) }
  const name = typeof $ref === 'string' && $ref.startsWith(DEFINITIONS) ? $ref.slice(DEFINITIONS.length) : undefined
  const whole = name === undefined ? document : { ...document, ...definitions[name] }
  if (name !== undefined && !JSON.stringify(definitions).includes(`"${DEFINITIONS}${name}"`)) delete definitions[name]
  return Object.keys(definitions).length > 0 ? { ...whole, $defs: definitions } : whole
}

/** What is wrong with a value, one line per issue, for a model or a person to read. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message))
    .join('\n')
}
