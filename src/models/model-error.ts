/** Why a model request failed. */
export type ModelErrorKind =
  /** 429: too many requests, or a quota is used up. */
  | 'rate_limit'
  /** 401 or 403: the key is missing, wrong or not allowed to use the model. */
  | 'authentication'
  /** The conversation does not fit into the model's context window. */
  | 'context_window'
  /** No answer at all, or the connection broke off. */
  | 'connection'
  /** 5xx of the provider. */
  | 'server'
  /** The provider refused the request as invalid. */
  | 'invalid_request'
  /** The provider answered something that can't be read. */
  | 'invalid_response'

/** A failure of the provider, or of the way to it. Never holds a key or a request's headers. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly kind: ModelErrorKind
  /** HTTP status of the provider's answer, where there was one. */
  readonly status?: number
  /** How long the provider asked us to wait, in milliseconds (from Retry-After). */
  readonly retryAfterMs?: number

  constructor(
    kind: ModelErrorKind,
    message: string,
    options: ErrorOptions & { status?: number; retryAfterMs?: number } = {},
  ) {
    super(message, options)
    this.kind = kind
    if (options.status !== undefined) this.status = options.status
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs
  }

  /** Whether the same request may succeed when it is sent again. */
  get retryable(): boolean {
    return (
      this.kind === 'rate_limit' ||
      this.kind === 'connection' ||
      this.kind === 'server' ||
      this.kind === 'invalid_response'
    )
  }
}
