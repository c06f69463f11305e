import { ConfigurationError } from '../core/errors.js'
import type { JsonSchema } from '../core/json.js'
import type { UserInputField } from './log/tool-execution.js'

const FIELD_TYPES: Record<string, UserInputField['fieldType']> = {
  string: 'str',
  integer: 'int',
  number: 'float',
  boolean: 'bool',
  array: 'list',
  object: 'dict',
}

/** The arguments that a person gives, as the contract describes them; none has a value yet. */
export function userInputFields(schema: JsonSchema, names: readonly string[], toolName: string): UserInputField[] {
  const properties = propertiesOf(schema)
  return names.map((name) => {
    const property = properties[name]
    if (property === undefined) {
      throw new ConfigurationError(
        `Tool "${toolName}" asks the user for "${name}", which is not among its arguments: ${Object.keys(properties).join(', ')}.`,
      )
    }
    const { type, description } = property
    return {
      name,
      fieldType: (typeof type === 'string' ? FIELD_TYPES[type] : undefined) ?? 'str',
      description: typeof description === 'string' ? description : null,
      value: null,
    }
  })
}

/** The schema that the model sees: it is not asked for what a person will give. */
export function withoutFields(schema: JsonSchema, names: readonly string[]): JsonSchema {
  if (names.length === 0) return schema
  const properties = Object.entries(propertiesOf(schema)).filter(([name]) => !names.includes(name))
  const required = Array.isArray(schema.required) ? schema.required.filter((name) => !names.includes(String(name))) : []
  return { ...schema, properties: Object.fromEntries(properties), required }
}

function propertiesOf(schema: JsonSchema): Record<string, JsonSchema> {
  return (schema.properties ?? {}) as Record<string, JsonSchema>
}
