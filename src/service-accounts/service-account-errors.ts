import {
  ConflictError,
  ForbiddenError,
  NotFoundError,
  TooManyRequestsError,
  UnauthorizedError,
  UnavailableError,
  ValidationError,
} from '../core/errors.js'

export function serviceAccountNotFound(id: string): NotFoundError {
  return new NotFoundError('SERVICE_ACCOUNT_NOT_FOUND', `There is no service account "${id}".`)
}

export function serviceAccountExists(name: string, cause: unknown): ConflictError {
  return new ConflictError(
    'SERVICE_ACCOUNT_EXISTS',
    `There is a service account "${name}" already. Revoke it first, also when it has expired, or choose another name.`,
    { cause },
  )
}

export function nameTaken(name: string): ConflictError {
  return new ConflictError(
    'SERVICE_ACCOUNT_NAME_TAKEN',
    `The name "${name}" was that of a service account which is not yours. Choose another, or ask an admin to mint it.`,
  )
}

/** For callers that nobody has asked for a token: what they mint would be good when tokens are asked for. */
export function minterUnknown(): UnauthorizedError {
  return new UnauthorizedError(
    'TOKEN_MISSING',
    'Whoever mints a token of a service account must be authenticated. Send a token, or mint it in code: agentOS.serviceAccounts.mint().',
  )
}

/** One text for tokens that are unknown, revoked or expired: which of them is nobody's business. */
export function tokenInvalid(): UnauthorizedError {
  return new UnauthorizedError(
    'SERVICE_ACCOUNT_TOKEN_INVALID',
    'The token of the service account is unknown, was revoked, or has expired.',
  )
}

export function throttled(retryAfterSeconds: number): TooManyRequestsError {
  return new TooManyRequestsError(
    'AUTH_THROTTLED',
    'Too many failed attempts to authenticate from your address. Try again later.',
    retryAfterSeconds,
  )
}

export function authUnavailable(cause: unknown): UnavailableError {
  return new UnavailableError(
    'AUTH_UNAVAILABLE',
    'Tokens of service accounts can not be checked now; they are temporarily unavailable. Try again later.',
    1,
    { cause },
  )
}

export function invalidScope(at: number, scope: string, reason: string): ValidationError {
  return scopeError('INVALID_SCOPE', at, scope, reason)
}

export function privilegedScope(at: number, scope: string): ValidationError {
  return scopeError('PRIVILEGED_SCOPE', at, scope, 'is privileged; send allow_privileged_scopes: true to grant it')
}

/** An account is held to no session, so that its token could do more than one that is. */
export function pinnedMinter(sessionId: string): ForbiddenError {
  return new ForbiddenError(
    'SCOPE_NOT_HELD',
    `Your token is for session "${sessionId}" only, and that of a service account can't be. Mint it with one that is for all sessions.`,
  )
}

export function scopeNotHeld(scopes: readonly string[]): ForbiddenError {
  const named = scopes.map((scope) => `"${scope}"`).join(', ')
  return new ForbiddenError(
    'SCOPE_NOT_HELD',
    `You can grant only what you hold yourself. Not held: ${named}. Leave it out of scopes.`,
  )
}

function scopeError(code: string, at: number, scope: string, reason: string): ValidationError {
  const path = `scopes.${at}`
  const message = `"${scope}" ${reason}`
  return new ValidationError(code, `The request is not valid. ${path}: ${message}.`, [{ path, message }])
}
