import type { Yielded } from '../runnable.js'
import { branchStep, loopStep, mapStep, parallelStep, routerStep, sequenceStep } from './container-steps.js'
import { inputStep } from './input-step.js'
import { leafStep, outputFacts, skipped, valueOf } from './leaf-step.js'
import type { LeafNode } from './leaf-step.js'
import { named } from './place.js'
import type { Place } from './place.js'
import { answerOf } from './step-gate.js'
import type { Review, StepNode } from './step-node.js'
import { RejectedError } from './step-outcome.js'
import type { StepOutcome } from './step-outcome.js'
import type { StepWork } from './step-work.js'
import { sleepStep, waitStep } from './waiting-steps.js'

/** Runs one step of a workflow, from wherever the log says that it stands. What is over is not run again. */
export async function* executeStep(
  work: StepWork,
  node: StepNode,
  place: Place,
  input: unknown,
): AsyncGenerator<Yielded, StepOutcome> {
  const known = work.fold.steps.get(place.id)
  if (known?.output) {
    const { output } = known
    const value = valueOf(node, output)
    return output.stop ? { kind: 'stopped', value, output } : { kind: 'done', value, output }
  }
  if (node.confirm && !known?.starts && known?.found === undefined) {
    const refused = yield* confirmed(work, node, place, input)
    if (refused) return refused
  }
  switch (node.type) {
    case 'Function':
    case 'Step':
    case 'Workflow':
      return yield* reviewed(work, node, place, input)
    case 'Steps':
      return yield* sequenceStep(work, node, place, input)
    case 'Parallel':
      return yield* parallelStep(work, node, place, input)
    case 'Condition':
      return yield* branchStep(work, node, place, input)
    case 'Router':
      return yield* routerStep(work, node, place, input)
    case 'Loop':
      return yield* loopStep(work, node, place, input)
    case 'Map':
      return yield* mapStep(work, node, place, input)
    case 'Sleep':
      return yield* sleepStep(work, node, place, input)
    case 'WaitForEvent':
      return yield* waitStep(work, node, place, input)
    case 'Input':
      return yield* inputStep(work, node, place)
  }
}

/** Asks whether the step may run. Undefined when it may. */
async function* confirmed(
  work: StepWork,
  node: StepNode,
  place: Place,
  input: unknown,
): AsyncGenerator<Yielded, StepOutcome | undefined> {
  const { message, timeoutMs, onTimeout, onReject = 'cancel', approval } = node.confirm!
  const text = message === undefined ? {} : { confirmationMessage: message }
  const answered = answerOf(work, place, {
    gate: 'confirm',
    timeoutMs,
    onTimeout,
    approval,
    shown: { stepType: node.type === 'Input' ? 'Step' : node.type, requiresConfirmation: true, onReject, ...text },
  })
  if ('wait' in answered) {
    if (answered.isNew) {
      yield {
        event: {
          event: 'StepPaused',
          ...named(place),
          requiresConfirmation: true,
          ...text,
          requiresUserInput: false,
        },
      }
    }
    return { kind: 'waiting', waits: [answered.wait] }
  }
  const isRefused = 'timedOut' in answered ? answered.timedOut !== 'approve' : answered.decision.kind === 'reject'
  if (!isRefused) return undefined
  const policy = 'timedOut' in answered ? answered.timedOut : onReject
  if (policy === 'skip') return yield* skipped(place, input)
  if (policy === 'else' && node.type === 'Condition') {
    return node.otherwise ? yield* branchStep(work, node, place, input, false) : yield* skipped(place, input)
  }
  throw new RejectedError(
    `The step "${node.name}" was ${'timedOut' in answered ? 'not confirmed in time' : 'rejected'}.`,
  )
}

/** Runs a step, and has what came of it looked at where that is asked for. */
async function* reviewed(
  work: StepWork,
  node: LeafNode,
  place: Place,
  input: unknown,
): AsyncGenerator<Yielded, StepOutcome> {
  const { review } = node
  let feedback: string | undefined
  for (let round = 0; ; round++) {
    const draft = work.fold.steps.get(place.id)?.draft
    const isToLookAt = review !== undefined && draft !== undefined && !hasAnswer(work, place, round + 1)
    const outcome: StepOutcome =
      isToLookAt && draft
        ? { kind: 'done', value: valueOf(node, draft), output: draft }
        : yield* leafStep(work, node, place, input, { number: round, ...(feedback !== undefined && { feedback }) })
    if (!review || outcome.kind !== 'done') return outcome
    const looked = yield* lookedAt(work, node, review, place, outcome, round, input)
    if ('outcome' in looked) return looked.outcome
    feedback = looked.feedback
  }
}

/** Whether the review after this one was asked for: then the draft is a later one. */
function hasAnswer(work: StepWork, place: Place, round: number): boolean {
  return work.fold.requirements.some(({ toolExecution }) => toolExecution.toolCallId === `${place.id}::review#${round}`)
}

async function* lookedAt(
  work: StepWork,
  node: LeafNode,
  review: Review,
  place: Place,
  outcome: Extract<StepOutcome, { kind: 'done' }>,
  round: number,
  input: unknown,
): AsyncGenerator<Yielded, { outcome: StepOutcome } | { feedback: string | undefined }> {
  const { message, timeoutMs, onTimeout, onReject = 'cancel', maxRetries = 3 } = review
  const text = message === undefined ? {} : { outputReviewMessage: message }
  const answered = answerOf(work, place, {
    gate: `review#${round}`,
    timeoutMs,
    onTimeout,
    shown: {
      stepType: node.type,
      requiresOutputReview: true,
      isPostExecution: true,
      onReject,
      stepOutput: outcome.output,
      retryCount: round,
      maxRetries,
      ...text,
    },
  })
  if ('wait' in answered) {
    if (answered.isNew)
      yield { event: { event: 'StepOutputReview', ...named(place), requiresOutputReview: true, ...text } }
    return { outcome: { kind: 'waiting', waits: [answered.wait] } }
  }
  const { decision } = 'decision' in answered ? answered : { decision: undefined }
  const isRefused = 'timedOut' in answered ? answered.timedOut !== 'approve' : decision?.kind === 'reject'
  if (!isRefused) {
    const edited = decision?.kind === 'confirm' ? decision.editedArgs?.output : undefined
    const output = edited === undefined ? outcome.output : { ...outcome.output, content: edited }
    yield { event: { event: 'StepOutput', ...named(place), stepOutput: output }, facts: outputFacts(place, output) }
    return { outcome: { kind: 'done', value: valueOf(node, output), output } }
  }
  const policy = 'timedOut' in answered ? answered.timedOut : onReject
  if (policy === 'skip') return { outcome: yield* skipped(place, input) }
  if (policy === 'retry' && round < maxRetries) {
    return { feedback: decision?.kind === 'reject' ? decision.note : undefined }
  }
  throw new RejectedError(`The output of the step "${node.name}" was rejected.`)
}
