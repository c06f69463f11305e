import { z } from 'zod'
import type { $ZodObject, $ZodType } from 'zod/v4/core'
import { definitionOf, isRecord, setOwn, untouched } from './mapper.js'
import type { Direction, Mapper } from './mapper.js'
import { chooseOption } from './union-choice.js'

/** Compiles each schema once into closures; a recursive schema meets its own, still open, entry. */
export class MapperCompiler {
  private readonly done = new WeakMap<$ZodType, Mapper>()
  private readonly open = new Map<$ZodType, { mapper?: Mapper }>()

  constructor(private readonly direction: Direction) {}

  readonly mapperOf = (schema: $ZodType): Mapper => {
    const known = this.done.get(schema)
    if (known) return known
    const opened = this.open.get(schema)
    if (opened) return (value) => opened.mapper!(value)
    const entry: { mapper?: Mapper } = {}
    this.open.set(schema, entry)
    try {
      entry.mapper = this.build(schema)
      this.done.set(schema, entry.mapper)
      return entry.mapper
    } finally {
      this.open.delete(schema)
    }
  }

  private build(schema: $ZodType): Mapper {
    const meta = this.direction.marked && z.globalRegistry.get(schema)
    const marked = meta && this.direction.marked?.(meta)
    if (marked) return marked
    const definition = definitionOf(schema)
    switch (definition.type) {
      case 'object':
        return this.direction.object(schema as $ZodObject, this.mapperOf)
      case 'array':
        return arrayMapper(this.mapperOf(definition.element))
      case 'tuple':
        return tupleMapper(
          definition.items.map(this.mapperOf),
          definition.rest ? this.mapperOf(definition.rest) : untouched,
        )
      case 'record':
        return recordMapper(this.mapperOf(definition.valueType))
      case 'union':
        return chooseOption(schema, this.direction, this.mapperOf)
      case 'intersection':
        return intersectionMapper(this.mapperOf(definition.left), this.mapperOf(definition.right))
      case 'pipe':
        return this.mapperOf(this.direction.pipeSide(definition.in, definition.out))
      case 'lazy':
        return this.mapperOf(definition.getter())
      case 'optional':
      case 'nullable':
      case 'nonoptional':
      case 'default':
      case 'prefault':
      case 'catch':
      case 'readonly':
        return this.mapperOf(definition.innerType)
      default:
        return untouched
    }
  }
}

function arrayMapper(element: Mapper): Mapper {
  if (element === untouched) return untouched
  return (value) => (Array.isArray(value) ? value.map((item) => element(item)) : value)
}

function tupleMapper(items: readonly Mapper[], rest: Mapper): Mapper {
  if (rest === untouched && items.every((item) => item === untouched)) return untouched
  return (value) => (Array.isArray(value) ? value.map((item, index) => (items[index] ?? rest)(item)) : value)
}

function recordMapper(values: Mapper): Mapper {
  if (values === untouched) return untouched
  return (value) => {
    if (!isRecord(value)) return value
    const mapped = {}
    for (const key of Object.keys(value)) setOwn(mapped, key, values(value[key]))
    return mapped
  }
}

function intersectionMapper(left: Mapper, right: Mapper): Mapper {
  if (left === untouched && right === untouched) return untouched
  return (value) => {
    if (!isRecord(value)) return value
    const mapped = {}
    for (const part of [left(value), right(value)]) {
      for (const key of Object.keys(part as object)) setOwn(mapped, key, (part as Record<string, unknown>)[key])
    }
    return mapped
  }
}
