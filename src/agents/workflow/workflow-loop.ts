import type { z } from 'zod'
import type { JsonObject } from '../../core/json.js'
import type { LogEntry } from '../log/entry.js'
import type { PauseKind, StepOutput, StepRequirement, WorkflowMetrics } from '../log/step-record.js'
import { addUsage } from '../log/metrics.js'
import { cancelEntries } from '../run-ending.js'
import type { RunContext, Yielded } from '../runnable.js'
import { executeStep } from './execute-step.js'
import type { Place } from './place.js'
import type { StepNode } from './step-node.js'
import { isOpen } from '../log/step-log.js'
import { RunFailedError } from '../run-failure.js'
import { contentTypeOf, RejectedError, toJson } from './step-outcome.js'
import type { StepWait } from './step-outcome.js'
import { StepWork } from './step-work.js'
import { resumeAtOf } from './waiting-steps.js'

/** What a workflow's runs work from. */
export interface WorkflowPlan {
  id: string
  steps: readonly StepNode[]
  metadata: JsonObject
  inputSchema?: z.ZodType
}

/**
 * Runs a workflow: its outermost steps one after the other, from the first that is not over. Where a run stands is
 * read off its log, so the same code begins a run and goes on with one.
 */
export async function* workflowLoop(plan: WorkflowPlan, context: RunContext): AsyncGenerator<Yielded, void, void> {
  const run = { ...context, workflowId: plan.id }
  const { fold, clock, options, input } = run
  if (fold.startedAt === undefined) yield { event: { event: 'RunStarted' } }
  const metadata = { ...options.metadata, ...plan.metadata }
  const work = new StepWork(run, options.additionalData ?? {}, metadata, executeStep)
  // Ids of steps of a workflow inside of another must differ from those around it.
  const prefix = run.source ? `${run.runId}/` : ''
  let value = parsed(plan, input.inputContent)
  try {
    for (const [index, node] of plan.steps.entries()) {
      const place: Place = { id: `${prefix}${node.name}`, name: node.name, index }
      const outcome = yield* executeStep(work, node, place, value)
      if (outcome.kind === 'waiting') {
        yield paused(work, outcome.waits)
        return
      }
      value = outcome.value
      if (outcome.kind === 'stopped') break
    }
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error
    yield cancelEntries(fold, clock.now(), error.message)
    return
  }
  yield completed(work, value, metadata)
}

/** @throws RunFailedError when a workflow inside of another was given what it does not take. */
function parsed({ id, inputSchema }: WorkflowPlan, content: unknown): unknown {
  const read = inputSchema?.safeParse(content)
  if (!read) return content
  if (read.success) return read.data
  const { path = [], message: why } = read.error.issues[0] ?? {}
  const message = `The input of the workflow "${id}" does not have its form: ${[...path, why].join(': ')}`
  throw new RunFailedError({ errorCode: 'INPUT_CHECK_FAILED', message, retryable: false })
}

function completed({ fold, run, now }: StepWork, value: unknown, metadata: JsonObject): LogEntry {
  const content = toJson(value)
  const nestedRuns = fold.nestedRuns(now)
  const sessionState = run.state.snapshot()
  return {
    event: {
      event: 'RunCompleted',
      ...(content !== undefined && { content }),
      contentType: contentTypeOf(content),
      stepResults: fold.steps.results,
      ...(nestedRuns && { nestedRuns }),
      ...(Object.keys(metadata).length > 0 && { metadata }),
      workflowMetrics: metricsOf(fold.steps.all, fold.metrics(now).duration),
      ...(sessionState && { sessionState }),
      status: 'completed',
    },
  }
}

/** What the steps have used, each by its name. */
function metricsOf(outputs: readonly StepOutput[], duration: number | undefined): WorkflowMetrics {
  const metrics: WorkflowMetrics = { steps: {}, ...(duration !== undefined && { duration }) }
  for (const { stepName, executorType, executorName, metrics: used } of outputs) {
    if (stepName === undefined || executorType === undefined) continue
    const step = { stepName, executorType, executorName: executorName ?? stepName, ...(used && { metrics: used }) }
    Object.defineProperty(metrics.steps, stepName, {
      value: step,
      enumerable: true,
      writable: true,
      configurable: true,
    })
    if (used) addUsage(metrics, used)
  }
  return metrics
}

const ORDER: readonly PauseKind[] = ['step', 'executor', 'event', 'timer']

function paused({ fold, now }: StepWork, waits: readonly StepWait[]): LogEntry {
  const known = new Map(fold.requirements.map((one) => [one.id, one]))
  // One that was asked before names its approval.
  const asked = waits.flatMap(({ requirements = [] }) => requirements.map((one) => known.get(one.id) ?? one))
  const ids = new Set(asked.map(({ toolExecution }) => toolExecution.toolCallId))
  const shown = waits.flatMap(({ stepRequirements = [] }) => stepRequirements)
  const failed = waits.flatMap(({ errorRequirement }) => errorRequirement ?? [])
  const wakes = waits.flatMap(({ wakeAt }) => wakeAt ?? [])
  const first = waits.toSorted((left, right) => ORDER.indexOf(left.kind) - ORDER.indexOf(right.kind))[0]!
  const nestedRuns = fold.nestedRuns(now)
  const resumeAt = resumeAtOf(waits)
  const terms = waits.flatMap((wait) => wait.terms ?? []).toSorted((one, other) => one.expiresAt - other.expiresAt)[0]
  return {
    event: {
      event: 'RunPaused',
      requirements: [...fold.requirements.filter(({ toolExecution }) => !ids.has(toolExecution.toolCallId)), ...asked],
      content: `The workflow waits at: ${[...new Set(waits.map(({ stepName }) => stepName))].join(', ')}.`,
      workflow: {
        pausedStepIndex: first.stepIndex,
        pausedStepName: first.stepName,
        pauseKind: first.kind,
        stepRequirements: [
          ...fold.steps.requirements.filter((one) => !shown.some((now) => isSame(one, now))),
          ...shown,
        ],
        ...(failed.length + fold.steps.errors.length > 0 && {
          errorRequirements: [...fold.steps.errors.filter((one) => one.decision !== undefined), ...failed],
        }),
        ...(resumeAt !== undefined && { resumeAt }),
        ...(first.eventName !== undefined && { eventName: first.eventName }),
        stepResults: fold.steps.results,
        ...(nestedRuns && { nestedRuns }),
      },
    },
    facts: {
      ...(wakes.length > 0 && { wakeAt: Math.min(...wakes) }),
      ...(terms && { approvalTerms: terms }),
    },
  }
}

/** The same question as before, asked on. */
function isSame(one: StepRequirement, other: StepRequirement): boolean {
  return one === other || (one.stepId === other.stepId && isOpen(one))
}
