import type { Decision } from '../log/decision.js'
import type { Yielded } from '../runnable.js'
import { leafStep } from './leaf-step.js'
import { named } from './place.js'
import type { Place } from './place.js'
import { skipped } from './step-entries.js'
import { answerOf } from './step-gate.js'
import type { LeafNode, Review } from './step-node.js'
import { RejectedError } from './step-outcome.js'
import type { StepOutcome } from './step-outcome.js'
import type { StepWork } from './step-work.js'

/** Runs a step, and has what came of it looked at where that is asked for: once more for each time that it is refused. */
export async function* reviewed(
  work: StepWork,
  node: LeafNode,
  place: Place,
  input: unknown,
): AsyncGenerator<Yielded, StepOutcome> {
  const { review } = node
  let feedback: string | undefined
  for (let round = 0; ; round++) {
    const { drafts = 0 } = work.fold.steps.get(place.id) ?? {}
    if (drafts <= round) {
      const outcome = yield* leafStep(work, node, place, input, { number: round, feedback })
      const isOver = work.fold.steps.get(place.id)?.output !== undefined
      if (!review || isOver || outcome.kind !== 'done') return outcome
    }
    const looked = yield* lookedAt(work, node, review!, place, round, input)
    if ('outcome' in looked) return looked.outcome
    feedback = looked.feedback
  }
}

async function* lookedAt(
  work: StepWork,
  node: LeafNode,
  review: Review,
  place: Place,
  round: number,
  input: unknown,
): AsyncGenerator<Yielded, { outcome: StepOutcome } | { feedback: string | undefined }> {
  const { message, timeoutMs, onTimeout, onReject = 'cancel', maxRetries = 3 } = review
  const text = message === undefined ? {} : { outputReviewMessage: message }
  const { draft } = work.fold.steps.get(place.id) ?? {}
  const answered = answerOf(work, place, {
    gate: `review#${round}`,
    timeoutMs,
    onTimeout,
    shown: {
      stepType: node.type,
      requiresOutputReview: true,
      isPostExecution: true,
      onReject,
      ...(draft && { stepOutput: draft }),
      retryCount: round,
      maxRetries,
      ...text,
    },
  })
  if ('wait' in answered) {
    if (answered.isNew) {
      yield { event: { event: 'StepOutputReview', ...named(place), requiresOutputReview: true, ...text } }
    }
    return { outcome: { kind: 'waiting', waits: [answered.wait] } }
  }
  const decision = 'decision' in answered ? answered.decision : undefined
  const isRefused = 'timedOut' in answered ? answered.timedOut !== 'approve' : decision?.kind === 'reject'
  if (!isRefused) return { outcome: yield* accepted(work, node, place, input, decision) }
  const policy = 'timedOut' in answered ? answered.timedOut : onReject
  if (policy === 'skip') return { outcome: yield* skipped(place, input) }
  if (policy === 'retry' && round < maxRetries) {
    return { feedback: decision?.kind === 'reject' ? decision.note : undefined }
  }
  throw new RejectedError(`The output of the step "${node.name}" was rejected.`)
}

/** The output counts from here on, as it is or as somebody has changed it. */
async function* accepted(
  work: StepWork,
  node: LeafNode,
  place: Place,
  input: unknown,
  decision: Decision | undefined,
): AsyncGenerator<Yielded, StepOutcome> {
  const draft = work.fold.steps.get(place.id)!.draft!
  const edited = decision?.kind === 'confirm' ? decision.editedArgs?.output : undefined
  const output = edited === undefined ? draft : { ...draft, content: edited }
  yield {
    event: { event: 'StepOutput', ...named(place), stepOutput: output },
    facts: { step: { stepId: place.id, isOver: true } },
  }
  return { kind: 'done', value: work.value(node, place, input), output }
}
