import { Inbox } from './inbox.js'
import type { LogEntry } from './log/entry.js'
import type { Yielded } from './runnable.js'

type Delivery<Result> = { entries: readonly LogEntry[] } | { at: number; result: Result } | { thrown: unknown }

/**
 * Runs several generators of entries at once, and tells their entries as they come: each is asked for its next one
 * when the one before is safe. The first failure ends all of them.
 *
 * @param limit how many run at the same time. Default: all.
 * @returns what each has returned, in the order of the generators.
 */
export async function* concurrently<Result>(
  works: readonly (() => AsyncGenerator<Yielded, Result>)[],
  limit = works.length,
): AsyncGenerator<Yielded, Result[]> {
  const inbox = new Inbox<Delivery<Result>>()
  const results = Array.from<Result>({ length: works.length })
  const queue = works.entries()
  for (let worker = 0; worker < Math.min(limit, works.length); worker++) void drain(queue, inbox)
  let open = works.length
  try {
    while (open > 0) {
      const entries: LogEntry[] = []
      for (const delivery of await inbox.take()) {
        if ('thrown' in delivery) throw delivery.thrown
        if ('entries' in delivery) entries.push(...delivery.entries)
        else {
          results[delivery.at] = delivery.result
          open--
        }
      }
      if (entries.length > 0) yield entries
    }
    return results
  } finally {
    inbox.close()
  }
}

/** Never rejects: all that happens goes into the inbox. */
async function drain<Result>(
  queue: Iterator<[number, () => AsyncGenerator<Yielded, Result>]>,
  inbox: Inbox<Delivery<Result>>,
): Promise<void> {
  for (let next = queue.next(); !next.done; next = queue.next()) {
    const [at, begin] = next.value
    try {
      inbox.push({ at, result: await relayed(begin(), inbox) })
    } catch (error) {
      inbox.push({ thrown: error })
      return
    }
  }
}

async function relayed<Result>(work: AsyncGenerator<Yielded, Result>, inbox: Inbox<Delivery<Result>>): Promise<Result> {
  let hasReturned = false
  try {
    for (;;) {
      const step = await work.next()
      if (step.done) {
        hasReturned = true
        return step.value
      }
      await inbox.deliver({ entries: entriesOf(step.value) })
    }
  } finally {
    // Whoever listened has left: what the work has opened is closed, and nobody waits for that.
    if (!hasReturned) void work.return(undefined as never).catch(() => undefined)
  }
}

/** What was yielded, as a list. */
export function entriesOf(yielded: Yielded): readonly LogEntry[] {
  return Array.isArray(yielded) ? (yielded as readonly LogEntry[]) : [yielded as LogEntry]
}
