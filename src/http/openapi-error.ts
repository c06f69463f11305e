import { z } from 'zod'

/** The body of every error, as it is described. */
export const ErrorSchema = z
  .object({
    detail: z.string().meta({ description: 'What was wrong, with the value, and what to do.' }),
    error_code: z.string().meta({ description: 'Stable, for programs.', examples: ['VALIDATION_ERROR'] }),
    request_id: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    required_scopes: z.array(z.string()).optional(),
    requirement_ids: z.array(z.string()).optional(),
  })
  .meta({ id: 'Error' })
