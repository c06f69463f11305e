import { setTimeout } from 'node:timers/promises'

/** How long something waits before it is tried again, each time. */
const WAITS_MS = [50, 250]

/**
 * The server, or the way to it, is away: it has restarted, has become a replica, takes no more connections, or has cut
 * this one.
 */
const AWAY =
  /^(08...|57P0[1235]|25P03|25006|53300|ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/
const AWAY_TEXT =
  /connection (terminated|error|ended)|timeout exceeded|read timeout|client was closed|socket|pool after/i
/** Others were at the same rows: serialization, deadlock, a lock that was not to be had in time. */
const CROSSED = /^(40001|40P01|55P03)$/
const SQL_STATE = /^(?=.*\d)[0-9A-Z]{5}$/

export function isAway(error: unknown): boolean {
  const code = codeOf(error)
  return code === undefined ? error instanceof Error && AWAY_TEXT.test(error.message) : AWAY.test(code)
}

export function isCrossed(error: unknown): boolean {
  return CROSSED.test(codeOf(error) ?? '')
}

/** Whether a lock was not to be had in time. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === '55P03'
}

/** Whether PostgreSQL or its driver says it, and not a program that is wrong. */
export function isPostgresFault(error: unknown): boolean {
  return isAway(error) || SQL_STATE.test(codeOf(error) ?? '')
}

/** Does again what nobody has done yet, or what may be done twice. */
export async function retried<Result>(work: () => Promise<Result>, isWorthIt = isAway): Promise<Result> {
  for (const wait of WAITS_MS) {
    try {
      return await work()
    } catch (error) {
      if (!isWorthIt(error)) throw error
      await setTimeout(wait)
    }
  }
  return work()
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}
