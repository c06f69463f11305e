import type { LogEntry } from '../agents/log/entry.js'
import { RunFold } from '../agents/log/fold.js'
import { fullCaller } from '../core/caller.js'
import type { Clock } from '../core/clock.js'
import { UnavailableError } from '../core/errors.js'
import type { EventBus } from './event-bus.js'
import type { LegStart } from './local-run.js'
import type { RunRepository } from './run-repository.js'
import { toSegment } from './segment.js'
import type { PlacedEntry } from './segment.js'

export interface TurnParts {
  runs: RunRepository
  events: EventBus
  clock: Clock
  executorId: string
  /** How often a waiting run looks whether its turn has come, for a message that was lost. */
  pollMs: number
}

/** The fold of what is on disk already. */
export function foldOf(entries: readonly PlacedEntry[]): RunFold {
  const fold = new RunFold()
  for (const { entry, index, at } of entries) fold.apply(entry, index, at)
  return fold
}

/** Begins a pending run when its turn has come; undefined when it has ended, or somebody else was faster. */
export async function beginAtItsTurn(
  parts: TurnParts,
  runId: string,
  started: LogEntry,
  signal: AbortSignal,
): Promise<LegStart | undefined> {
  const { runs } = parts
  for (;;) {
    try {
      const start = await begin(parts, runId, started)
      if (start) return start
      const stored = await runs.get(fullCaller, runId)
      if (stored?.head.status !== 'pending') return undefined
    } catch (error) {
      // A storage that is away comes back, and the run still waits then.
      if (!(error instanceof UnavailableError)) throw error
    }
    if (signal.aborted) return undefined
    await message(parts, runId, signal)
    if (signal.aborted) return undefined
  }
}

/** Begins a pending run if it is its turn. */
export async function begin(
  { runs, events, clock, executorId }: TurnParts,
  runId: string,
  started: LogEntry,
): Promise<LegStart | undefined> {
  const at = clock.now()
  const committed = [{ index: 0, at, entry: started }]
  if (!(await runs.begin(runId, executorId, toSegment(committed, 1), at))) return undefined
  events.committed(runId, 0, committed)
  return { attempt: 1, fold: foldOf(committed) }
}

/** Waits until something may have changed. */
async function message({ events, pollMs }: TurnParts, runId: string, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, pollMs).unref()
    const forget = [events.onTurnCame(runId, done), events.onCommitted(runId, done)]
    signal.addEventListener('abort', done, { once: true })
    function done(): void {
      clearTimeout(timer)
      for (const one of forget) one()
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
