import type { Authorize } from '../core/access.js'
import type { JsonObject } from '../core/json.js'
import type { Algorithm } from './algorithms.js'

/** Where tokens are looked for. */
export type TokenSource = 'header' | 'cookie' | 'both'

/** Whom the host has recognized. */
export interface HostCaller {
  /** Names the user in all records; at most 255 characters. */
  userId?: string
  scopes?: readonly string[]
  /** Stand for scopes: see `roles`. */
  roles?: readonly string[]
  /** May do everything. Default: whether the scopes hold the admin scope. */
  admin?: boolean
  /** Pins the session of its runs. */
  sessionId?: string
  /** What else is known of the user; tools find it in `context.caller.claims`. */
  claims?: JsonObject
  /** Replaces the `dependencies` of its runs. */
  dependencies?: JsonObject
  /** Replaces the `session_state` of its runs. */
  sessionState?: JsonObject
}

/** Who may call, and what for. Without any of it, everybody may do everything. */
export interface AuthOptions {
  /** One shared bearer, for everything. Environment: `OS_SECURITY_KEY`. */
  osSecurityKey?: string
  /** Asks callers for scopes. Default: true once `scopeMappings`, `roles` or `authenticate` are given, else false. */
  authorization?: boolean
  /** PEM public keys, or secrets of HMAC with at least 32 bytes; tried in order. Environment: one more in `JWT_VERIFICATION_KEY`. */
  verificationKeys?: readonly string[]
  /** Path of a JWKS document, which is read again when it changes. Environment: `JWT_JWKS_FILE`. */
  jwksFile?: string
  /** A JWKS document: the object, or its text. Environment: `JWT_JWKS`. */
  jwks?: string | { readonly keys: readonly object[] }
  /** URL of a JWKS document, by https. Environment: `JWT_JWKS_URL`. */
  jwksUrl?: string
  /** How long the last good copy of a JWKS file or URL is used while there is no newer one. Default: 3600. */
  jwksMaxStaleSeconds?: number
  /** Lets `jwksUrl` be http on a loopback address, for development. Default: false. */
  allowInsecureJwksUrl?: boolean
  /** What signatures may be made with. HMAC and public keys don't go together. Default: `RS256`. */
  algorithm?: Algorithm | readonly Algorithm[]
  /** False reads claims without checking the signature, where a gateway in front has done so. Default: true. */
  validate?: boolean
  /** Default: whether `authorization` is on. */
  verifyAudience?: boolean
  /** One of these has to be in the token's audience. Default: the id of the AgentOS. */
  audience?: string | readonly string[]
  /** One of these has to be the token's issuer. Default: any. */
  issuer?: string | readonly string[]
  /** Refuses tokens that never expire. Default: true. */
  requireExp?: boolean
  /** Tolerance for `exp`, `nbf` and `iat`. Default: 10. */
  clockSkewSeconds?: number
  /** Default: `header`. */
  tokenSource?: TokenSource
  /** Name of the header. Default: `Authorization`. */
  tokenHeaderKey?: string
  /** Name of the cookie. Default: `access_token`. */
  cookieName?: string
  /** Origins, such as `https://app.example`, that may send a cookie beside the server's own and those that `cors` names. Default: none. */
  trustedOrigins?: readonly string[]
  /** Claim with the scopes. Default: `scopes`, else `scope`, else `scp`. */
  scopesClaim?: string
  /** Claim with the user's id. Default: `sub`. */
  userIdClaim?: string
  /** Claim that pins the session of runs. Default: `session_id`. */
  sessionIdClaim?: string
  /** Default: `aud`. */
  audienceClaim?: string
  /** Claim with the roles. Default: `roles`. */
  rolesClaim?: string
  /** Scopes by role: `{ editor: ['agents:run', 'sessions:write'] }`. */
  roles?: Readonly<Record<string, readonly string[]>>
  /** Claims that become the `dependencies` of runs, in the place of what a request says. */
  dependenciesClaims?: readonly string[]
  /** Claims that become the `session_state` of runs, in the place of what a request says. */
  sessionStateClaims?: readonly string[]
  /**
   * `METHOD /path` with the scopes that it asks for in the place of its own; `[]` for any caller. `*` as in
   * `publicPaths`; of several lines that fit, the most exact one counts.
   */
  scopeMappings?: Readonly<Record<string, readonly string[]>>
  /** Paths that need no token, beside `/health` and `/openapi.json`. `*` stands for a segment, at the end for any rest. */
  publicPaths?: readonly string[]
  /** The scope that grants everything. Default: `agent_os:admin`, which then grants nothing. */
  adminScope?: string
  /** Shows callers that are no admins nothing but their own. Default: whether `authorization` is on. */
  userIsolation?: boolean
  /**
   * For how long a good token of a service account is not looked up again. Default: 5; 0 looks up each time.
   * Environment: `SERVICE_ACCOUNT_CACHE_TTL_SECONDS`.
   */
  serviceAccountCacheTtlSeconds?: number
  /** False takes the description of the API away; `authenticated` shows it to callers only. Environment: `DOCS_ENABLED`. Default: true. */
  docsEnabled?: boolean | 'authenticated'
  /**
   * The host's own authentication: whom a request comes from, or null for a request that it does not know. That one is
   * then looked at for a token, if there are keys. A host that throws one of this library's errors refuses the request.
   */
  authenticate?: (request: Request) => HostCaller | null | undefined | Promise<HostCaller | null | undefined>
  /** The host's say about single requests; see {@link Authorize}. */
  authorize?: Authorize
}
