import type { Caller } from './caller.js'
import { ForbiddenError } from './errors.js'

const RESERVED = /^(?:sa:|__oauth__:)|^__scheduler__$/

/** Whether a user id stands for a machine of this server. */
export function isReservedPrincipal(userId: string): boolean {
  return RESERVED.test(userId)
}

/**
 * The user under whose id something is written: the one that was named, else the caller.
 *
 * @throws ForbiddenError `RESERVED_PRINCIPAL`, or `USER_MISMATCH` where the caller may act for itself only.
 */
export function attributedUserId(caller: Caller, named: string | undefined): string | undefined {
  checkNamed(caller, named)
  return named ?? caller.userId
}

/**
 * The user whose rows are read or changed; undefined stands for those of everybody.
 *
 * @throws ForbiddenError `RESERVED_PRINCIPAL`, or `USER_MISMATCH` where the caller sees its own rows only.
 */
export function visibleUserId(caller: Caller, named: string | undefined): string | undefined {
  checkNamed(caller, named)
  return caller.scoped ? caller.userId : named
}

/** Refuses a user id that the caller must not name. Silently taking its own id instead would hide the mistake. */
function checkNamed(caller: Caller, named: string | undefined): void {
  if (named === undefined || named === caller.userId) return
  if (isReservedPrincipal(named)) {
    throw new ForbiddenError('RESERVED_PRINCIPAL', `The user id "${named}" is reserved; name another user, or none.`)
  }
  if (caller.scoped) {
    throw new ForbiddenError(
      'USER_MISMATCH',
      `You act for yourself only, but user_id is "${named}"; leave it out, or send your own id.`,
    )
  }
}
