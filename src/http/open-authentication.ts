import type { Caller } from '../core/caller.js'
import { anonymousCaller } from '../core/caller.js'
import { UnavailableError } from '../core/errors.js'
import type { TokenVerifier } from '../service-accounts/token-verifier.js'

/**
 * Who calls while authentication is off: anybody. A good token still says who it is, and restricts its holder; one that
 * is not good is ignored, because a stale token must not lock its holder out of an open server.
 *
 * @returns what `createHttpApp` takes. It throws UnavailableError when nobody can tell whether the token is good.
 */
export function openAuthentication(verifier: TokenVerifier): (request: Request) => Caller | Promise<Caller> {
  return (request) => {
    const token = request.headers
      .get('authorization')
      ?.replace(/^bearer +/i, '')
      .trim()
    return token?.startsWith(verifier.prefix) ? verified(verifier, token) : anonymousCaller
  }
}

async function verified(verifier: TokenVerifier, token: string): Promise<Caller> {
  try {
    return await verifier.verify(token, undefined)
  } catch (error) {
    if (error instanceof UnavailableError) throw error
    return anonymousCaller
  }
}
