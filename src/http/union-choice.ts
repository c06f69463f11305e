import type { $ZodObject, $ZodType } from 'zod/v4/core'
import { definitionOf, isRecord, untouched } from './mapper.js'
import type { Direction, Mapper } from './mapper.js'

/** The mapper of a union: by discriminator where it has one, else by which option the value looks like most. */
export function chooseOption(union: $ZodType, direction: Direction, mapperOf: (schema: $ZodType) => Mapper): Mapper {
  const definition = definitionOf(union)
  if (definition.type !== 'union') return untouched
  const options = definition.options.map((schema) => ({ schema, map: mapperOf(schema) }))
  if (options.every((option) => option.map === untouched)) return untouched

  const byLikeness: Mapper = (value) => {
    let best = untouched
    let bestLikeness = -1
    for (const option of options) {
      const likeness = likenessOf(option.schema, value, direction)
      if (likeness > bestLikeness) {
        best = option.map
        bestLikeness = likeness
      }
    }
    return best(value)
  }

  const discriminator = 'discriminator' in definition ? (definition.discriminator as string) : undefined
  if (discriminator === undefined) return byLikeness
  const byValue = new Map<unknown, Mapper>()
  for (const option of options) {
    for (const value of option.schema._zod.propValues?.[discriminator] ?? []) byValue.set(value, option.map)
  }
  const spelled = direction.spelled(discriminator)
  return (value) => {
    if (!isRecord(value)) return value
    return (byValue.get(value[spelled]) ?? byLikeness)(value)
  }
}

const PRIMITIVE = 1000
const ARRAY = 500
const OBJECT = 50
const RECORD = 20
const ANYTHING = 10
const NOT_IT = -1

/** How much a value looks like a schema; negative when it can't be it. Shallow on purpose: it runs on every value. */
function likenessOf(schema: $ZodType, value: unknown, direction: Direction): number {
  const definition = definitionOf(schema)
  switch (definition.type) {
    case 'object':
      return isRecord(value) ? objectLikeness(schema as $ZodObject, value, direction) : NOT_IT
    case 'record':
      return isRecord(value) ? RECORD : NOT_IT
    case 'array':
      if (!Array.isArray(value)) return NOT_IT
      return ARRAY + (value.length > 0 ? likenessOf(definition.element, value[0], direction) : 0)
    case 'tuple':
      return Array.isArray(value) ? ARRAY + (value.length === definition.items.length ? 1 : 0) : NOT_IT
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === definition.type ? PRIMITIVE : NOT_IT
    case 'null':
      return value === null ? PRIMITIVE : NOT_IT
    case 'literal':
    case 'enum':
      return schema._zod.values?.has(value as string) ? PRIMITIVE + 1 : NOT_IT
    case 'nullable':
      return value === null ? PRIMITIVE : likenessOf(definition.innerType, value, direction)
    case 'optional':
    case 'nonoptional':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
      return likenessOf(definition.innerType, value, direction)
    case 'lazy':
      return likenessOf(definition.getter(), value, direction)
    case 'pipe':
      return likenessOf(direction.pipeSide(definition.in, definition.out), value, direction)
    case 'union':
      return Math.max(...definition.options.map((option) => likenessOf(option, value, direction)))
    case 'intersection':
      return Math.min(likenessOf(definition.left, value, direction), likenessOf(definition.right, value, direction))
    default:
      return ANYTHING
  }
}

function objectLikeness(schema: $ZodObject, value: Record<string, unknown>, direction: Direction): number {
  let likeness = OBJECT
  for (const [key, field] of Object.entries(schema._zod.def.shape)) {
    const spelled = direction.spelled(key)
    const given = Object.hasOwn(value, spelled) ? value[spelled] : undefined
    if (given === undefined) {
      if (field._zod.optin !== 'optional') likeness -= 30
    } else if (field._zod.values && !field._zod.values.has(given as string)) {
      return NOT_IT
    } else {
      likeness += 10
    }
  }
  return Math.max(likeness, 0)
}
