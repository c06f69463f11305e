import {
  AgentOSError,
  ConfigurationError,
  ConflictError,
  NotFoundError,
  TooManyRequestsError,
  UnavailableError,
  ValidationError,
} from '../core/errors.js'

/** The errors of storage, which have a status each. */
const classes = new Map<unknown, { prototype: object }>([
  [404, NotFoundError],
  [409, ConflictError],
  [422, ValidationError],
  [429, TooManyRequestsError],
  [500, ConfigurationError],
  [503, UnavailableError],
])

/**
 * The error as one of this copy of the library. A database that another copy in this process has opened throws that
 * copy's errors, which `instanceof` would not know here.
 */
export function ownError(error: unknown): unknown {
  if (error instanceof AgentOSError || !(error instanceof Error)) return error
  const { status, code } = error as { status?: unknown; code?: unknown }
  const known = typeof code === 'string' ? classes.get(status) : undefined
  return known ? (Object.setPrototypeOf(error, known.prototype) as Error) : error
}
