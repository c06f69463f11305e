import type { AgentLeg } from './agent-leg.js'
import { entriesOf } from './concurrently.js'
import { isDelegating } from './delegation.js'
import type { DelegatingTool } from './delegation.js'
import { Inbox } from './inbox.js'
import type { LogEntry } from './log/entry.js'
import type { Yielded } from './runnable.js'
import { answeredCall, delegatedCall, failedCall, planCall, runCall } from './tool-call.js'
import type { AskedCall, PlannedCall } from './tool-call.js'
import { pausedEntry } from './tool-pause.js'
import type { LiftedPause } from './tool-pause.js'

/** Tools of one step that run at once. */
const MAX_CONCURRENT = 16

type Due = Exclude<PlannedCall, { todo: 'pause' | 'answer' }>
type DueCall = Extract<Due, { todo: 'run' }>
type Delivery =
  | { entries: readonly LogEntry[]; isEnd: boolean }
  /** The call is not over: a run inside of it waits for somebody. */
  | { lifted: LiftedPause }
  | { thrown: unknown }

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
  let lifted: readonly LiftedPause[] = []
  let rest = first
  if (due.length > 0) {
    if (first.length > 0) yield first
    rest = []
    lifted = yield* completions(leg, due)
  }
  if (paused.length === 0 && lifted.length === 0) {
    if (rest.length > 0) yield rest
    return false
  }
  const now = run.clock.now()
  yield [...rest, { event: { event: 'RunContentCompleted' } }, pausedEntry(paused, run.fold, now, lifted)]
  return true
}

async function* completions(leg: AgentLeg, calls: readonly Due[]): AsyncGenerator<Yielded, LiftedPause[]> {
  const inbox = new Inbox<Delivery>()
  const queue = calls.values()
  for (let worker = 0; worker < Math.min(MAX_CONCURRENT, calls.length); worker++) void work(leg, queue, inbox)
  const lifted: LiftedPause[] = []
  let open = calls.length
  try {
    while (open > 0) {
      const entries: LogEntry[] = []
      for (const delivery of await inbox.take()) {
        if ('thrown' in delivery) throw delivery.thrown
        if ('lifted' in delivery) {
          lifted.push(delivery.lifted)
          open--
          continue
        }
        entries.push(...delivery.entries)
        if (delivery.isEnd) open--
      }
      if (entries.length > 0) yield entries
    }
    return lifted
  } finally {
    inbox.close()
  }
}

/** Makes one call after the other, as long as there are any. Never rejects: all that happens goes into the inbox. */
async function work(leg: AgentLeg, queue: Iterator<Due>, inbox: Inbox<Delivery>): Promise<void> {
  for (let next = queue.next(); !next.done; next = queue.next()) {
    try {
      inbox.push(await settle(leg, next.value, inbox))
    } catch (error) {
      inbox.push({ thrown: error })
      return
    }
  }
}

async function settle(leg: AgentLeg, call: Due, inbox: Inbox<Delivery>): Promise<Delivery> {
  const { clock } = leg.run
  if (call.todo === 'run') {
    const { tool } = call
    if (isDelegating(tool)) return delegate(leg, call, tool, inbox)
    return { entries: await runCall(leg, call, (entry) => inbox.push({ entries: [entry], isEnd: false })), isEnd: true }
  }
  const now = clock.now()
  return { entries: failedCall(call.execution, call.problem, now, now), isEnd: true }
}

/** Runs what the call delegates to: each of its entries is on its way to disk before the next one is asked for. */
async function delegate(
  leg: AgentLeg,
  { execution, args }: DueCall,
  tool: DelegatingTool,
  inbox: Inbox<Delivery>,
): Promise<Delivery> {
  const { run, about } = leg
  run.checkLease?.()
  const startedAt = run.clock.now()
  const work = tool.delegate(args, { run, about, execution })
  try {
    for (;;) {
      const step = await work.next()
      if (step.done) {
        if ('waiting' in step.value) return { lifted: step.value }
        return { entries: delegatedCall(execution, step.value, startedAt, run.clock.now()), isEnd: true }
      }
      await inbox.deliver({ entries: entriesOf(step.value), isEnd: false })
    }
  } finally {
    // After a failure it closes what it has opened; nobody waits for it.
    void work.return({ result: '' }).catch(() => undefined)
  }
}
