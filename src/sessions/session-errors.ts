import { ConflictError, NotFoundError, ValidationError } from '../core/errors.js'

export function sessionNotFound(sessionId: string): NotFoundError {
  return new NotFoundError('SESSION_NOT_FOUND', `There is no session "${sessionId}".`)
}

export function sessionEmpty(sessionId: string): ConflictError {
  return new ConflictError(
    'SESSION_EMPTY',
    `Session "${sessionId}" has no run that has ended, so there is nothing to copy.`,
  )
}

export function lengthMismatch(ids: readonly string[], types: readonly string[]): ValidationError {
  const message = `has ${types.length} entries, but session_ids has ${ids.length}; give one type per id, or none at all`
  return new ValidationError('LENGTH_MISMATCH', `session_types ${message}.`, [{ path: 'session_types', message }])
}

export function invalidRange(after: string, before: string): ValidationError {
  const message = `is ${after}, which is after created_before, ${before}`
  return new ValidationError('INVALID_RANGE', `created_after ${message}.`, [{ path: 'created_after', message }])
}

export function noSummary(sessionId: string): ValidationError {
  const message = `session "${sessionId}" belongs to a workflow, which has no summary; leave it out`
  return new ValidationError('VALIDATION_ERROR', `The request is not valid. summary: ${message}.`, [
    { path: 'summary', message },
  ])
}
