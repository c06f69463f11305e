import type { Caller } from '../core/caller.js'

/** Tells who holds a token of one kind. */
export interface TokenVerifier {
  /** What tokens of this kind begin with. */
  readonly prefix: string
  /**
   * @param address of the client, where it is known; failures are counted by it.
   * @throws UnauthorizedError when it is none, or not good any more.
   * @throws TooManyRequestsError when so many from this address were none.
   * @throws UnavailableError when nobody can tell now.
   */
  verify(token: string, address: string | undefined): Promise<Caller>
}
