import type { RunFold } from '../agents/log/fold.js'
import type { ReceivedEvent, TakeEvent } from '../agents/runnable.js'

/**
 * Gives each event to one step, in the order in which they came.
 *
 * @param claimed ids of those that were given to a step whose entry is not in the fold yet; they are added here.
 */
export function taking(events: readonly ReceivedEvent[], { nested }: RunFold, claimed = new Set<string>()): TakeEvent {
  return (name) => {
    const first = events.find((one) => one.name === name && !nested.takenEvents.has(one.id) && !claimed.has(one.id))
    if (first) claimed.add(first.id)
    return first
  }
}
