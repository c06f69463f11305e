import * as fc from 'fast-check'
import type { FuzzRequest } from './requests.js'
import { bodyText, deepText, jsonText, oddText, query, segment } from './values.js'

/** As much of an OpenAPI document as is read here. */
export interface Described {
  paths: Record<string, Record<string, DescribedOperation>>
  components?: { schemas?: Record<string, Schema> }
}
export interface DescribedOperation {
  operationId: string
  parameters?: { name: string; in: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> }
  responses: Record<string, unknown>
}
interface Schema {
  $ref?: string
  type?: string | readonly string[]
  enum?: readonly unknown[]
  const?: unknown
  anyOf?: readonly Schema[]
  oneOf?: readonly Schema[]
  allOf?: readonly Schema[]
  properties?: Record<string, Schema>
  required?: readonly string[]
  items?: Schema
  examples?: readonly unknown[]
  minimum?: number
  maximum?: number
}

/** Values for a path parameter that name something which is there, as places that are filled in when it is sent. */
export type Known = Readonly<Record<string, readonly string[]>>

const MAX_DEPTH = 4
const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** Requests to one operation, by its own description: such as fit, such as nearly do, and such as are meant to break it. */
export function describedRequest(
  document: Described,
  method: string,
  path: string,
  operation: DescribedOperation,
  known: Known,
): fc.Arbitrary<FuzzRequest> {
  const all = operation.parameters ?? []
  const search = query(
    Object.fromEntries(
      all.filter((one) => one.in === 'query').map(({ name, schema }) => [name, text(valueOf(document, schema, 0))]),
    ),
  )
  return fc
    .record({
      path: pathOf(path, known),
      search: fc.oneof({ arbitrary: search, weight: 3 }, fc.constant('')),
      sent: bodyOf(document, operation),
      more: fc.oneof(
        { arbitrary: fc.constant({}), weight: 6 },
        fc.constantFrom<Record<string, string>>(
          { 'if-match': '"x"' },
          { 'if-none-match': '*' },
          { 'last-event-id': '7' },
          { 'idempotency-key': 'described' },
          { origin: 'https://evil.example' },
          { authorization: 'Bearer agno_pat_0123456789' },
          { cookie: 'access_token=x' },
          { accept: 'text/event-stream' },
        ),
      ),
    })
    .map(({ path: filled, search: given, sent, more }) => ({
      method: method.toUpperCase(),
      path: given === '' ? filled : `${filled}?${given}`,
      headers: { ...sent.headers, ...more },
      ...(sent.body !== undefined && { body: sent.body }),
    }))
}

function pathOf(path: string, known: Known): fc.Arbitrary<string> {
  const parts = path.split('/').map((part): fc.Arbitrary<string> => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1]
    if (name === undefined) return fc.constant(part)
    return fc.oneof({ arbitrary: fc.constantFrom(...(known[name] ?? ['1'])), weight: 5 }, segment)
  })
  return fc.tuple(...parts).map((filled) => filled.join('/'))
}

interface Sent {
  headers: Record<string, string>
  body?: string
}

function bodyOf(document: Described, { requestBody }: DescribedOperation): fc.Arbitrary<Sent> {
  // A body where none is described is passed over.
  if (!requestBody) return fc.constantFrom<Sent>({ headers: {} }, { headers: {} }, { headers: json, body: '{"a":1}' })
  const { schema, example } = requestBody.content['application/json']!
  const fitting = valueOf(document, schema, 0)
  const nearly = fieldsOf(document, schema)
  const bodies = fc.oneof(
    { arbitrary: fc.constant(JSON.stringify(example ?? {})), weight: 6 },
    { arbitrary: fitting, weight: 5 },
    { arbitrary: nearly, weight: 5 },
    { arbitrary: jsonText, weight: 1 },
    { arbitrary: deepText, weight: 1 },
    { arbitrary: oddText, weight: 1 },
    { arbitrary: fc.constantFrom('', '{', '[]', 'null', '"a"', '{"a":1}}', '\u0000', '\uFEFF{}'), weight: 1 },
  )
  const asJson = bodies.map((body) => ({ headers: json, body }))
  if (!('application/x-www-form-urlencoded' in requestBody.content)) return asJson
  const asForm = nearly.map((body) => ({ headers: form, body: formOf(body) }))
  return fc.oneof({ arbitrary: asJson, weight: 3 }, asForm)
}

