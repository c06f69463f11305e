import type { Caller } from '../core/caller.js'

/** Knows tokens that begin with a prefix: service accounts behind a port. */
export interface TokenVerifier {
  readonly prefix: string
  /**
   * The caller that a token stands for.
   *
   * @param address of the client, where the host has told it; failed attempts are counted by it.
   * @throws UnauthorizedError `SERVICE_ACCOUNT_TOKEN_INVALID` for an unknown, revoked or expired one alike.
   * @throws TooManyRequestsError `AUTH_THROTTLED`
   * @throws UnavailableError `AUTH_UNAVAILABLE` when it can't be looked up.
   */
  verify(token: string, address: string | undefined): Promise<Caller>
}
