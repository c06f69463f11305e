import { ConfigurationError } from '../core/errors.js'
import { registerSecrets } from '../core/redact.js'
import { ADMIN_SCOPE } from '../core/caller.js'
import { isHmac } from './algorithms.js'
import type { Algorithm } from './algorithms.js'
import type { AuthOptions } from './auth-options.js'
import type { TokenPlace } from './auth-request.js'
import type { JwtRules } from './jwt-verifier.js'
import { checkAuthOptions } from './option-schema.js'
import { staticKeys } from './static-keys.js'

export type AuthMode = 'none' | 'security_key' | 'jwt'

/** Where the keys of tokens are kept. */
export type KeyPlace = { file: string } | { url: string } | { document: string | object }

/** The options with what the environment and the defaults add, checked as far as that is possible at once. */
export interface AuthSettings {
  mode: AuthMode
  securityKey?: string
  authorization: boolean
  place: TokenPlace
  trustedOrigins: ReadonlySet<string>
  jwt: JwtRules
  /** Whether tokens can be checked: there are keys, or a gateway does it. */
  takesTokens: boolean
  keyPlace?: KeyPlace
  maxStaleMs: number
  publicPaths: readonly string[]
  scopeMappings: Readonly<Record<string, readonly string[]>>
  docs: boolean | 'authenticated'
  serviceAccountCacheTtlSeconds: number
  authenticate: AuthOptions['authenticate']
  authorize: AuthOptions['authorize']
  /** What the host should know at every start. */
  warnings: readonly string[]
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * @param osId the audience that tokens have, unless the options name another.
 * @throws ConfigurationError
 */
export function authSettings(given: AuthOptions | undefined, osId: string, environment: Environment): AuthSettings {
  const options = given ?? {}
  checkAuthOptions(options)
  const { validate = true, authenticate } = options
  const securityKey = options.osSecurityKey ?? fromEnvironment(environment, 'OS_SECURITY_KEY')
  const algorithms = algorithmsOf(options.algorithm)
  const extraKey = fromEnvironment(environment, 'JWT_VERIFICATION_KEY')
  const keyTexts = [...(options.verificationKeys ?? []), ...(extraKey ? [extraKey] : [])]
  const keys = staticKeys(keyTexts, algorithms)
  registerSecrets(securityKey, ...(algorithms.every(isHmac) ? keyTexts : []))
  const keyPlace = keyPlaceOf(options, environment)
  if (keyPlace && algorithms.every(isHmac)) {
    throw new ConfigurationError(
      'auth: a JWKS holds public keys, but the algorithm is HMAC. Put secrets into verificationKeys.',
    )
  }
  const takesTokens = keys.length > 0 || keyPlace !== undefined || !validate
  const { authorization = Boolean(options.scopeMappings ?? options.roles ?? authenticate) } = options
  if (authorization && !takesTokens && !authenticate) {
    throw new ConfigurationError(
      'auth: scopes are to be enforced, but there is nothing to check tokens with. Give verificationKeys, jwks, jwksFile, jwksUrl or authenticate.',
    )
  }
  const mode =
    authorization || takesTokens || authenticate ? 'jwt' : securityKey === undefined ? 'none' : 'security_key'
  const { userIsolation = authorization } = options
  if (userIsolation && mode !== 'jwt') {
    throw new ConfigurationError(
      'auth: userIsolation needs callers that can be told apart: keys of tokens, or authenticate.',
    )
  }
  const { verifyAudience = authorization, audience = osId, issuer } = options
  return {
    mode,
    securityKey,
    authorization,
    takesTokens,
    keyPlace,
    authenticate,
    authorize: options.authorize,
    maxStaleMs: (options.jwksMaxStaleSeconds ?? 3600) * 1000,
    place: {
      source: options.tokenSource ?? 'header',
      header: options.tokenHeaderKey ?? 'Authorization',
      cookie: options.cookieName ?? 'access_token',
    },
    trustedOrigins: new Set(options.trustedOrigins),
    publicPaths: options.publicPaths ?? [],
    scopeMappings: options.scopeMappings ?? {},
    docs: options.docsEnabled ?? docsFromEnvironment(environment),
    serviceAccountCacheTtlSeconds: options.serviceAccountCacheTtlSeconds ?? cacheTtlFromEnvironment(environment),
    jwt: {
      algorithms,
      validate,
      staticKeys: keys,
      requireExp: options.requireExp ?? true,
      skewSeconds: options.clockSkewSeconds ?? 10,
      ...(issuer !== undefined && { issuers: [issuer].flat() }),
      ...(verifyAudience && { audiences: [audience].flat() }),
      audienceClaim: options.audienceClaim ?? 'aud',
      userIdClaim: options.userIdClaim ?? 'sub',
      sessionIdClaim: options.sessionIdClaim ?? 'session_id',
      scopesClaims: options.scopesClaim === undefined ? ['scopes', 'scope', 'scp'] : [options.scopesClaim],
      rolesClaim: options.rolesClaim ?? 'roles',
      dependenciesClaims: options.dependenciesClaims ?? [],
      sessionStateClaims: options.sessionStateClaims ?? [],
      roles: new Map(Object.entries(options.roles ?? {})),
      adminScope: options.adminScope ?? ADMIN_SCOPE,
      userIsolation,
    },
    warnings: [
      ...(validate
        ? []
        : ['Signatures of tokens are not checked (auth.validate is false): only a gateway may reach this server']),
      ...(mode === 'jwt' && securityKey !== undefined ? ['The security key is ignored: tokens are asked for'] : []),
    ],
  }
}

function algorithmsOf(given: AuthOptions['algorithm'] = 'RS256'): readonly Algorithm[] {
  const algorithms = [given].flat()
  if (algorithms.some(isHmac) && !algorithms.every(isHmac)) {
    throw new ConfigurationError(
      `auth.algorithm: ${algorithms.join(', ')} mixes HMAC with public keys, which lets a public key pass for a secret.`,
    )
  }
  return algorithms
}

/** An option beats the environment; of several places one would be ignored in silence. */
function keyPlaceOf({ jwks, jwksFile, jwksUrl, allowInsecureJwksUrl = false }: AuthOptions, environment: Environment) {
  const options = placesOf(jwksFile, jwks, jwksUrl)
  const places =
    options.length > 0
      ? options
      : placesOf(
          fromEnvironment(environment, 'JWT_JWKS_FILE'),
          fromEnvironment(environment, 'JWT_JWKS'),
          fromEnvironment(environment, 'JWT_JWKS_URL'),
        )
  if (places.length > 1) throw new ConfigurationError('auth: give one of jwks, jwksFile and jwksUrl.')
  const [place] = places
  if (place && 'url' in place) checkUrl(place.url, allowInsecureJwksUrl)
  return place
}

function placesOf(
  file: string | undefined,
  document: string | object | undefined,
  url: string | undefined,
): KeyPlace[] {
  return [
    ...(file === undefined ? [] : [{ file }]),
    ...(document === undefined ? [] : [{ document }]),
    ...(url === undefined ? [] : [{ url }]),
  ]
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

function checkUrl(url: string, allowsHttp: boolean): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const isSafe = parsed?.protocol === 'https:'
  const isLocal = allowsHttp && parsed?.protocol === 'http:' && LOOPBACK.test(parsed.hostname)
  if (!parsed || !(isSafe || isLocal) || parsed.username !== '' || parsed.password !== '') {
    throw new ConfigurationError(
      `auth: "${parsed ? parsed.origin : url}" can't be asked for keys. The URL of a JWKS has to be https, without credentials; ` +
        'allowInsecureJwksUrl lets it be http on a loopback address.',
    )
  }
}

/** An empty variable counts as none. */
function fromEnvironment(environment: Environment, name: string): string | undefined {
  const value = environment[name]
  return value === undefined || value.trim() === '' ? undefined : value
}

function docsFromEnvironment(environment: Environment): boolean | 'authenticated' {
  const value = fromEnvironment(environment, 'DOCS_ENABLED')?.trim().toLowerCase()
  if (value === undefined || value === 'true' || value === '1') return true
  if (value === 'authenticated') return value
  if (value === 'false' || value === '0') return false
  throw new ConfigurationError(`DOCS_ENABLED is "${value}"; it has to be true, false or authenticated.`)
}

function cacheTtlFromEnvironment(environment: Environment): number {
  const value = fromEnvironment(environment, 'SERVICE_ACCOUNT_CACHE_TTL_SECONDS') ?? '5'
  if (/^\d{1,4}$/.test(value.trim()) && Number(value) <= 3600) return Number(value)
  throw new ConfigurationError(`SERVICE_ACCOUNT_CACHE_TTL_SECONDS is "${value}"; it has to be 0 to 3600.`)
}
