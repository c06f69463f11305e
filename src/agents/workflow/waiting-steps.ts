import { setTimeout as delay } from 'node:timers/promises'
import { toEpochSeconds, toIso } from '../../core/clock.js'
import type { JsonValue } from '../../core/json.js'
import type { LogEntry, StepFacts } from '../log/entry.js'
import type { StepContinuation } from '../log/events.js'
import type { RunFold } from '../log/fold.js'
import type { StepOutput } from '../log/step-record.js'
import { RunFailedError } from '../run-failure.js'
import type { ReceivedEvent, WakeUp, Yielded } from '../runnable.js'
import { called } from './container-steps.js'
import { outputFacts, skipped, stepFailure } from './leaf-step.js'
import { named, outermostIndex } from './place.js'
import type { Place } from './place.js'
import { passedOver } from './step-gate.js'
import type { StepNode } from './step-node.js'
import { toJson } from './step-outcome.js'
import type { StepOutcome, StepWait } from './step-outcome.js'
import type { StepWork } from './step-work.js'

type SleepNode = Extract<StepNode, { type: 'Sleep' }>
type WaitNode = Extract<StepNode, { type: 'WaitForEvent' }>

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

export async function* sleepStep(
  work: StepWork,
  node: SleepNode,
  place: Place,
  input: unknown,
): AsyncGenerator<Yielded, StepOutcome> {
  const known = work.fold.steps.get(place.id)?.found as Waiting | undefined
  let until = known?.until
  if (until === undefined) {
    const ms = Number(await called(work, node.name, () => node.until(input, work.context(place))))
    until = work.now + (Number.isFinite(ms) ? Math.max(0, ms) : 0)
    const content = toJson(input)
    const found: Waiting = { place, until, ...(content !== undefined && { content }) }
    yield {
      event: { event: 'SleepStarted', ...named(place), resumeAt: toEpochSeconds(until) },
      facts: { step: { stepId: place.id, found } },
    }
  }
  if (until - work.now > WAITED_HERE_MS) {
    return { kind: 'waiting', waits: [{ ...waitOf('timer', place), wakeAt: until }] }
  }
  const { signal } = work.run
  await delay(Math.max(0, until - work.now), undefined, { signal }).catch(() => signal.throwIfAborted())
  const output = passedOver(place, toJson(input))
  yield slept(place, until, { ...output, stepType: 'Sleep' })
  return { kind: 'done', value: input, output }
}

export async function* waitStep(
  work: StepWork,
  node: WaitNode,
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
  const received = nextEvent(work.fold, node.event, await work.run.receivedEvents?.())
  if (received) {
    const entry = arrived(waiting, received)
    yield entry
    return given(work, node, entry.facts!.step!.output!)
  }
  const { until } = waiting
  if (until !== undefined && until <= work.now) {
    if (node.onTimeout === 'skip') return yield* skipped(place, null)
    const message = `No event "${node.event}" has come in time.`
    throw new RunFailedError({ errorCode: 'STEP_FAILED', message, retryable: true })
  }
  const wait = { ...waitOf('event', place), eventName: node.event, ...(until !== undefined && { wakeAt: until }) }
  void input
  return { kind: 'waiting', waits: [wait] }
}

/** What a payload is for the next step. @throws RunFailedError when it does not fit. */
function given(work: StepWork, node: WaitNode, output: StepOutput): StepOutcome {
  try {
    const value: unknown = node.payload ? node.payload.parse(output.content) : output.content
    return { kind: 'done', value, output }
  } catch (error) {
    throw new RunFailedError(stepFailure(work, node.name, error), { cause: error })
  }
}

/** The first event of a name that no step has taken. */
function nextEvent(fold: RunFold, name: string, received: readonly ReceivedEvent[] = []): ReceivedEvent | undefined {
  return received.find((event) => event.name === name && !fold.steps.hasTaken(event.id))
}

function waitOf(kind: StepWait['kind'], place: Place): StepWait {
  return { kind, stepName: place.name, stepIndex: outermostIndex(place) }
}

function slept(place: Place, until: number, output: StepOutput): LogEntry {
  return {
    event: { event: 'SleepCompleted', ...named(place), resumeAt: toEpochSeconds(until) },
    facts: outputFacts(place, output),
  }
}

function arrived(
  { place, until, event = '' }: Waiting,
  { id, payload }: ReceivedEvent,
): LogEntry & { event: StepContinuation } {
  const output: StepOutput = { ...passedOver(place, payload ?? null), stepType: 'WaitForEvent' }
  const facts = outputFacts(place, output)!
  return {
    event: {
      event: 'WaitForEventCompleted',
      ...named(place),
      eventName: event,
      ...(until !== undefined && { timeoutAt: toEpochSeconds(until) }),
      ...(payload !== undefined && { payload }),
    },
    facts: { ...facts, step: { ...facts.step!, takenEvent: id } },
  }
}

/**
 * Whether a workflow that waits for a time or an event can go on now, and with which of its steps. Undefined while it
 * has to wait on.
 */
export function wakeUp(fold: RunFold, now: number, received: readonly ReceivedEvent[]): WakeUp | undefined {
  for (const { found } of fold.steps.open) {
    const waiting = found as Waiting | undefined
    if (waiting?.place === undefined) continue
    const { place, until, event, content } = waiting
    const next = event === undefined ? undefined : nextEvent(fold, event, received)
    if (next) {
      const entry = arrived(waiting, next)
      return { step: entry.event, facts: entry.facts!.step as StepFacts }
    }
    if (until === undefined || until > now) continue
    if (event !== undefined) return { step: { event: 'StepContinued', ...named(place) } }
    const entry = slept(place, until, { ...passedOver(place, content), stepType: 'Sleep' })
    return { step: entry.event as StepContinuation, facts: entry.facts!.step as StepFacts }
  }
  const overdue = fold.steps.requirements.find(
    ({ timeoutAt, confirmed, userInput, selectedChoices }) =>
      timeoutAt !== undefined && !confirmed && !userInput && !selectedChoices && Date.parse(timeoutAt) <= now,
  )
  if (!overdue) return undefined
  const { stepId, stepName = stepId, stepIndex = 0 } = overdue
  return { step: { event: 'StepContinued', stepId, stepName, stepIndex } }
}

/** ISO 8601, as a paused workflow tells it. */
export function resumeAtOf(waits: readonly StepWait[]): string | undefined {
  const times = waits.flatMap(({ kind, wakeAt }) => (kind === 'timer' && wakeAt !== undefined ? [wakeAt] : []))
  return times.length > 0 ? toIso(Math.min(...times)) : undefined
}
