import type { Decision } from '../log/decision.js'
import type { StepContinuation } from '../log/events.js'
import type { RunFold } from '../log/fold.js'

/** The step at which a workflow goes on once something was decided. */
export function continuationOf(fold: RunFold, decisions: readonly Decision[]): StepContinuation {
  const decided = new Set(decisions.map(({ toolCallId }) => toolCallId))
  const asked = fold.requirements.find(({ toolExecution }) => decided.has(toolExecution.toolCallId))
  const executorOf = (runId: string | undefined) =>
    fold.steps.requirements.findLast(
      (one) => runId !== undefined && one.executorRequirements?.some(({ memberRunId }) => memberRunId === runId),
    )
  const executor = executorOf(asked?.memberRunId)
  const stepId = asked?.toolExecution.toolArgs?.step_id
  const shown =
    executor ??
    fold.steps.requirements.findLast((one) => one.stepId === stepId) ??
    fold.steps.errors.findLast((one) => one.stepId === stepId)
  const about = {
    ...(shown && { stepId: shown.stepId }),
    stepName: shown?.stepName ?? '',
    stepIndex: shown?.stepIndex ?? 0,
  }
  const { executorId, executorName = '', executorRunId = '', executorType = 'agent' } = executor ?? {}
  if (executorId === undefined) return { event: 'StepContinued', ...about }
  return { event: 'StepExecutorContinued', ...about, executorId, executorName, executorRunId, executorType }
}
