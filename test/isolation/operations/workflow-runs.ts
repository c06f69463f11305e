import { onRun, moves, waits } from './runs.js'
import type { Generator } from '../call.js'

/** Decides about the steps that an admin has seen the run wait at: whoever guesses their ids must get nowhere by them. */
const continueWorkflow: Generator = onRun(
  'workflow',
  (making, run) => {
    const { choose, ledger, actor } = making
    const canary = ledger.canary(run?.owner ?? actor.principal.number)
    const isYes = choose.of(true, false)
    const waitsAt = run?.waits ?? [{ stepId: 'way/confirm', isError: false, asks: 'confirmation', requirementIds: [] }]
    const decision = { confirmed: isYes, ...(!isYes && { rejection_feedback: canary }) }
    const steps = waitsAt.filter(({ isError }) => !isError)
    const errors = waitsAt.filter(({ isError }) => isError)
    const body = {
      step_requirements: steps.map(({ stepId: step_id, asks, requirementIds }) => ({
        step_id,
        ...(asks === 'confirmation' && decision),
        ...(asks === 'input' && { user_input: { answer: canary } }),
        ...(asks === 'executor' && {
          executor_requirements: requirementIds.map((id) => ({ id, confirmation: isYes, confirmation_note: canary })),
        }),
      })),
      ...(errors.length > 0 && {
        error_requirements: errors.map(({ stepId }) => ({ step_id: stepId, decision: isYes ? 'retry' : 'skip' })),
      }),
      ...choose.maybe(() => ({ metadata: { secret: canary } })),
      ...choose.of({}, { stream: true }, { background: true }),
    }
    return { body, learn: moves(making, run) }
  },
  waits,
)

const sendEvent: Generator = onRun(
  'workflow',
  (making, run) => {
    const { choose, ledger, actor, world } = making
    const canary = ledger.canary(run?.owner ?? actor.principal.number)
    const name = choose.of('go', 'other')
    return {
      body: { name, payload: { note: canary }, ...choose.maybe(() => ({ id: `event-${canary}` })) },
      learn: () => {
        if (!run) return
        if (name === 'go') run.events = (run.events ?? 0) + 1
        world.unsettled.add(run.id)
      },
    }
  },
  waits,
)

/** What only runs of workflows are asked. */
export const workflowOperations: Record<string, Generator> = {
  continue_workflow_run: continueWorkflow,
  send_workflow_event: sendEvent,
}
