import { setTimeout } from 'node:timers/promises'

/** Longer than any migration should take. */
const PATIENCE_MS = 60_000

/**
 * Repeats what fails because another process is at it (the switch to WAL does not wait by itself, and a migration may
 * hold the lock for longer than the busy timeout), for so long.
 */
export async function retryWhileBusy<Result>(
  work: () => Result | Promise<Result>,
  forMs: number = PATIENCE_MS,
): Promise<Result> {
  const deadline = performance.now() + forMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error
      await setTimeout(10 + Math.random() * 40)
    }
  }
}

/** Whether the driver says that another process has the lock. */
export function isBusy(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && code.startsWith('SQLITE_BUSY')
}
