import { abortableStream, after } from './abortable.js'
import { endsLog } from './log/entry.js'
import type { LogEntry } from './log/entry.js'
import type { RunEvent } from './log/events.js'
import { stampEvent } from './log/stamp.js'
import { cancelEntries, cancelNested, DEFAULT_TIMEOUT_MS, timeoutFailure } from './run-ending.js'
import { failureEntry, RunFailedError, toRunFailure } from './run-failure.js'
import type { RunContext, Runnable } from './runnable.js'

/**
 * Executes one leg in memory, from the first entry to the one that ends it: folds each and tells it as an event. Whoever
 * stops reading cancels the run. Never throws.
 *
 * @param abort owns the context's signal.
 */
export async function* drive(
  runnable: Runnable,
  context: RunContext,
  abort: AbortController,
): AsyncGenerator<RunEvent, void, void> {
  const { fold, clock, runId, sessionId } = context
  const source = { runId, sessionId, kind: runnable.kind, id: runnable.id, name: runnable.name }
  const tell = (entry: LogEntry): RunEvent => {
    const index = fold.lastIndex + 1
    const at = clock.now()
    fold.apply(entry, index, at)
    return stampEvent(entry.event, entry.source ?? source, index, at)
  }
  const limit = runnable.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const callOff = after(limit, () => abort.abort(timeoutFailure(limit)))
  let hasEnded = false
  try {
    for await (const yielded of entriesOf(runnable, context)) {
      hasEnded = endsLog(yielded.at(-1)!)
      for (const event of yielded.map(tell)) yield event
      if (hasEnded) return
    }
  } finally {
    callOff()
    if (!hasEnded) {
      // The reader has left in the middle; what the run did is still to be told to whoever waits for its record.
      for (const entry of cancelEntries(fold, clock.now(), 'Nobody was reading the stream any more.')) tell(entry)
    }
    abort.abort()
  }
}

/** The entries of the leg; the last ones end it, whatever happens. */
async function* entriesOf(runnable: Runnable, context: RunContext): AsyncGenerator<readonly LogEntry[], void, void> {
  try {
    for await (const yielded of abortableStream(runnable.execute(context), context.signal)) {
      yield Array.isArray(yielded) ? (yielded as readonly LogEntry[]) : [yielded as LogEntry]
    }
    throw new TypeError(`"${runnable.id}" stopped without an event that ends the run.`)
  } catch (error) {
    yield endingEntries(error, context)
  }
}

function endingEntries(error: unknown, { fold, signal, clock, logger, runId }: RunContext): LogEntry[] {
  const { reason } = signal as { reason: unknown }
  if (signal.aborted && !(reason instanceof RunFailedError)) {
    return cancelEntries(fold, clock.now(), reasonText(reason))
  }
  // The abort is why: what the run threw is what it made of it.
  const cause = signal.aborted ? reason : error
  const failure = toRunFailure(cause)
  if (failure.errorCode === 'INTERNAL_ERROR') logger.error({ err: cause, runId }, 'A run failed')
  return [...cancelNested(fold.openInside, clock.now(), failure.message), failureEntry(failure)]
}

function reasonText(reason: unknown): string {
  if (typeof reason === 'string') return reason
  return reason instanceof Error && reason.name !== 'AbortError' ? reason.message : 'The run was cancelled.'
}
