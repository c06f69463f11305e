/** Base of every error that this library throws on purpose. */
export abstract class AgentOSError extends Error {
  /** HTTP status that the error maps to. */
  abstract readonly status: number
  /** Stable code in UPPER_SNAKE, the same word as `error_code` on the wire. */
  readonly code: string

  constructor(code: string, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The request itself can't be understood (malformed body, a missing choice). */
export class BadRequestError extends AgentOSError {
  readonly status = 400
}

export class UnauthorizedError extends AgentOSError {
  readonly status = 401
}

/** The caller is known but may not do this. */
export class ForbiddenError extends AgentOSError {
  readonly status = 403
}

/** Not there, or not the caller's: both look the same. */
export class NotFoundError extends AgentOSError {
  readonly status = 404
}

/** The state forbids it, or somebody was faster. */
export class ConflictError extends AgentOSError {
  readonly status = 409
}

export class PayloadTooLargeError extends AgentOSError {
  readonly status = 413
}

export class UnsupportedMediaTypeError extends AgentOSError {
  readonly status = 415
}

/** One thing that is wrong with an input. `path` is spelled as the sender spelled it, with dots. */
export interface ValidationIssue {
  path: string
  message: string
}

/** Understood, but not valid. */
export class ValidationError extends AgentOSError {
  readonly status = 422

  constructor(
    code: string,
    detail: string,
    readonly issues: readonly ValidationIssue[] = [],
    options?: ErrorOptions,
  ) {
    super(code, detail, options)
  }
}

/** Too much at once; try again after `retryAfterSeconds`. */
export class TooManyRequestsError extends AgentOSError {
  readonly status = 429

  constructor(
    code: string,
    detail: string,
    readonly retryAfterSeconds: number,
  ) {
    super(code, detail)
  }
}

/** The feature exists but is not configured on this server. */
export class NotConfiguredError extends AgentOSError {
  readonly status = 501
}

/** Storage or another needed part is away. */
export class UnavailableError extends AgentOSError {
  readonly status = 503

  constructor(
    code: string,
    detail: string,
    readonly retryAfterSeconds = 1,
    options?: ErrorOptions,
  ) {
    super(code, detail, options)
  }
}

/** A package that is loaded on use is not installed. */
export class MissingPackageError extends AgentOSError {
  readonly status = 500

  constructor(packageName: string, neededFor: string, options?: ErrorOptions) {
    super(
      'MISSING_PACKAGE',
      `${neededFor} needs the package "${packageName}". Install it: npm install ${packageName}`,
      options,
    )
  }
}

/** The program that uses the library set it up wrongly. */
export class ConfigurationError extends AgentOSError {
  readonly status = 500

  constructor(detail: string, options?: ErrorOptions) {
    super('CONFIGURATION_ERROR', detail, options)
  }
}
