import type { JsonValue } from '../core/json.js'
import { abortable } from './abortable.js'
import { metadataOf } from './agent-leg.js'
import type { AgentLeg } from './agent-leg.js'
import { contentEntries, restOf, spoken, toCitations } from './answer-content.js'
import { GuardrailError } from './guardrail.js'
import type { LogEntry } from './log/entry.js'
import type { RunFold } from './log/fold.js'
import { addRequest } from './log/metrics.js'
import type { ModelStep } from './model-request.js'
import { refusal } from './refusal.js'
import type { Yielded } from './runnable.js'

/** The answer that a run ends with. */
export interface Answer {
  /** The validated value of a structured answer; undefined for a text. */
  value?: JsonValue
  /** The model step that gave it, when that is not written yet. */
  step?: ModelStep
}

/**
 * Ends the run with its answer: guardrails, what of the answer was not shown yet, post-hooks, `RunCompleted`. What no
 * code of the user's comes between is written at once.
 */
export async function* finish(leg: AgentLeg, { value, step }: Answer): AsyncGenerator<Yielded, void> {
  const { plan, run, about } = leg
  let pending: LogEntry[] = []
  function* flush(): Generator<Yielded, void> {
    if (pending.length > 0) yield pending
    pending = []
  }
  const messages = step ? [...run.fold.ownMessages, step.message] : run.fold.ownMessages
  const citations = toCitations(step?.response.citations)
  const show = (): void => {
    if (value !== undefined && run.fold.structuredContent !== undefined) return
    const text = restOf(spoken(messages, 'content'), run.fold.text)
    const reasoning = restOf(spoken(messages, 'reasoningContent'), run.fold.reasoningContent)
    pending.push(
      ...contentEntries(
        value === undefined
          ? { text, reasoning, citations }
          : { value, contentType: leg.form?.contentType, reasoning, citations },
      ),
    )
  }
  if (!leg.isHeld) show()
  if (step) pending.push(step.completed)
  const content = value ?? spoken(messages, 'content')
  if (plan.outputGuardrails.length > 0) {
    yield* flush()
    for (const check of plan.outputGuardrails) {
      try {
        await abortable(check({ content: structuredClone(content), context: about }), run.signal)
      } catch (error) {
        yield* takenBack(leg)
        throw refusal(error, 'output')
      }
    }
    if (leg.isHeld) show()
  }
  pending.push({ event: { event: 'RunContentCompleted' } })
  if (plan.postHooks.length > 0) {
    yield* flush()
    yield* postHooks(leg, content)
  }
  yield [...pending, completedEntry(leg, pending, value)]
}

async function* postHooks(leg: AgentLeg, content: JsonValue): AsyncGenerator<Yielded, void> {
  const { plan, run, about } = leg
  for (const [place, hook] of plan.postHooks.entries()) {
    const postHookName = hook.name === '' ? `post_hook_${place + 1}` : hook.name
    yield { event: { event: 'PostHookStarted', postHookName } }
    try {
      await abortable(hook({ input: about.input, content: structuredClone(content), context: about }), run.signal)
    } catch (error) {
      if (error instanceof GuardrailError) yield* takenBack(leg)
      throw refusal(error, 'output')
    }
    yield { event: { event: 'PostHookCompleted', postHookName } }
  }
}

/** Withdraws all that was shown of the answer. */
function* takenBack({ run }: AgentLeg): Generator<Yielded, void> {
  run.signal.throwIfAborted()
  const since = run.fold.contentSince
  if (since === undefined) return
  yield { event: { event: 'RunRecovered', discardAfter: since - 1, attempt: 1, reason: 'guardrail' } }
}

/** The run's last event, which says what the log says once `pending` is in it. */
function completedEntry(leg: AgentLeg, pending: readonly LogEntry[], value: JsonValue | undefined): LogEntry {
  const { plan, run, form } = leg
  const { fold, state, clock } = run
  const metadata = metadataOf(plan, run)
  const sessionState = state.snapshot()
  const { text, reasoning, citations } = afterwards(fold, pending)
  const metrics = fold.metrics(clock.now())
  const nestedRuns = fold.nestedRuns(clock.now())
  for (const { event, facts } of pending) {
    const usage = facts?.messages?.[0]?.metrics
    if (event.event === 'ModelRequestCompleted' && usage) addRequest(metrics, usage, event)
  }
  return {
    event: {
      event: 'RunCompleted',
      content: value ?? text,
      contentType: form?.contentType ?? 'str',
      ...(reasoning !== '' && { reasoningContent: reasoning }),
      ...(citations && { citations }),
      ...fold.media,
      ...(Object.keys(metadata).length > 0 && { metadata }),
      metrics,
      ...(nestedRuns && { nestedRuns }),
      ...(sessionState && { sessionState }),
      status: 'completed',
    },
  }
}

function afterwards(fold: RunFold, pending: readonly LogEntry[]) {
  let { text, reasoningContent: reasoning, citations } = fold
  for (const { event } of pending) {
    if (event.event !== 'RunContent') continue
    if (typeof event.content === 'string') text += event.content
    reasoning += event.reasoningContent ?? ''
    citations = event.citations ?? citations
  }
  return { text, reasoning, citations }
}
