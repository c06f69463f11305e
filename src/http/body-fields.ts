import { z } from 'zod'
import type { $ZodObject, $ZodType } from 'zod/v4/core'
import { ValidationError } from '../core/errors.js'
import { isNestedTooDeep } from './json-depth.js'
import { definitionOf } from './mapper.js'
import { textToBoolean, textToNumber } from './query.js'
import { wireFields } from './wire-names.js'

/** A file of a multipart body. */
export interface UploadedFile {
  /** Name of the form field. */
  field: string
  filename: string
  /** As the sender said, in lower case without parameters; may be empty. */
  mimeType: string
  bytes: Uint8Array
}

/**
 * Marks a field that is JSON text in forms, and may be a native value or JSON text in JSON bodies. The mark goes on
 * the schema that stands in the object: `jsonField(UserJsonObject.optional())`.
 */
export function jsonField<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ ...schema.meta(), id: undefined, jsonField: true })
}

/** How the fields of one body are read from text; undefined for a body that is no object. */
export interface FieldReader {
  /** Fields of a form: empty strings are absent, text becomes what its schema asks for. */
  fromForm(fields: ReadonlyMap<string, readonly string[]>): Record<string, unknown>
  /** Fields of a JSON body: marked ones may be JSON text. */
  fromJson(body: unknown, dropEmpty: boolean): unknown
}

type FieldKind = 'json' | 'boolean' | 'number' | 'array' | 'text'

interface FieldText {
  kind: FieldKind
  /** What the items of an array are. */
  item: FieldKind
  schema: $ZodType
}

/** Compiled once per route. */
export function fieldReader(schema: z.ZodType, maxDepth: number): FieldReader {
  const fields = new Map(
    objectsOf(schema).flatMap((object) =>
      wireFields(object).map(({ wire, schema: field }) => [wire, fieldText(field)]),
    ),
  )
  const marked = [...fields].filter(([, field]) => field.kind === 'json').map(([name]) => name)

  const parseField = (name: string, text: string): unknown => {
    if (isNestedTooDeep(text, maxDepth)) throw invalidJson(name, `nested deeper than ${maxDepth} levels`)
    try {
      return JSON.parse(text) as unknown
    } catch (error) {
      throw invalidJson(name, 'not valid JSON', error)
    }
  }

  return {
    fromForm: (given) => {
      const body: Record<string, unknown> = Object.create(null) as Record<string, unknown>
      for (const [name, all] of given) {
        const texts = all.filter((text) => text !== '')
        if (texts.length === 0) continue
        const field = fields.get(name)
        if (field?.kind === 'array') {
          body[name] = texts.map((text) => fromText(field.item, text))
          continue
        }
        if (texts.length > 1 && field) {
          const message = `Given ${texts.length} times, but takes one value`
          throw new ValidationError('VALIDATION_ERROR', `The request is not valid. ${name}: ${message}.`, [
            { path: name, message },
          ])
        }
        body[name] = field?.kind === 'json' ? parseField(name, texts[0]!) : fromText(field?.kind ?? 'text', texts[0]!)
      }
      return body
    },
    fromJson: (body, dropEmpty) => {
      if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
      if (marked.length === 0 && !dropEmpty) return body
      const read: Record<string, unknown> = Object.create(null) as Record<string, unknown>
      for (const [name, value] of Object.entries(body)) {
        if (dropEmpty && value === '') continue
        const field = fields.get(name)
        read[name] = field?.kind === 'json' && typeof value === 'string' ? parseField(name, value) : value
      }
      return read
    },
  }
}

function invalidJson(field: string, problem: string, cause?: unknown): ValidationError {
  return new ValidationError(
    'INVALID_JSON_FIELD',
    `The field "${field}" must be JSON text, but is ${problem}.`,
    [{ path: field, message: `Must be JSON text, but is ${problem}` }],
    { cause },
  )
}

function fromText(kind: FieldKind, text: string): unknown {
  if (kind === 'boolean') return textToBoolean(text)
  return kind === 'number' ? textToNumber(text) : text
}

function fieldText(schema: $ZodType): FieldText {
  if (z.globalRegistry.get(schema)?.jsonField === true) return { kind: 'json', item: 'text', schema }
  const definition = definitionOf(schema)
  switch (definition.type) {
    case 'boolean':
    case 'number':
      return { kind: definition.type, item: 'text', schema }
    case 'array':
      return { kind: 'array', item: fieldText(definition.element).kind, schema }
    case 'optional':
    case 'nullable':
    case 'nonoptional':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
      return fieldText(definition.innerType)
    case 'pipe':
      return fieldText(definitionOf(definition.in).type === 'transform' ? definition.out : definition.in)
    default:
      return { kind: 'text', item: 'text', schema }
  }
}

function objectsOf(schema: $ZodType): readonly $ZodObject[] {
  const definition = definitionOf(schema)
  switch (definition.type) {
    case 'object':
      return [schema as $ZodObject]
    case 'union':
      return definition.options.flatMap(objectsOf)
    case 'intersection':
      return [definition.left, definition.right].flatMap(objectsOf)
    case 'pipe':
      return [definition.in, definition.out].flatMap(objectsOf)
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return objectsOf(definition.innerType)
    default:
      return []
  }
}
