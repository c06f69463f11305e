import { abortableStream, after } from './abortable.js'
import { entriesOf } from './concurrently.js'
import { endsLeg } from './log/events.js'
import type { Decision } from './log/decision.js'
import type { LogEntry, NestedStart } from './log/entry.js'
import type { RunFold } from './log/fold.js'
import type { InStep, RunSource } from './log/source.js'
import { cancelNested, DEFAULT_TIMEOUT_MS, timeoutFailure } from './run-ending.js'
import { failureEntry, RunFailedError, toRunFailure } from './run-failure.js'
import type { RunContext, Runnable, RunOptions, WakeUp, Yielded } from './runnable.js'

/** A run to be made inside of another. */
export interface NestedPlan {
  runnable: Runnable
  runId: string
  start: NestedStart
  /** What of the parent's request counts for it, too. */
  options?: RunOptions
  /** It sees the messages of the session's earlier runs, as its parent does. */
  seesHistory?: boolean
  step?: InStep
  /** Of a workflow inside of a workflow. */
  isDeeper?: boolean
  /** Where it has failed before, it goes on from there. Default: its failure stands. */
  retries?: boolean
}

/** Why what is still at work in a run stops when its leg has ended. */
const ENDED = new Error('The run has ended.')

/**
 * Runs a component inside of another run: its entries are part of that one's log, under its own id. What is in the log
 * of it already is gone on from: after a crash at its last durable point, after a pause with what was decided.
 *
 * @returns the fold of the run, which has paused or ended.
 * @throws why the parent was aborted; whoever ends the log ends this run with it.
 */
export async function* nestedRun(parent: RunContext, plan: NestedPlan): AsyncGenerator<Yielded, RunFold> {
  const { runnable, runId, start } = plan
  const { nested } = parent.fold
  const source = sourceOf(parent, plan)
  const known = nested.get(runId)
  if (!known && parent.mayRun && !(await parent.mayRun(runnable))) throw notAllowed(runnable)
  const { fold } = known ?? nested.add(source, start)
  const isRetried = plan.retries === true && fold.status === 'error'
  if (known && !isRetried && !isOpen(fold)) return fold
  if (isRetried || fold.status === 'paused') {
    const wake = isRetried ? undefined : await woken(parent, plan, fold)
    const waits = fold.openRequirements.length === 0 || stillWaits(parent, fold)
    if (!isRetried && !wake && waits) return fold
    yield { ...continued(parent, plan, fold, wake), source }
  } else if (known) {
    const { attempt } = parent
    yield { event: { event: 'RunRecovered', discardAfter: fold.beforeOpenStep, attempt, reason: 'crash' }, source }
  }

  const abort = new AbortController()
  const onAbort = (): void => abort.abort(parent.signal.reason)
  parent.signal.addEventListener('abort', onAbort, { once: true })
  const limit = runnable.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const callOff = after(limit, () => abort.abort(timeoutFailure(limit)))
  try {
    const context = contextOf(parent, plan, fold, source, abort.signal)
    for await (const yielded of abortableStream(runnable.execute(context), abort.signal)) {
      const entries = entriesOf(yielded).map((entry) => inside(entry, source, start))
      yield entries
      if (isEnd(entries.at(-1)!, runId)) return fold
    }
    throw new TypeError(`"${runnable.id}" stopped without an event that ends the run.`)
  } catch (error) {
    parent.signal.throwIfAborted()
    parent.checkLease?.()
    // The abort is why: what the run threw is what it made of it.
    const cause: unknown = abort.signal.aborted ? abort.signal.reason : error
    const failure = toRunFailure(cause)
    if (failure.errorCode === 'INTERNAL_ERROR') parent.logger.error({ err: cause, runId }, 'A run failed')
    yield [...cancelNested(fold.openInside, parent.clock.now(), failure.message), { ...failureEntry(failure), source }]
    return fold
  } finally {
    callOff()
    // What ignores the end of its run would go on beside it.
    abort.abort(ENDED)
    parent.signal.removeEventListener('abort', onAbort)
  }
}

/** Whether a run has paused, and nobody has decided since. */
function stillWaits(parent: RunContext, { status, openRequirements }: RunFold): boolean {
  if (status !== 'paused') return false
  return openRequirements.some(({ toolExecution }) => parent.fold.decision(toolExecution.toolCallId) === undefined)
}

/** With which step a workflow inside of another goes on, when nobody has decided anything for it. */
async function woken(parent: RunContext, { runnable }: NestedPlan, fold: RunFold): Promise<WakeUp | undefined> {
  return runnable.wakeUp?.(fold, parent.clock.now(), (await parent.receivedEvents?.()) ?? (() => undefined))
}

function notAllowed({ kind, id }: Runnable): RunFailedError {
  const message = `Whoever started the run may not run the ${kind} "${id}".`
  return new RunFailedError({ errorCode: 'INSUFFICIENT_SCOPE', message, retryable: false })
}

function isOpen({ status }: RunFold): boolean {
  return status === 'pending' || status === 'running' || status === 'paused'
}

function sourceOf(parent: RunContext, { runnable, runId, step, isDeeper }: NestedPlan): RunSource {
  const { kind, id, name } = runnable
  const { sessionId, runId: parentRunId, source } = parent
  const depth = (source?.nestedDepth ?? 0) + (isDeeper ? 1 : 0)
  const around = step ?? source?.step
  return {
    runId,
    sessionId,
    kind,
    id,
    name,
    parentRunId,
    ...(around && { step: around }),
    ...(depth > 0 && { nestedDepth: depth }),
  }
}

/** With what was decided about the calls that it waits for; those of runs inside of it are its own to pass on. */
function continued(parent: RunContext, { runnable }: NestedPlan, fold: RunFold, wake: WakeUp | undefined): LogEntry {
  const decisions = fold.openRequirements.flatMap(({ toolExecution }): Decision[] => {
    const decision = parent.fold.decision(toolExecution.toolCallId)
    return decision ? [decision] : []
  })
  const step = wake?.step ?? runnable.continuation?.(fold, decisions)
  return {
    event: { event: 'RunContinued', ...(step && { step }) },
    facts: { ...(decisions.length > 0 && { decisions }), ...(wake?.facts && { step: wake.facts }) },
  }
}

function contextOf(
  parent: RunContext,
  { runId, start, options, seesHistory = false }: NestedPlan,
  fold: RunFold,
  source: RunSource,
  signal: AbortSignal,
): RunContext {
  return {
    ...parent,
    runId,
    input: start.input,
    options: options ?? {},
    signal,
    history: seesHistory ? parent.history : [],
    historyRunIds: [],
    fold,
    source,
  }
}

/** An entry of a run further inside names that one already. */
function inside(entry: LogEntry, source: RunSource, nested: NestedStart): LogEntry {
  if (entry.source) return entry
  if (entry.event.event !== 'RunStarted') return { ...entry, source }
  return { ...entry, facts: { ...entry.facts, nested }, source }
}

function isEnd({ event, source }: LogEntry, runId: string): boolean {
  return source?.runId === runId && endsLeg(event)
}
