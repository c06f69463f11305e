import { toEpochSeconds } from '../../core/clock.js'
import type { RunEvent, RunEventBody } from './events.js'
import type { RunSource } from './source.js'

/**
 * The event as the contract shows it: what the run told, with whose it is, when it was, and its place in the log.
 * A stamp wins over a field of the same name, so that no custom event can pass for another run's.
 *
 * @param atMs when the event was logged, in milliseconds since 1970.
 */
export function stampEvent(body: RunEventBody, source: RunSource, index: number, atMs: number): RunEvent {
  const { runId, sessionId, kind, parentRunId, nestedDepth = 0 } = source
  const shown = kind === 'agent' ? body : kind === 'team' ? ofTeam(body) : ofWorkflow(body)
  const stamped = {
    // The outermost steps of a workflow inside of another are inside of the step that runs it.
    ...(kind === 'workflow' && source.step && { parentStepId: source.step.stepId }),
    ...shown,
    createdAt: toEpochSeconds(atMs),
    ...owner(source),
    runId,
    sessionId,
    ...(parentRunId !== undefined && { parentRunId }),
    nestedDepth,
    eventIndex: index,
  }
  return stamped as RunEvent
}

function owner({ kind, id, name, step }: RunSource): object {
  switch (kind) {
    case 'agent':
      return { agentId: id, agentName: name, ...step }
    case 'team':
      return { teamId: id, teamName: name, ...step }
    case 'workflow':
      return { workflowId: id, workflowName: name }
  }
}

/** Events of a team have its name before theirs, so that a reader can tell its leader from its members. */
function ofTeam(body: RunEventBody): object {
  if (body.event === 'CustomEvent') return body
  const event = `Team${body.event}`
  if (body.event !== 'RunCompleted') return { ...body, event }
  const { nestedRuns, ...rest } = body
  return { ...rest, event, ...(nestedRuns && { memberResponses: nestedRuns }) }
}

function ofWorkflow(body: RunEventBody): object {
  switch (body.event) {
    case 'RunStarted':
      return { event: 'WorkflowStarted' }
    case 'RunCompleted': {
      const { content, contentType, stepResults, nestedRuns, metadata, workflowMetrics, status } = body
      return {
        event: 'WorkflowCompleted',
        content,
        contentType,
        stepResults,
        stepExecutorRuns: nestedRuns,
        metadata,
        status,
        metrics: workflowMetrics,
      }
    }
    case 'RunPaused': {
      const { content, workflow } = body
      const { nestedRuns, ...pause } = workflow ?? {}
      return { ...pause, event: 'WorkflowPaused', status: 'paused', stepExecutorRuns: nestedRuns, content }
    }
    case 'RunCancelled':
      return { ...body, event: 'WorkflowCancelled' }
    case 'RunError':
      return { ...body, event: 'WorkflowError', error: body.content }
    case 'RunRecovered':
      return { event: 'WorkflowRecovered', attempt: body.attempt, reason: body.reason }
    case 'RunContinued':
      return body.step ?? { event: 'StepContinued', stepName: '', stepIndex: 0 }
    default:
      return body
  }
}
