import type { AgentLeg } from './agent-leg.js'
import { Inbox } from './inbox.js'
import type { LogEntry } from './log/entry.js'
import type { Yielded } from './runnable.js'
import { answeredCall, failedCall, planCall, runCall } from './tool-call.js'
import type { AskedCall, PlannedCall } from './tool-call.js'
import { pausedEntry } from './tool-pause.js'

/** Tools of one step that run at once. */
const MAX_CONCURRENT = 16

type Due = Exclude<PlannedCall, { todo: 'pause' | 'answer' }>
type Delivery = { entries: readonly LogEntry[]; isEnd: boolean } | { thrown: unknown }

/**
 * Makes the calls of one model step: all of them are started before the first one completes, and each completes when
 * it does. Calls that somebody has to decide about end the leg with `RunPaused`, after the others are done.
 *
 * @param before entries that come first, written together with the starts.
 * @returns whether the leg has ended.
 */
export async function* toolStep(
  leg: AgentLeg,
  asked: readonly AskedCall[],
  before: readonly LogEntry[],
): AsyncGenerator<Yielded, boolean> {
  const { run } = leg
  const planned = await Promise.all(asked.map((call) => planCall(leg, call)))
  const due = planned.filter((call): call is Due => call.todo === 'run' || call.todo === 'refuse')
  const answered = planned.flatMap((call) => (call.todo === 'answer' ? answeredCall(call, run.clock.now()) : []))
  const starts = due
    .filter(({ isStarted }) => !isStarted)
    .map(({ execution }): LogEntry => ({ event: { event: 'ToolCallStarted', tool: execution } }))
  const first = [...before, ...starts, ...answered]
  const paused = planned.filter((call) => call.todo === 'pause')
  if (due.length > 0) {
    if (first.length > 0) yield first
    yield* completions(leg, due)
    if (paused.length === 0) return false
    yield [{ event: { event: 'RunContentCompleted' } }, pausedEntry(paused, run.fold, run.clock.now())]
    return true
  }
  if (paused.length === 0) {
    yield first
    return false
  }
  yield [...first, { event: { event: 'RunContentCompleted' } }, pausedEntry(paused, run.fold, run.clock.now())]
  return true
}

async function* completions(leg: AgentLeg, calls: readonly Due[]): AsyncGenerator<Yielded, void> {
  const inbox = new Inbox<Delivery>()
  const queue = calls.values()
  for (let worker = 0; worker < Math.min(MAX_CONCURRENT, calls.length); worker++) void work(leg, queue, inbox)
  let open = calls.length
  while (open > 0) {
    const entries: LogEntry[] = []
    for (const delivery of await inbox.take()) {
      if ('thrown' in delivery) throw delivery.thrown
      entries.push(...delivery.entries)
      if (delivery.isEnd) open--
    }
    yield entries
  }
}

/** Makes one call after the other, as long as there are any. Never rejects: all that happens goes into the inbox. */
async function work(leg: AgentLeg, queue: Iterator<Due>, inbox: Inbox<Delivery>): Promise<void> {
  for (let next = queue.next(); !next.done; next = queue.next()) {
    try {
      inbox.push({ entries: await settle(leg, next.value, inbox), isEnd: true })
    } catch (error) {
      inbox.push({ thrown: error })
      return
    }
  }
}

async function settle(leg: AgentLeg, call: Due, inbox: Inbox<Delivery>): Promise<readonly LogEntry[]> {
  const { clock } = leg.run
  if (call.todo === 'run') {
    return runCall(leg, call, (entry) => inbox.push({ entries: [entry], isEnd: false }))
  }
  const now = clock.now()
  return failedCall(call.execution, call.problem, now, now)
}
