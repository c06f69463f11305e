import { toIsoSeconds } from '../../core/clock.js'
import type { NestedRun } from './nested-runs.js'
import type { Run, RunBody, RunStatus } from './run-record.js'
import type { RunSource } from './source.js'

/** Who, when and how far, beside what the fold of a log says. */
export interface RunFacts {
  userId?: string
  status: RunStatus
  /** Milliseconds. */
  createdAt: number
}

/** The record of a run of whatever kind. */
export function runOf(source: RunSource, { userId, status, createdAt }: RunFacts, body: RunBody): Run {
  const { kind, id, name, runId, sessionId, parentRunId } = source
  const { nestedRuns, stepResults, workflowMetrics, ...rest } = body
  const whole = {
    runId,
    sessionId,
    ...(userId !== undefined && { userId }),
    ...(parentRunId !== undefined && { parentRunId }),
    ...rest,
    status,
    createdAt: toIsoSeconds(createdAt),
  }
  switch (kind) {
    case 'agent':
      return { ...whole, agentId: id, agentName: name }
    case 'team':
      return { ...whole, teamId: id, teamName: name, ...(nestedRuns && { memberResponses: nestedRuns }) }
    case 'workflow': {
      const {
        input,
        metrics: _metrics,
        messages: _messages,
        requirements: _requirements,
        tools: _tools,
        ...workflow
      } = whole
      return {
        ...workflow,
        workflowId: id,
        workflowName: name,
        ...(input && { input: input.inputContent }),
        stepResults: stepResults ?? [],
        ...(nestedRuns && { stepExecutorRuns: nestedRuns }),
        ...(workflowMetrics && { metrics: workflowMetrics }),
      } as Run
    }
  }
}

/** The record of a run inside of another, as of now. */
export function nestedRecord({ source, start, fold, createdAt }: NestedRun, now: number): Run {
  return runOf(source, { status: fold.status, createdAt }, { input: start.input, ...fold.body(now) })
}
