import { z } from 'zod'
import { ConfigurationError } from '../core/errors.js'
import { ALGORITHMS } from './algorithms.js'
import type { AuthOptions } from './auth-options.js'

const text = z.string().min(1)
const texts = z.array(text)
const oneOrMore = z.union([text, texts.min(1)])
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, 'is no name of a header or cookie')
const callback = z.custom<(...parameters: never[]) => unknown>((value) => typeof value === 'function', 'is no function')
const scopes = z.array(z.string().regex(/^[^\s"]+$/, 'is no scope'))
const scopeTable = z.record(z.string(), scopes)

const algorithm = z.enum(ALGORITHMS)

const schema = z.strictObject({
  osSecurityKey: text,
  authorization: z.boolean(),
  verificationKeys: texts,
  jwksFile: text,
  jwks: z.union([text, z.looseObject({ keys: z.array(z.looseObject({})) })]),
  jwksUrl: text,
  jwksMaxStaleSeconds: z.number().min(0),
  allowInsecureJwksUrl: z.boolean(),
  algorithm: z.union([algorithm, z.array(algorithm).min(1)]),
  validate: z.boolean(),
  verifyAudience: z.boolean(),
  audience: oneOrMore,
  issuer: oneOrMore,
  requireExp: z.boolean(),
  clockSkewSeconds: z.number().min(0).max(600),
  tokenSource: z.enum(['header', 'cookie', 'both']),
  tokenHeaderKey: headerName,
  cookieName: headerName,
  trustedOrigins: z.array(z.string().refine((one) => URL.canParse(one) && new URL(one).origin === one, 'is no origin')),
  scopesClaim: text,
  userIdClaim: text,
  sessionIdClaim: text,
  audienceClaim: text,
  rolesClaim: text,
  roles: scopeTable,
  dependenciesClaims: texts,
  sessionStateClaims: texts,
  scopeMappings: scopeTable,
  publicPaths: z.array(z.string().startsWith('/')),
  adminScope: z.string().regex(/^[^\s"]+$/, 'is no scope'),
  userIsolation: z.boolean(),
  serviceAccountCacheTtlSeconds: z.number().min(0).max(3600),
  docsEnabled: z.union([z.boolean(), z.literal('authenticated')]),
  authenticate: callback,
  authorize: callback,
}) satisfies z.ZodType<unknown, Record<keyof AuthOptions, unknown>>

/** Without these the server would be open where the host meant to shut it. */
const CREDENTIALS = ['osSecurityKey', 'verificationKeys', 'jwksFile', 'jwks', 'jwksUrl', 'authenticate'] as const

/** @throws ConfigurationError for what a compiler would refuse, and for a credential that is given and undefined. */
export function checkAuthOptions(options: AuthOptions): void {
  for (const name of CREDENTIALS) {
    if (Object.hasOwn(options, name) && options[name] === undefined) {
      throw new ConfigurationError(`auth.${name} is given but undefined. Give a value, or leave it out.`)
    }
  }
  const parsed = schema.partial().safeParse(options)
  if (parsed.success) return
  const said = parsed.error.issues.map(({ path, message }) => `${['auth', ...path].map(String).join('.')}: ${message}`)
  throw new ConfigurationError(`The option auth is not valid. ${said.join('; ')}.`, { cause: parsed.error })
}
