import { ForbiddenError, UnauthorizedError } from '../core/errors.js'

/** Says nothing of why: that is in the log, for whoever may know. */
export function tokenInvalid(cause?: unknown): UnauthorizedError {
  return new UnauthorizedError('TOKEN_INVALID', 'The token is not valid here. Get a new one.', { cause })
}

export function tokenExpired(): UnauthorizedError {
  return new UnauthorizedError('TOKEN_EXPIRED', 'The token has expired. Get a new one.')
}

export function audienceInvalid(what: 'audience' | 'issuer'): UnauthorizedError {
  return new UnauthorizedError('TOKEN_AUDIENCE_INVALID', `The token is not for this server: its ${what} is another.`)
}

export function subjectInvalid(): UnauthorizedError {
  return new UnauthorizedError(
    'TOKEN_SUBJECT_INVALID',
    'The user id of the token is reserved, or can be none: it has to be a text of 1 to 255 characters.',
  )
}

export function subjectRequired(): UnauthorizedError {
  return new UnauthorizedError(
    'TOKEN_SUBJECT_REQUIRED',
    'The token names no user, and callers see nothing but their own here. Get one with a user id.',
  )
}

export function csrfRejected(origin: string | null): ForbiddenError {
  return new ForbiddenError(
    'CSRF_REJECTED',
    `A request with a cookie that changes something has to come from this server's own pages, but its origin is ${origin ?? 'not told'}. ` +
      'Send the token in a header, or have the origin trusted.',
  )
}
