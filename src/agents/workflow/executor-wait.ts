import type { RunFold } from '../log/fold.js'
import type { StepRequirement } from '../log/step-record.js'
import type { RunRequirement } from '../log/tool-execution.js'
import type { Yielded } from '../runnable.js'
import { named, outermostIndex } from './place.js'
import type { Place } from './place.js'
import type { ExecutorNode } from './step-node.js'
import type { StepWait } from './step-outcome.js'
import type { StepWork } from './step-work.js'

/** What a step waits for whose executor has paused: the same as that one. */
export async function* executorWait(
  work: StepWork,
  { executor, type }: ExecutorNode,
  place: Place,
  runId: string,
  fold: RunFold,
): AsyncGenerator<Yielded, { waits: readonly StepWait[] }> {
  const at = { stepName: place.name, stepIndex: outermostIndex(place) }
  const requirements = fold.openRequirements.map((requirement) => lifted(requirement, executor, runId))
  const terms = fold.approvalTerms && { terms: fold.approvalTerms }
  const wake = fold.wakeAt === undefined ? {} : { wakeAt: fold.wakeAt }
  if (executor.kind === 'workflow') {
    const { stepRequirements = [], errorRequirements = [], pauseKind = 'step', eventName } = fold.body(work.now)
    const isOpen = ({ stepId }: { stepId: string }): boolean =>
      requirements.some(({ toolExecution }) => toolExecution.toolCallId.startsWith(`${stepId}::`))
    const waits: StepWait[] = [
      {
        kind: pauseKind,
        ...at,
        requirements,
        ...terms,
        ...wake,
        stepRequirements: stepRequirements.filter(isOpen),
        ...(eventName !== undefined && { eventName }),
      },
      ...errorRequirements
        .filter((one) => one.decision === undefined)
        .map((errorRequirement): StepWait => ({ kind: 'step', ...at, errorRequirement })),
    ]
    return { waits }
  }
  const isTold = requirements.every(({ id }) => work.fold.requirements.some((known) => known.id === id))
  const executorType = executor.kind
  const about = { executorId: executor.id, executorName: executor.name, executorRunId: runId, executorType }
  if (!isTold) {
    yield { event: { event: 'StepExecutorPaused', ...named(place), ...about, executorRequirements: requirements } }
  }
  const shown: StepRequirement = {
    stepId: place.id,
    ...at,
    stepType: type,
    requiresConfirmation: false,
    confirmed: null,
    onReject: 'cancel',
    requiresUserInput: false,
    requiresRouteSelection: false,
    allowMultipleSelections: false,
    requiresOutputReview: false,
    isPostExecution: false,
    retryCount: 0,
    onTimeout: 'cancel',
    requiresExecutorInput: true,
    executorRequirements: requirements,
    ...about,
    executorSessionId: work.run.sessionId,
  }
  return { waits: [{ kind: 'executor', ...at, requirements, stepRequirements: [shown], ...terms, ...wake }] }
}

function lifted(requirement: RunRequirement, executor: ExecutorNode['executor'], runId: string): RunRequirement {
  const { memberAgentId = executor.id, memberAgentName = executor.name, memberRunId = runId } = requirement
  return { ...requirement, memberAgentId, memberAgentName, memberRunId }
}
