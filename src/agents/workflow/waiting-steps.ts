import { setTimeout as delay } from 'node:timers/promises'
import { toEpochSeconds, toIso } from '../../core/clock.js'
import type { JsonValue } from '../../core/json.js'
import type { Decision } from '../log/decision.js'
import type { LogEntry, StepFacts } from '../log/entry.js'
import type { StepContinuation } from '../log/events.js'
import type { RunFold } from '../log/fold.js'
import { GATE, isOpen } from '../log/step-log.js'
import type { StepRequirement } from '../log/step-record.js'
import { RunFailedError } from '../run-failure.js'
import type { TakeEvent, TakenEvent, WakeUp, Yielded } from '../runnable.js'
import { named, outermostIndex } from './place.js'
import type { Place } from './place.js'
import { passedOver } from './step-entries.js'
import type { NodeOf } from './step-node.js'
import { toJson } from './step-outcome.js'
import type { StepOutcome, StepWait } from './step-outcome.js'
import type { StepWork } from './step-work.js'

/** So short a time is waited here: to pause and to go on takes longer. */
const WAITED_HERE_MS = 1000

/** What a waiting step goes by; where it stands is told again when it goes on. */
interface Waiting {
  place: Place
  /** Milliseconds. */
  until?: number
  event?: string
  onTimeout?: 'fail' | 'skip'
  /** What the step was given, and gives. */
  content?: JsonValue
}

type WokenEntry = LogEntry & { event: StepContinuation; facts: { step: StepFacts } }

export async function* sleepStep(
  work: StepWork,
  node: NodeOf<'Sleep'>,
  place: Place,
  input: unknown,
): AsyncGenerator<Yielded, StepOutcome> {
  let waiting = work.fold.steps.get(place.id)?.found as Waiting | undefined
  if (!waiting) {
    const ms = yield* work.called(node.name, place, (context) => node.until(input, context))
    const content = toJson(input)
    waiting = { place, until: work.now + checkedTime(node.name, ms), ...(content !== undefined && { content }) }
    yield {
      event: { event: 'SleepStarted', ...named(place), resumeAt: toEpochSeconds(waiting.until!) },
      facts: { step: { stepId: place.id, found: waiting } },
    }
  }
  const until = waiting.until!
  if (until - work.now > WAITED_HERE_MS) {
    return { kind: 'waiting', waits: [{ ...waitOf('timer', place), wakeAt: until }] }
  }
  const { signal } = work.run
  await delay(Math.max(0, until - work.now), undefined, { signal }).catch(() => signal.throwIfAborted())
  yield slept(waiting)
  return { kind: 'done', value: input, output: work.fold.steps.get(place.id)!.output! }
}

/** @throws RunFailedError for what is no time to wait for. */
function checkedTime(name: string, ms: unknown): number {
  if (typeof ms === 'number' && Number.isFinite(ms)) return Math.max(0, ms)
  const message = `The step "${name}" sleeps for a number of milliseconds, and was given ${String(ms)}.`
  throw new RunFailedError({ errorCode: 'STEP_FAILED', message, retryable: false })
}

export async function* waitStep(
  work: StepWork,
  node: NodeOf<'WaitForEvent'>,
  place: Place,
  input: unknown,
): AsyncGenerator<Yielded, StepOutcome> {
  let waiting = work.fold.steps.get(place.id)?.found as Waiting | undefined
  if (!waiting) {
    const until = node.timeoutMs === undefined ? undefined : work.now + node.timeoutMs
    waiting = { place, event: node.event, onTimeout: node.onTimeout, ...(until !== undefined && { until }) }
    yield {
      event: {
        event: 'WaitForEventStarted',
        ...named(place),
        eventName: node.event,
        ...(until !== undefined && { timeoutAt: toEpochSeconds(until) }),
      },
      facts: { step: { stepId: place.id, found: waiting } },
    }
  }
  const take = await work.run.receivedEvents?.()
  const received = take?.(node.event)
  const { until } = waiting
  const isLate = until !== undefined && until <= work.now
  if (!received && !isLate) {
    const wait = { ...waitOf('event', place), eventName: node.event, ...(until !== undefined && { wakeAt: until }) }
    return { kind: 'waiting', waits: [wait] }
  }
  if (!received && node.onTimeout !== 'skip') {
    const message = `No event "${node.event}" has come in time.`
    throw new RunFailedError({ errorCode: 'STEP_FAILED', message, retryable: true })
  }
  yield arrived(waiting, received)
  return {
    kind: 'done',
    value: received ? work.value(node, place, input) : null,
    output: work.fold.steps.get(place.id)!.output!,
  }
}

