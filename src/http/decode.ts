import type { $ZodObject, $ZodType } from 'zod/v4/core'
import type { z } from 'zod'
import { definitionOf, isRecord, setOwn } from './mapper.js'
import type { Mapper } from './mapper.js'
import { MapperCompiler } from './schema-mapper.js'
import { wireFields, wireName } from './wire-names.js'

const compiler = new MapperCompiler({
  spelled: wireName,
  object: objectDecoder,
  pipeSide: (left, right) => (definitionOf(left).type === 'transform' ? right : left),
})

/**
 * Marks an unknown key that is spelled like a declared one in code (`runId` where the wire has `run_id`), so that a
 * strict object reports it instead of taking it for the declared key.
 */
export const UNKNOWN_KEY = '\u0000'

/**
 * The function that spells a value from the wire as the schema has it. It renames and drops keys and checks nothing:
 * Zod parses the result. Strict objects keep unknown keys, so that Zod reports them.
 */
export function decoder(schema: z.ZodType): (value: unknown) => unknown {
  return compiler.mapperOf(schema)
}

function objectDecoder(schema: $ZodObject, mapperOf: (schema: $ZodType) => Mapper): Mapper {
  const fields = new Map(
    wireFields(schema).map((field) => [field.wire, { key: field.key, map: mapperOf(field.schema) }]),
  )
  const declared = new Set(Object.keys(schema._zod.def.shape))
  const catchall = schema._zod.def.catchall
  const strict = catchall !== undefined && definitionOf(catchall).type === 'never'
  const extra = catchall && !strict ? mapperOf(catchall) : undefined
  return (value) => {
    if (!isRecord(value)) return value
    const decoded: Record<string, unknown> = {}
    for (const wire of Object.keys(value)) {
      const field = fields.get(wire)
      if (field) decoded[field.key] = field.map(value[wire])
      else if (strict) setOwn(decoded, declared.has(wire) ? UNKNOWN_KEY + wire : wire, value[wire])
      else if (extra && !declared.has(wire)) setOwn(decoded, wire, extra(value[wire]))
    }
    return decoded
  }
}
