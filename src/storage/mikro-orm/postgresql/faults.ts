import { setTimeout } from 'node:timers/promises'

/** How often something is tried, and how long it waits before it is tried again. */
const WAITS_MS = [0, 50, 250]

/** The server, or the way to it, is away: it has restarted, fails over, takes no more connections, or cut this one. */
const AWAY =
  /^(08...|57P0[1235]|25P03|53300|ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/
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

/** Whether PostgreSQL or its driver says it, and not a program that is wrong. */
export function isPostgresFault(error: unknown): boolean {
  return isAway(error) || SQL_STATE.test(codeOf(error) ?? '')
}

/** Does again what nobody has done yet, or what may be done twice. */
export async function retried<Result>(work: () => Promise<Result>, isWorthIt = isAway): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === WAITS_MS.length || !isWorthIt(error)) throw error
      await setTimeout(WAITS_MS[attempt])
    }
  }
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}
