/** Why a safe fetch brought nothing. A refused address is a `ValidationError` instead. */
export type FetchErrorKind =
  /** The name does not resolve. */
  | 'dns'
  /** No connection, or it broke off. */
  | 'connection'
  | 'timeout'
  | 'too_large'
  | 'too_many_redirects'
  /** The server answered in a way that can't be read. */
  | 'invalid_response'

/** A failed fetch of a URL that somebody named. */
export class FetchError extends Error {
  override readonly name = 'FetchError'

  constructor(
    readonly kind: FetchErrorKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
