import type { z } from 'zod'
import { ValidationError } from './errors.js'

/**
 * What code passes to a service, checked as the same input is over HTTP, defaults filled in.
 *
 * @throws ValidationError with every issue, its path spelled as in code.
 */
export function checkInput<Schema extends z.ZodType>(schema: Schema, input: z.input<Schema>): z.output<Schema> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }))
  const said = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')
  throw new ValidationError('VALIDATION_ERROR', `The input is not valid. ${said}.`, issues, { cause: parsed.error })
}
