import { z } from 'zod'
import { ValidationError } from '../core/errors.js'
import type { JsonSchema, JsonValue } from '../core/json.js'
import type { ModelOutputFormat } from '../models/model.js'
import { describeIssues, jsonSchemaOf } from './json-schema.js'
import type { RunOptions } from './runnable.js'

/** The form that a structured answer must have. */
export interface AnswerForm {
  /** Title of the schema, or `dict`. */
  readonly contentType: string
  readonly format: ModelOutputFormat
  /** Reads the model's text: the value, or what is wrong with it in words for the model. */
  check(text: string): Promise<{ value: JsonValue } | { problem: string }>
}

/** @throws ConfigurationError when the schema returns what JSON can't hold. */
export function formOfZod(output: z.ZodType, agentId: string): AnswerForm {
  return form(jsonSchemaOf(output, 'output', `The output of agent "${agentId}"`), output)
}

/**
 * The form that one request asks for; undefined when it asks for none.
 *
 * @throws ValidationError `INVALID_OUTPUT_SCHEMA`, also for one with regular expressions, which would run here.
 */
export function formOfOptions({ outputSchema, useJsonSchema }: RunOptions): AnswerForm | undefined {
  if (outputSchema === undefined) return undefined
  if (useJsonSchema) return { ...form(outputSchema, z.json()), contentType: 'dict' }
  return form(outputSchema, parsedSchema(outputSchema))
}

function parsedSchema(schema: JsonSchema): z.ZodType {
  const path = pathOfRegex(schema)
  if (path !== undefined) {
    const message = 'regular expressions of a request are not run here; leave it out, or ask with use_json_schema'
    throw new ValidationError('INVALID_OUTPUT_SCHEMA', `The output schema can't be used: ${path}: ${message}.`, [
      { path, message },
    ])
  }
  try {
    return z.fromJSONSchema(schema)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new ValidationError(
      'INVALID_OUTPUT_SCHEMA',
      `The output schema can't be used: ${message}`,
      [{ path: 'output_schema', message }],
      { cause: error },
    )
  }
}

/** Keywords whose value has a schema for each of any names. */
const NAMED_SCHEMAS = new Set(['properties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'])
/** Keywords whose value is data, and no schema. */
const DATA = new Set(['const', 'enum', 'default', 'example', 'examples'])
/** A regular expression can take longer than anybody waits, and nothing else goes on meanwhile. */
const REGEXES = new Set(['pattern', 'patternProperties'])

/** Where a schema asks for a regular expression. It is no recursion, so that no depth is too much for it. */
function pathOfRegex(schema: JsonSchema): string | undefined {
  const seen = new Set<unknown>()
  const open: { value: unknown; path: string; isNamed: boolean }[] = [
    { value: schema, path: 'output_schema', isNamed: false },
  ]
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, path, isNamed } = next
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    if (!isNamed) seen.add(value)
    for (const [key, inner] of Object.entries(value)) {
      const at = `${path}.${key}`
      const isKeyword = !isNamed && !Array.isArray(value)
      if (isKeyword && REGEXES.has(key)) return at
      if (isKeyword && DATA.has(key)) continue
      open.push({ value: inner, path: at, isNamed: isKeyword && NAMED_SCHEMAS.has(key) })
    }
  }
  return undefined
}

function form(schema: JsonSchema, validator: z.ZodType): AnswerForm {
  const title = typeof schema.title === 'string' && schema.title !== '' ? schema.title : undefined
  return {
    contentType: title ?? 'dict',
    format: { name: title ?? 'answer', schema },
    check: async (text) => {
      const read = readJson(text)
      if ('problem' in read) return read
      const parsed = await validator.safeParseAsync(read.value)
      return parsed.success ? { value: parsed.data as JsonValue } : { problem: describeIssues(parsed.error) }
    },
  }
}

const FENCE = '```'

/** Models that are not held to a schema like to put their JSON into a fence. */
function withoutFence(text: string): string {
  const trimmed = text.trim()
  const begin = trimmed.indexOf('\n')
  if (begin === -1 || !trimmed.startsWith(FENCE) || !trimmed.endsWith(FENCE)) return text
  return trimmed.slice(begin + 1, -FENCE.length)
}

function readJson(text: string): { value: JsonValue } | { problem: string } {
  try {
    return { value: JSON.parse(withoutFence(text)) as JsonValue }
  } catch (error) {
    if (error instanceof SyntaxError) return { problem: `It is not JSON: ${error.message}` }
    throw error
  }
}
