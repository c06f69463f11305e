import type { $ZodType } from 'zod/v4/core'
import { UNKNOWN_KEY } from './decode.js'
import { definitionOf } from './mapper.js'
import { wireName } from './wire-names.js'

/** The path of a Zod issue as the sender spelled it, with dots: `tools.0.tool_call_id`. */
export function wirePath(schema: $ZodType, path: readonly PropertyKey[]): string {
  let places: readonly $ZodType[] = [schema]
  const spelled: string[] = []
  for (const segment of path) {
    const key = String(segment)
    let declared = false
    places = places.flatMap(structures).flatMap((place): readonly $ZodType[] => {
      const definition = definitionOf(place)
      if (definition.type === 'array') return [definition.element]
      if (definition.type === 'tuple')
        return [definition.items[Number(segment)] ?? definition.rest].filter((item) => item != null)
      if (definition.type === 'record') return [definition.valueType]
      if (definition.type !== 'object') return []
      if (!Object.hasOwn(definition.shape, key)) return definition.catchall ? [definition.catchall] : []
      declared = true
      return [definition.shape[key]!]
    })
    spelled.push(declared ? wireName(key) : key.replace(UNKNOWN_KEY, ''))
  }
  return spelled.join('.')
}

/** The objects, arrays and records that a schema may stand for, wrappers taken off. */
function structures(schema: $ZodType): readonly $ZodType[] {
  const definition = definitionOf(schema)
  switch (definition.type) {
    case 'union':
      return definition.options.flatMap(structures)
    case 'intersection':
      return [definition.left, definition.right].flatMap(structures)
    case 'pipe':
      return [definition.in, definition.out].flatMap(structures)
    case 'lazy':
      return structures(definition.getter())
    case 'optional':
    case 'nullable':
    case 'nonoptional':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
      return structures(definition.innerType)
    default:
      return [schema]
  }
}
