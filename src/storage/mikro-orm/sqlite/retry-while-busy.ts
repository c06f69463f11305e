import { setTimeout } from 'node:timers/promises'

const ATTEMPTS = 12

/**
 * Repeats what fails because another process is at it (start-up: the switch to WAL does not wait by itself, and a
 * long migration holds the lock for longer than the busy timeout).
 */
export async function retryWhileBusy<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === ATTEMPTS || !isBusy(error)) throw error
      await setTimeout(20 + Math.random() * 30 * attempt)
    }
  }
}

function isBusy(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && code.startsWith('SQLITE_BUSY')
}
