import { fullCaller } from '../../src/core/caller.js'
import { systemClock } from '../../src/core/clock.js'
import { silentLogger } from '../../src/core/logger.js'
import type { LogEntry } from '../../src/agents/log/entry.js'
import { RunFold } from '../../src/agents/log/fold.js'
import type { RunContext, Runnable } from '../../src/agents/runnable.js'
import { SessionState } from '../../src/agents/session-state.js'
import type { AgentRunOptions, AgentStream } from '../../src/agents/memory-run.js'
import type { RunEvent } from '../../src/agents/log/events.js'
import type { RetryPolicy } from '../../src/models/retry.js'

/** For runs that are meant to fail: their warnings are no news. */
export const quiet: AgentRunOptions = { logger: silentLogger }

/** Retries at once. */
export const eager: RetryPolicy = { attempts: 3, baseMs: 0, maxMs: 1_000 }

export async function eventsOf(stream: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const events: RunEvent[] = []
  for await (const event of stream) events.push(event)
  return events
}

/** Names of the events; several RunContent in a row count as one. */
export function namesOf(events: readonly RunEvent[]): string[] {
  const names: string[] = []
  for (const { event } of events) {
    if (event !== 'RunContent' || names.at(-1) !== 'RunContent') names.push(event)
  }
  return names
}

export function only<Name extends RunEvent['event']>(
  events: readonly RunEvent[],
  name: Name,
): Extract<RunEvent, { event: Name }>[] {
  return events.filter((event): event is Extract<RunEvent, { event: Name }> => event.event === name)
}

/** What a reader has on the screen at the end: all text that was not withdrawn. */
export function shownText(events: readonly RunEvent[]): string {
  let shown: { index: number; text: string }[] = []
  for (const event of events) {
    if (event.event === 'RunContent' && typeof event.content === 'string') {
      shown.push({ index: event.eventIndex, text: event.content })
    }
    if (event.event === 'RunRecovered') shown = shown.filter(({ index }) => index <= event.discardAfter)
  }
  return shown.map(({ text }) => text).join('')
}

/** Events and record of a streamed run. */
export async function follow<Content>(stream: AgentStream<Content>) {
  const events = await eventsOf(stream)
  return { events, names: namesOf(events), run: await stream.result }
}

/** A promise that is settled from outside. */
export function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

/** A run of the agent whose log says this already. */
export function contextOf(entries: readonly LogEntry[], more: Partial<RunContext> = {}): RunContext {
  const fold = new RunFold()
  for (const [index, entry] of entries.entries()) fold.apply(entry, index, 1_000)
  return {
    runId: 'run-1',
    sessionId: 'session-1',
    caller: fullCaller,
    input: { inputContent: 'Go.' },
    options: {},
    isStreaming: true,
    signal: new AbortController().signal,
    state: new SessionState({}, { current_session_id: 'session-1', current_run_id: 'run-1' }),
    history: [],
    historyRunIds: [],
    fold,
    clock: systemClock,
    logger: silentLogger,
    attempt: 1,
    ...more,
  }
}

/** Executes the leg and keeps what is written at once together. */
export async function batchesOf(agent: Runnable, context: RunContext): Promise<LogEntry[][]> {
  const batches: LogEntry[][] = []
  for await (const yielded of agent.execute(context)) {
    const batch = Array.isArray(yielded) ? (yielded as LogEntry[]) : [yielded as LogEntry]
    for (const entry of batch) context.fold.apply(entry, context.fold.lastIndex + 1, 1_000)
    batches.push(batch)
  }
  return batches
}
