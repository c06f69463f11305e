import { z } from 'zod'
import type { Caller } from '../core/caller.js'
import type { JsonObject, JsonValue } from '../core/json.js'
import { isReservedPrincipal } from '../core/principal.js'
import { CallerChosenId } from '../core/schema.js'
import { subjectInvalid, subjectRequired } from './auth-errors.js'
import type { HostCaller } from './auth-options.js'

/** What makes a caller of a user. */
export interface UserRules {
  adminScope: string
  /** Callers see and touch nothing but their own. */
  userIsolation: boolean
  roles: ReadonlyMap<string, readonly string[]>
}

const UserId = CallerChosenId(255)

/**
 * A user as a caller.
 *
 * @throws UnauthorizedError `TOKEN_SUBJECT_INVALID`, `TOKEN_SUBJECT_REQUIRED`
 */
export function userCaller(user: Omit<HostCaller, 'userId'> & { userId?: unknown }, rules: UserRules): Caller {
  const { roles = [], sessionId, claims, dependencies, sessionState } = user
  const scopes = [...new Set([...(user.scopes ?? []), ...roles.flatMap((role) => rules.roles.get(role) ?? [])])]
  const admin = user.admin === true || scopes.includes(rules.adminScope)
  const scoped = rules.userIsolation && !admin
  // Without an id an isolated caller would own every row that belongs to nobody.
  const isNamed = user.userId !== undefined && user.userId !== null && user.userId !== ''
  if (scoped && !isNamed) throw subjectRequired()
  const userId = isNamed ? checkedUserId(user.userId) : undefined
  return Object.freeze({
    kind: 'user',
    ...(userId !== undefined && { userId }),
    ...(sessionId !== undefined && { sessionId }),
    scopes: Object.freeze(scopes),
    admin,
    scoped,
    ...(claims && { claims: frozen(claims) }),
    ...(dependencies && { dependencies: frozen(dependencies) }),
    ...(sessionState && { sessionState: frozen(sessionState) }),
  })
}

const Json = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null).transform(copied)
const Host = z.object({
  userId: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  roles: z.array(z.string()).optional(),
  admin: z.boolean().optional(),
  sessionId: CallerChosenId(255).optional(),
  claims: Json.optional(),
  dependencies: Json.optional(),
  sessionState: Json.optional(),
})

/**
 * What the host says of a caller, as JSON of its own: the host's objects stay as they are.
 *
 * @throws TypeError when it is something else, which is the host's fault and nobody's who calls.
 */
export function checkedHostCaller(given: HostCaller): HostCaller {
  const parsed = Host.safeParse(given)
  if (parsed.success) return parsed.data
  throw new TypeError(`auth.authenticate returned something that is no caller. ${z.prettifyError(parsed.error)}`)
}

function copied(value: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject
}

function checkedUserId(given: unknown): string {
  const parsed = UserId.safeParse(given)
  if (!parsed.success || isReservedPrincipal(parsed.data)) throw subjectInvalid()
  return parsed.data
}

/** One caller serves many requests: what one of them is shown, no other may have changed. */
function frozen<Value extends JsonObject | JsonValue>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value) as JsonValue[]) frozen(part)
  return Object.freeze(value)
}
