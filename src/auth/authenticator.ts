import { createHash, timingSafeEqual } from 'node:crypto'
import { anonymousCaller, fullCaller } from '../core/caller.js'
import type { Caller } from '../core/caller.js'
import type { Clock } from '../core/clock.js'
import { ConfigurationError, UnauthorizedError, UnavailableError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import { TOKEN_PREFIX } from '../service-accounts/token.js'
import { tokenInvalid } from './auth-errors.js'
import { readToken } from './auth-request.js'
import type { SentToken } from './auth-request.js'
import type { AuthSettings } from './auth-settings.js'
import { checkOrigin } from './csrf.js'
import { FileKeys } from './file-keys.js'
import { JwtVerifier } from './jwt-verifier.js'
import { KeySet, parseKeySet } from './key-set.js'
import { fixedKeys } from './key-source.js'
import type { KeySource } from './key-source.js'
import { RemoteKeys } from './remote-keys.js'
import type { TokenVerifier } from './token-verifier.js'
import { checkedHostCaller, userCaller } from './user-caller.js'

export interface AuthenticatorParts {
  clock: Clock
  logger: Logger
  /** Knows tokens of service accounts; without it there are none. */
  serviceTokens?: TokenVerifier
}

/** Says who calls. One for every way in, so that none is easier than another. */
export class Authenticator {
  private readonly tokens: JwtVerifier
  private readonly keyDigest: Buffer | undefined

  /** @throws ConfigurationError when a JWKS document or file can't be used. */
  constructor(
    private readonly settings: AuthSettings,
    private readonly parts: AuthenticatorParts,
  ) {
    const { securityKey, warnings, jwt } = settings
    this.keyDigest = securityKey === undefined ? undefined : digest(securityKey)
    this.tokens = new JwtVerifier(jwt, keySource(settings, parts), parts.clock)
    for (const warning of warnings) parts.logger.warn({}, warning)
  }

  /**
   * The caller of a request. What is known at once costs no promise.
   *
   * @param address of the client, where the host has told it.
   * @param options.refusesStale also an open server refuses the token of a service account that is no good.
   * @throws UnauthorizedError with one of the codes `TOKEN_…`, `SERVICE_ACCOUNT_TOKEN_INVALID` and
   *   `SERVICE_ACCOUNTS_UNAVAILABLE`
   * @throws ForbiddenError `CSRF_REJECTED`
   * @throws TooManyRequestsError `AUTH_THROTTLED`
   * @throws UnavailableError `AUTH_UNAVAILABLE`
   */
  authenticate(
    request: Request,
    address?: string,
    { refusesStale = false }: { refusesStale?: boolean } = {},
  ): Caller | Promise<Caller> {
    const { place, authenticate } = this.settings
    const sent = readToken(request, place)
    if (sent && this.isServiceToken(sent.token)) return this.serviceCaller(request, sent, address, refusesStale)
    return authenticate ? this.hostCaller(request, sent) : this.tokenCaller(request, sent)
  }

  /** Whether tokens can be checked at the moment. */
  async check(): Promise<{ ready: boolean; reason?: string }> {
    if (!this.settings.takesTokens) return { ready: true }
    try {
      await this.tokens.checkReady()
      return { ready: true }
    } catch (error) {
      return { ready: false, reason: String(error) }
    }
  }

  private isServiceToken(token: string): boolean {
    return token.startsWith(this.parts.serviceTokens?.prefix ?? TOKEN_PREFIX)
  }

  private async serviceCaller(
    request: Request,
    sent: SentToken,
    address: string | undefined,
    refusesStale: boolean,
  ): Promise<Caller> {
    const { serviceTokens } = this.parts
    // A stale token must not lock anybody out of a server that is open.
    const takesAny = this.settings.mode === 'none' && !refusesStale
    if (!serviceTokens) {
      if (takesAny) return anonymousCaller
      throw new UnauthorizedError('SERVICE_ACCOUNTS_UNAVAILABLE', 'There are no service accounts on this server.')
    }
    this.checkCookie(request, sent)
    try {
      return await serviceTokens.verify(sent.token, address)
    } catch (error) {
      // Of one that nobody can look up it is not known whether it is stale.
      if (takesAny && !(error instanceof UnavailableError)) return anonymousCaller
      throw error
    }
  }

  private async hostCaller(request: Request, sent: SentToken | undefined): Promise<Caller> {
    const { authenticate, jwt, trustedOrigins } = this.settings
    const found = await authenticate!(request)
    if (found === null || found === undefined) return this.tokenCaller(request, sent)
    const isByCookie = request.headers.has('cookie') && !request.headers.has('authorization')
    if (isByCookie) checkOrigin(request, trustedOrigins)
    return userCaller(checkedHostCaller(found), jwt)
  }

  private tokenCaller(request: Request, sent: SentToken | undefined): Caller | Promise<Caller> {
    const { mode, takesTokens, place } = this.settings
    if (mode === 'none') return anonymousCaller
    if (!sent) throw new UnauthorizedError('TOKEN_MISSING', missing(place))
    this.checkCookie(request, sent)
    if (mode === 'security_key') return this.keyHolder(sent.token)
    if (!takesTokens) throw tokenInvalid(new Error('There are no keys.'))
    return this.tokens.verify(sent.token)
  }

  /** In constant time, whatever their lengths. */
  private keyHolder(token: string): Caller {
    if (!this.keyDigest || !timingSafeEqual(this.keyDigest, digest(token))) throw tokenInvalid()
    return fullCaller
  }

  private checkCookie(request: Request, { from }: SentToken): void {
    if (from === 'cookie') checkOrigin(request, this.settings.trustedOrigins)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function missing({ source, header, cookie }: AuthSettings['place']): string {
  const places = [
    ...(source === 'cookie' ? [] : [`the header ${header}: Bearer <token>`]),
    ...(source === 'header' ? [] : [`the cookie ${cookie}`]),
  ]
  return `There is no token. Send one in ${places.join(', or in ')}.`
}

function keySource({ keyPlace, maxStaleMs }: AuthSettings, { clock, logger }: AuthenticatorParts): KeySource {
  if (!keyPlace) return fixedKeys(new KeySet([]))
  if ('file' in keyPlace) return new FileKeys(keyPlace.file, { clock, logger, maxStaleMs })
  if ('url' in keyPlace) return new RemoteKeys(keyPlace.url, { clock, logger, maxStaleMs })
  try {
    const keys = parseKeySet(keyPlace.document)
    for (const problem of keys.refused) logger.warn({}, `A key of the JWKS document is not used: ${problem}`)
    return fixedKeys(keys)
  } catch (error) {
    throw new ConfigurationError(`auth: the JWKS document can't be used. ${(error as Error).message}`, { cause: error })
  }
}
