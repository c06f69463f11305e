import type { $ZodObject, $ZodType, $ZodTypes } from 'zod/v4/core'

/** Turns a value into another spelling of the same value. What does not have the schema's form passes untouched. */
export type Mapper = (value: unknown) => unknown

/** The mapper of everything that holds no declared key; compared by identity to skip whole subtrees. */
export const untouched: Mapper = (value) => value

/** What encoding and decoding do differently. */
export interface Direction {
  /** How a declared key is spelled in the value that comes in. */
  spelled(key: string): string
  object(schema: $ZodObject, mapperOf: (schema: $ZodType) => Mapper): Mapper
  /** The side of a pipe that describes the value. */
  pipeSide(left: $ZodType, right: $ZodType): $ZodType
  /** A mapper that a mark on the schema asks for, instead of the structural one. */
  marked?(meta: Readonly<Record<string, unknown>>): Mapper | undefined
}

export function definitionOf(schema: $ZodType): $ZodTypes['_zod']['def'] {
  return (schema as $ZodTypes)._zod.def
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Sets a key that a stranger chose: `__proto__` becomes a plain key, not the prototype. */
export function setOwn(target: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    ;(target as Record<string, unknown>)[key] = value
  }
}
