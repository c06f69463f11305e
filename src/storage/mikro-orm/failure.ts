import { AgentOSError, UnavailableError } from '../../core/errors.js'
import { isPostgresFault } from './postgresql/faults.js'

/**
 * What a caller may know of a failure: a refusal as it is, a database that fails as a fixed text. SQL and the
 * driver's words stay in `cause`, for the log.
 */
export function storageError(error: unknown): unknown {
  if (error instanceof AgentOSError || !isDatabaseError(error)) return error
  return databaseUnavailable(error)
}

export function databaseUnavailable(cause: unknown): UnavailableError {
  return new UnavailableError('DATABASE_UNAVAILABLE', 'The database does not answer. Try again later.', 1, { cause })
}

/** Whether the database or its driver says it, and not a program that is wrong. */
function isDatabaseError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (isPostgresFault(error)) return true
  const { code } = error as { code?: unknown }
  // better-sqlite3 says it as a plain TypeError when its file was closed or can't be created.
  return (
    (typeof code === 'string' && code.startsWith('SQLITE_')) || /database connection is not open/.test(error.message)
  )
}
