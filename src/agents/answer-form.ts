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
 * @throws ValidationError `INVALID_OUTPUT_SCHEMA`
 */
export function formOfOptions({ outputSchema, useJsonSchema }: RunOptions): AnswerForm | undefined {
  if (outputSchema === undefined) return undefined
  if (useJsonSchema) return { ...form(outputSchema, z.json()), contentType: 'dict' }
  return form(outputSchema, parsedSchema(outputSchema))
}

function parsedSchema(schema: JsonSchema): z.ZodType {
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

/** Models that are not held to a schema like to put their JSON into a fence. */
const FENCE = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/

function readJson(text: string): { value: JsonValue } | { problem: string } {
  try {
    return { value: JSON.parse(FENCE.exec(text)?.[1] ?? text) as JsonValue }
  } catch (error) {
    if (error instanceof SyntaxError) return { problem: `It is not JSON: ${error.message}` }
    throw error
  }
}