function waitOf(kind: StepWait['kind'], place: Place): StepWait {
  return { kind, stepName: place.name, stepIndex: outermostIndex(place) }
}

function slept({ place, until = 0, content }: Waiting): WokenEntry {
  const output = { ...passedOver(place, content), stepType: 'Sleep' as const }
  return {
    event: { event: 'SleepCompleted', ...named(place), resumeAt: toEpochSeconds(until) },
    facts: { step: { stepId: place.id, output } },
  }
}

/** @param received undefined when none has come in time. */
function arrived({ place, until, event = '' }: Waiting, received: TakenEvent | undefined): WokenEntry {
  const output = { ...passedOver(place, received?.payload ?? null), stepType: 'WaitForEvent' as const }
  const { takenUpTo = 0 } = received ?? {}
  return {
    event: {
      event: 'WaitForEventCompleted',
      ...named(place),
      eventName: event,
      ...(until !== undefined && { timeoutAt: toEpochSeconds(until) }),
      ...(received?.payload !== undefined && { payload: received.payload }),
    },
    facts: {
      step: {
        stepId: place.id,
        output,
        ...(received ? { takenEvent: received.seq } : { isMissing: true }),
        ...(takenUpTo > 0 && { eventsTakenUpTo: takenUpTo }),
      },
    },
  }
}

/**
 * Whether a workflow that waits can go on by itself now, and with which of its steps: one whose time or whose event has
 * come, or one that nobody has answered for in time. Undefined while it has to wait on.
 */
export function wakeUp(fold: RunFold, now: number, take: TakeEvent): WakeUp | undefined {
  for (const { found } of fold.steps.open) {
    const waiting = found as Waiting | undefined
    if (waiting?.place === undefined) continue
    const { place, until, event, onTimeout } = waiting
    const received = event === undefined ? undefined : take(event)
    const isDue = until !== undefined && until <= now
    if (!received && !isDue) continue
    if (!received && event !== undefined && onTimeout !== 'skip') {
      return { step: { event: 'StepContinued', ...named(place) } }
    }
    const { event: step, facts } = event === undefined ? slept(waiting) : arrived(waiting, received)
    return { step, facts: facts.step }
  }
  return overdue(fold, now)
}

/** What nobody has answered in time is decided as the step says. */
function overdue({ steps, openRequirements }: RunFold, now: number): WakeUp | undefined {
  const late = steps.requirements.filter(
    (one) => one.timeoutAt !== undefined && Date.parse(one.timeoutAt) <= now && isOpen(one),
  )
  const [first] = late
  if (!first) return undefined
  const decisions = late.flatMap((requirement) => decisionsOn(requirement, openRequirements))
  const { stepId, stepName = stepId, stepIndex = 0 } = first
  return { step: { event: 'StepContinued', stepId, stepName, stepIndex }, decisions }
}

function decisionsOn({ stepId, onTimeout }: StepRequirement, open: RunFold['openRequirements']): Decision[] {
  const asked = open.filter(({ toolExecution }) => toolExecution.toolCallId.startsWith(`${stepId}${GATE}`))
  const kind = onTimeout === 'approve' ? 'confirm' : 'reject'
  return asked.map(({ toolExecution: { toolCallId } }) => ({ toolCallId, kind, isTimeout: true }))
}

/** ISO 8601, as a paused workflow tells it. */
export function resumeAtOf(waits: readonly StepWait[]): string | undefined {
  const times = waits.flatMap(({ kind, wakeAt }) => (kind === 'timer' && wakeAt !== undefined ? [wakeAt] : []))
  return times.length > 0 ? toIso(Math.min(...times)) : undefined
}
