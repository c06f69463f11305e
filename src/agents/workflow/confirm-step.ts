import type { Yielded } from '../runnable.js'
import { branchStep } from './deciding-steps.js'
import { named } from './place.js'
import type { Place } from './place.js'
import { skipped } from './step-entries.js'
import { answerOf } from './step-gate.js'
import type { StepNode } from './step-node.js'
import { RejectedError } from './step-outcome.js'
import type { StepOutcome } from './step-outcome.js'
import type { StepWork } from './step-work.js'

/** Asks whether the step may run. Undefined when it may. */
export async function* confirmed(
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
      const asks = { requiresConfirmation: true, ...text, requiresUserInput: false }
      yield { event: { event: 'StepPaused', ...named(place), ...asks } }
    }
    return { kind: 'waiting', waits: [answered.wait] }
  }
  const isRefused = 'timedOut' in answered ? answered.timedOut !== 'approve' : answered.decision.kind === 'reject'
  if (!isRefused) return undefined
  const policy = 'timedOut' in answered ? answered.timedOut : onReject
  if (policy === 'skip') return yield* skipped(place, input)
  if (policy === 'else' && node.type === 'Condition') return yield* branchStep(work, node, place, input, false)
  const why = 'timedOut' in answered ? 'not confirmed in time' : 'rejected'
  throw new RejectedError(`The step "${node.name}" was ${why}.`)
}
