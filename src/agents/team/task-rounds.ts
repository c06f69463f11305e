import { entriesOf } from '../concurrently.js'
import type { LogEntry } from '../log/entry.js'
import type { RunContext, Yielded } from '../runnable.js'
import { stateEntry, summary } from './task-tools.js'

/**
 * Tells the rounds of a team in the mode `tasks`: each is one step of the leader with all that it has its members do.
 * A round that a crash or a pause has cut is told as the same one.
 */
export async function* taskRounds(
  entries: AsyncGenerator<Yielded, void, void>,
  { fold }: RunContext,
  maxIterations: number,
): AsyncGenerator<Yielded, void, void> {
  let isOpen = fold.tasks.isInRound
  const begin = (): LogEntry => ({
    event: { event: 'TaskIterationStarted', iteration: fold.tasks.rounds + 1, maxIterations },
  })
  const end = (): LogEntry[] => [
    stateEntry(fold.tasks),
    {
      event: {
        event: 'TaskIterationCompleted',
        iteration: fold.tasks.rounds,
        maxIterations,
        taskSummary: summary(fold.tasks),
      },
    },
  ]
  let hasAnswered = fold.tasks.hasAnswered
  for await (const yielded of entries) {
    const told: LogEntry[] = []
    for (const entry of entriesOf(yielded)) {
      const { event, source } = entry
      if (source === undefined && event.event === 'ModelRequestStarted' && (!isOpen || hasAnswered)) {
        // In the fold before the next one is told.
        if (isOpen) yield end()
        yield begin()
        isOpen = true
        hasAnswered = false
      } else if (source === undefined && event.event === 'RunContentCompleted' && isOpen && !isPause(yielded)) {
        told.push(...end())
        isOpen = false
      }
      if (source === undefined && event.event === 'ModelRequestCompleted') hasAnswered = true
      told.push(entry)
    }
    yield told
  }
}

function isPause(yielded: Yielded): boolean {
  return entriesOf(yielded).some(({ event }) => event.event === 'RunPaused')
}
