import type { $ZodObject, $ZodType } from 'zod/v4/core'
import type { z } from 'zod'
import { definitionOf, setOwn, untouched } from './mapper.js'
import type { Direction, Mapper } from './mapper.js'
import { MapperCompiler } from './schema-mapper.js'
import { wireFields } from './wire-names.js'

/** How values are written: `agno` writes marked fields as the origin's client library expects them. */
export type WireStyle = 'standard' | 'agno'

const compilers: Record<WireStyle, MapperCompiler> = {
  standard: new MapperCompiler(encoding()),
  agno: new MapperCompiler(encoding((meta) => agnoMappers.get(meta.agno))),
}

/**
 * The function that spells a value of this schema as the wire has it: declared keys in snake_case, keys that are
 * undefined or not declared left out, JSON that belongs to the user passed by reference. Compiled once per schema.
 *
 * @example
 * const encodeRun = encoder(Run)
 * encodeRun({ runId: 'run_1', sessionState: { userName: 'Ada' } }) // { run_id: 'run_1', session_state: { userName: 'Ada' } }
 */
export function encoder<Schema extends z.ZodType>(
  schema: Schema,
  style: WireStyle = 'standard',
): (value: z.output<Schema>) => unknown {
  return compilers[style].mapperOf(schema)
}

const agnoMappers = new Map<unknown, Mapper>([
  ['uppercase', (value) => (typeof value === 'string' ? value.toUpperCase() : value)],
  ['epoch-seconds', (value) => (typeof value === 'string' ? Math.floor(Date.parse(value) / 1000) : value)],
])

function encoding(marked?: Direction['marked']): Direction {
  return {
    spelled: (key) => key,
    object: objectEncoder,
    pipeSide: (left, right) => (definitionOf(right).type === 'transform' ? left : right),
    marked,
  }
}

interface EncodedField {
  key: string
  wire: string
  map: Mapper
}

function objectEncoder(schema: $ZodObject, mapperOf: (schema: $ZodType) => Mapper): Mapper {
  const fields = wireFields(schema).map((field) => ({ key: field.key, wire: field.wire, map: mapperOf(field.schema) }))
  const declared = compile(fields)
  const catchall = schema._zod.def.catchall
  if (!catchall || definitionOf(catchall).type === 'never') return declared
  const mapExtra = mapperOf(catchall)
  const taken = new Set(fields.flatMap((field) => [field.key, field.wire]))
  return (value) => {
    const encoded = declared(value)
    if (encoded === value) return value
    for (const [key, extra] of Object.entries(value as object)) {
      if (extra !== undefined && !taken.has(key)) setOwn(encoded as object, key, mapExtra(extra))
    }
    return encoded
  }
}

/**
 * One straight line of assignments per object, because a loop over key lists makes every property access
 * megamorphic and runs several times slower. A process that forbids code from strings gets the loop.
 */
function compile(fields: readonly EncodedField[]): Mapper {
  const lines = fields.map(({ key, wire, map }, index) => {
    const read =
      key in Object.prototype
        ? `Object.hasOwn(x,${JSON.stringify(key)})?x[${JSON.stringify(key)}]:undefined`
        : `x[${JSON.stringify(key)}]`
    return `v=${read};if(v!==undefined)o[${JSON.stringify(wire)}]=${map === untouched ? 'v' : `m[${index}](v)`};`
  })
  const source = `return function(x){if(x===null||typeof x!=='object')return x;const o={};let v;${lines.join('')}return o}`
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- made of keys that schemas declare, each quoted
    const build = new Function('m', source) as (mappers: readonly Mapper[]) => Mapper
    return build(fields.map((field) => field.map))
  } catch (error) {
    if (error instanceof EvalError) return loop(fields)
    throw error
  }
}

function loop(fields: readonly EncodedField[]): Mapper {
  return (value) => {
    if (value === null || typeof value !== 'object') return value
    const encoded: Record<string, unknown> = {}
    for (const { key, wire, map } of fields) {
      if (key in Object.prototype && !Object.hasOwn(value, key)) continue
      const field = (value as Record<string, unknown>)[key]
      if (field !== undefined) encoded[wire] = map(field)
    }
    return encoded
  }
}
