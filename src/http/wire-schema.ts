import { z } from 'zod'
import type { $ZodType, $ZodTypes } from 'zod/v4/core'
import type { JsonSchema } from '../core/json.js'
import { encoder } from './encode.js'
import { wireFields, wireName } from './wire-names.js'

/** Marks of our own that a schema may carry in `.meta()`; they mean nothing to a reader of the JSON Schema. */
const OWN_MARKS = ['agno', 'jsonField'] as const

/**
 * Spells one node of a JSON Schema as the wire has it: declared keys renamed, values of `default` and `example`
 * encoded. It fits `override` of `z.toJSONSchema` and of zod-openapi, and may run on a node twice.
 */
export function wireOverride({ zodSchema, jsonSchema }: { zodSchema: $ZodTypes; jsonSchema: object }): void {
  const node = jsonSchema as JsonSchema
  for (const mark of OWN_MARKS) delete node[mark]
  const definition = zodSchema._zod.def
  if (definition.type === 'object') {
    const names = new Map(wireFields(zodSchema as z.ZodObject).map(({ key, wire }) => [key, wire]))
    const renamed = (key: string): string => names.get(key) ?? key
    if (node.properties) {
      node.properties = Object.fromEntries(Object.entries(node.properties).map(([key, value]) => [renamed(key), value]))
    }
    if (Array.isArray(node.required)) node.required = node.required.map(renamed)
    // Records grow: what is not said to be strict may hold more in a later version.
    if (definition.catchall === undefined) delete node.additionalProperties
  }
  const discriminator = node.discriminator as { propertyName: string } | undefined
  if (discriminator) discriminator.propertyName = wireName(discriminator.propertyName)
  const encode = encoder(zodSchema as $ZodType as z.ZodType)
  if (definition.type === 'default') {
    // Zod leaves the default out where text is converted first, though the sender may rely on it all the same.
    node.default = isNested(definition.defaultValue) ? encode(definition.defaultValue) : definition.defaultValue
  }
  const meta: Record<string, unknown> = z.globalRegistry.get(zodSchema) ?? {}
  if (isNested(meta.example)) node.example = encode(meta.example)
  if (Array.isArray(meta.examples)) node.examples = meta.examples.map(encode)
}

/**
 * The JSON Schema of what travels on the wire.
 *
 * @example
 * wireSchema(z.object({ runId: z.string() })) // { type: 'object', properties: { run_id: { type: 'string' } }, … }
 */
export function wireSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): JsonSchema {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any', override: wireOverride })
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
