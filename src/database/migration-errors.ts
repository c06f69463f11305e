import { ConflictError } from '../core/errors.js'

/** Somebody else has the lock. */
export function migrationInProgress(options?: ErrorOptions): ConflictError {
  return new ConflictError(
    'MIGRATION_IN_PROGRESS',
    'The database is being migrated, or written to for long, by somebody else. Look at its version, and try again.',
    options,
  )
}
