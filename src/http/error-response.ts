import { z } from 'zod'
import { AgentOSError, UnauthorizedError, ValidationError } from '../core/errors.js'
import type { ValidationIssue } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import { redactText } from '../core/redact.js'
import { UndecidedError } from '../runs/decisions.js'
import { validationError } from './parse-wire.js'
import { InsufficientScopeError } from '../core/scopes.js'

/** The path is ours, the method is not. */
export class MethodNotAllowedError extends AgentOSError {
  readonly status = 405

  constructor(
    method: string,
    path: string,
    /** Value of the `Allow` header. */
    readonly allow: string,
  ) {
    super('METHOD_NOT_ALLOWED', `${method} is not possible on ${path}; allowed: ${allow}.`)
  }
}

/** The address alone is more than is read. */
export class UriTooLongError extends AgentOSError {
  readonly status = 414

  constructor(limit: number) {
    super('URI_TOO_LONG', `The URL has more than ${limit} characters.`)
  }
}

/** The request is one for a page where there is a socket. */
export class UpgradeRequiredError extends AgentOSError {
  readonly status = 426
}

/** The body of every error. */
export interface ErrorBody {
  detail: string
  error_code: string
  request_id: string
  errors?: readonly { path: string; message: string }[]
  required_scopes?: readonly string[]
  /** What a run still waits for. */
  requirement_ids?: readonly string[]
}

export const INTERNAL_ERROR_DETAIL = 'Something went wrong on the server. It has been logged under the request id.'

/** What an error says to the outside, with its status and its own headers. */
export interface ErrorAnswer {
  status: number
  body: ErrorBody
  headers: Record<string, string>
}

/** Maps every error to its answer. A fault of ours gets a fixed text and is logged; its message stays inside. */
export function errorAnswer(thrown: unknown, requestId: string, logger: Logger): ErrorAnswer {
  const error = thrown instanceof z.ZodError ? validationError(undefined, thrown) : thrown
  if (!(error instanceof AgentOSError) || error.status === 500) {
    logger.error({ err: error, requestId }, 'A request failed')
    const code = error instanceof AgentOSError ? error.code : 'INTERNAL_ERROR'
    return {
      status: 500,
      body: { detail: INTERNAL_ERROR_DETAIL, error_code: code, request_id: requestId },
      headers: {},
    }
  }
  // The answer doesn't say why a token is refused.
  if (error.status === 401 && error.cause !== undefined) logger.debug({ err: error, requestId }, 'A token was refused')
  if (error.status > 500) logger.warn({ err: error, requestId }, 'A request could not be served')
  const body: ErrorBody = { detail: shown(error.message), error_code: error.code, request_id: requestId }
  if (error instanceof ValidationError) body.errors = error.issues.slice(0, MAX_ISSUES).map(shownIssue)
  if (error instanceof InsufficientScopeError) body.required_scopes = error.requiredScopes
  if (error instanceof UndecidedError) body.requirement_ids = error.requirementIds
  return { status: error.status, body, headers: headersOf(error) }
}

/** An answer to a body of megabytes of nonsense need not hold all of it. */
const MAX_ISSUES = 100
const MAX_DETAIL = 2000

/** What was wrong quotes what was sent, and that may hold a secret. */
function shown(text: string): string {
  const whole = redactText(text.slice(0, MAX_DETAIL))
  return text.length > MAX_DETAIL ? `${whole}…` : whole
}

function shownIssue({ path, message }: ValidationIssue): ValidationIssue {
  return { path: shown(path), message: shown(message) }
}

function headersOf(error: AgentOSError): Record<string, string> {
  const headers: Record<string, string> = {}
  if (error instanceof UnauthorizedError) {
    headers['www-authenticate'] = error.code === 'TOKEN_MISSING' ? 'Bearer' : 'Bearer error="invalid_token"'
  }
  if (error instanceof InsufficientScopeError) {
    headers['www-authenticate'] = `Bearer error="insufficient_scope", scope="${error.requiredScopes.join(' ')}"`
  }
  if (error instanceof MethodNotAllowedError) headers.allow = error.allow
  if (error instanceof UpgradeRequiredError) headers.upgrade = 'websocket'
  if ('retryAfterSeconds' in error && typeof error.retryAfterSeconds === 'number') {
    headers['retry-after'] = String(Math.max(1, Math.ceil(error.retryAfterSeconds)))
  }
  return headers
}