function formOf(object: string): string {
  const fields = Object.entries(JSON.parse(object) as object)
  return new URLSearchParams(
    fields.map(([name, value]) => [name, typeof value === 'string' ? value : written(value)]),
  ).toString()
}

/** What is nested deeper than can be written again was text before. */
function written(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return '['.repeat(10_000)
  }
}

/** The object of a schema with some of its fields, now and then with another value than is said. */
function fieldsOf(document: Described, schema: Schema): fc.Arbitrary<string> {
  const { properties = {} } = resolved(document, schema)
  const fields = Object.entries(properties).map(([name, field]) => [
    name,
    fc.oneof({ arbitrary: valueOf(document, field, 1), weight: 4 }, jsonText, deepText),
  ])
  return bodyText(Object.fromEntries(fields) as Record<string, fc.Arbitrary<string>>)
}

/** JSON text of a value that a schema describes, more or less: patterns and formats are left to chance. */
function valueOf(document: Described, given: Schema, depth: number): fc.Arbitrary<string> {
  const schema = resolved(document, given)
  if (depth > MAX_DEPTH) return fc.constant('null')
  if (schema.const !== undefined) return fc.constant(JSON.stringify(schema.const))
  if (schema.enum) return fc.constantFrom(...schema.enum.map((value) => JSON.stringify(value)))
  const options = schema.anyOf ?? schema.oneOf
  if (options) return fc.oneof(...options.map((option) => valueOf(document, option, depth + 1)))
  const types = [schema.type ?? []].flat()
  if (types.length === 0) return schema.properties ? objectOf(document, schema, depth) : jsonText
  return fc.oneof(...types.map((type) => typed(document, type, schema, depth)))
}

function typed(document: Described, type: string, schema: Schema, depth: number): fc.Arbitrary<string> {
  switch (type) {
    case 'object':
      return objectOf(document, schema, depth)
    case 'array':
      return fc
        .array(valueOf(document, schema.items ?? {}, depth + 1), { maxLength: 3 })
        .map((items) => `[${items.join(',')}]`)
    case 'integer':
    case 'number':
      return fc
        .oneof(fc.integer(), fc.constantFrom(schema.minimum ?? 0, schema.maximum ?? 1, (schema.maximum ?? 1) + 1, -1))
        .map(String)
    case 'boolean':
      return fc.constantFrom('true', 'false')
    case 'null':
      return fc.constant('null')
    default: {
      const examples = (schema.examples ?? []).map(String)
      const odd = fc.oneof(oddText, fc.string({ maxLength: 20 }))
      const texts = examples.length > 0 ? fc.oneof(fc.constantFrom(...examples), odd) : odd
      return texts.map((one) => JSON.stringify(one))
    }
  }
}

function objectOf(document: Described, schema: Schema, depth: number): fc.Arbitrary<string> {
  const { properties = {}, required = [] } = schema
  const fields = Object.entries(properties).map(([name, field]) => [name, valueOf(document, field, depth + 1)])
  if (fields.length === 0) return jsonText.map((value) => `{"a":${value}}`)
  return bodyText(Object.fromEntries(fields) as Record<string, fc.Arbitrary<string>>, [...required])
}

function resolved(document: Described, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema.allOf?.length === 1 ? resolved(document, schema.allOf[0]!) : schema
  const name = schema.$ref.split('/').at(-1)!
  return resolved(document, document.components?.schemas?.[name] ?? {})
}

/** JSON text as a query has it: texts without their quotes. */
function text(value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return value.map((one) => (one.startsWith('"') ? (JSON.parse(one) as string) : one))
}
