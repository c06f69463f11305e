import * as fc from 'fast-check'
import type { $ZodObject, $ZodType } from 'zod/v4/core'
import { definitionOf } from '../../src/http/mapper.js'

/** JSON of a user, with keys in every spelling. */
const userJson = fc.dictionary(
  fc.constantFrom('user_name', 'userName', 'run_id', 'runId', 'a', '__proto__', 'event'),
  fc.oneof(fc.string(), fc.integer(), fc.dictionary(fc.constantFrom('x_y', 'xY'), fc.integer(), { maxKeys: 2 })),
  { maxKeys: 3, noNullPrototype: true },
)

let lazyDepth = 0

/** Values that have the structure of a schema; what further checks ask for is not looked at. */
export function valueOf(schema: $ZodType): fc.Arbitrary<unknown> {
  const definition = definitionOf(schema)
  switch (definition.type) {
    case 'object':
      return objectOf(schema as $ZodObject)
    case 'array':
      // A record that holds records of its own kind does so once.
      if (lazyDepth > 0 && definitionOf(definition.element).type === 'lazy') return fc.constant([])
      return fc.array(valueOf(definition.element), { maxLength: 2 })
    case 'record':
      return fc.dictionary(fc.constantFrom('output_model', 'model', 'anyKey'), valueOf(definition.valueType), {
        maxKeys: 2,
        noNullPrototype: true,
      })
    case 'union':
      return fc.oneof(...definition.options.map(valueOf))
    case 'optional':
      return fc.option(valueOf(definition.innerType), { nil: undefined, freq: 3 })
    case 'nullable':
      return fc.option(valueOf(definition.innerType), { nil: null })
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
      return valueOf(definition.innerType)
    case 'pipe':
      return valueOf(definitionOf(definition.in).type === 'transform' ? definition.out : definition.in)
    case 'string':
      return fc.string({ maxLength: 5 })
    case 'number':
      return fc.nat()
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'literal':
    case 'enum':
      return fc.constantFrom(...schema._zod.values!)
    case 'custom':
    case 'unknown':
    case 'any':
      return userJson
    case 'lazy': {
      lazyDepth++
      try {
        return valueOf(definition.getter())
      } finally {
        lazyDepth--
      }
    }
    default:
      throw new Error(`No values for ${definition.type} yet.`)
  }
}

function objectOf(schema: $ZodObject): fc.Arbitrary<unknown> {
  const { shape, catchall } = schema._zod.def
  const declared = fc.record(Object.fromEntries(Object.entries(shape).map(([key, field]) => [key, valueOf(field)])))
  const fields = declared.map((record) =>
    Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)),
  )
  const isLoose = catchall !== undefined && definitionOf(catchall).type !== 'never'
  if (!isLoose) return fields
  const extra = fc.dictionary(fc.constantFrom('my_field', 'myField', 'other'), userJson, { noNullPrototype: true })
  return fc.tuple(fields, extra).map(([known, more]) => ({ ...more, ...known }))
}
