import type { JsonSchema } from '../core/json.js'

const unsupportedInStrictMode = new Set([
  'allOf',
  'not',
  'oneOf',
  'if',
  'then',
  'else',
  'default',
  'patternProperties',
  'propertyNames',
  'dependentRequired',
  'dependentSchemas',
  'unevaluatedProperties',
  'prefixItems',
  'contains',
  'uniqueItems',
])

/**
 * Whether the schema keeps to the subset that OpenAI can guarantee: every object closed, every property required.
 * One that doesn't would be refused in strict mode, so it is sent as a wish instead.
 */
export function isStrictSchema(schema: JsonSchema): boolean {
  return schema.type === 'object' && schema.anyOf === undefined && isStrictNode(schema)
}

function isStrictNode(node: unknown): boolean {
  if (!isRecord(node)) return false
  if (Object.keys(node).some((key) => unsupportedInStrictMode.has(key))) return false
  if (node.type === 'object' || node.properties !== undefined) {
    const properties = isRecord(node.properties) ? node.properties : {}
    const required = new Set(Array.isArray(node.required) ? node.required : [])
    if (node.additionalProperties !== false) return false
    if (!Object.entries(properties).every(([name, property]) => required.has(name) && isStrictNode(property)))
      return false
  }
  if (node.items !== undefined && !isStrictNode(node.items)) return false
  if (Array.isArray(node.anyOf) && !node.anyOf.every(isStrictNode)) return false
  return isRecord(node.$defs) ? Object.values(node.$defs).every(isStrictNode) : true
}

/** The schema of a function's parameters, with the two keys that servers insist on. */
export function parametersSchema(schema: JsonSchema): JsonSchema {
  if (schema.type === 'object' && schema.properties !== undefined) return schema
  return { ...schema, type: 'object', properties: schema.properties ?? {} }
}

/** A schema's name, within the alphabet that the API allows. */
export function schemaName(name: string): string {
  return name.replace(/[^\w-]/g, '_').slice(0, 64) || 'output'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
