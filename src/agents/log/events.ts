import { z } from 'zod'
import { agentEvents, AgentEvent, CustomEvent } from './agent-events.js'
import type { Run } from './run-record.js'
import type { ErrorRequirement, PauseKind, StepOutput, StepRequirement, WorkflowMetrics } from './step-record.js'
import type { taskEventFields } from './team-events.js'
import { TeamEvent, teamEvents } from './team-events.js'
import { WorkflowEvent, workflowEvents } from './workflow-events.js'
import type { StepEvent } from './workflow-events.js'

export { AgentEvent, CustomEvent, TeamEvent, WorkflowEvent }

/** Every event that a run of any kind can show, told apart by `event`. */
export type RunEvent = AgentEvent | TeamEvent | WorkflowEvent
export type RunEventName = RunEvent['event']
export const RunEvent: z.ZodType<RunEvent> = z
  .discriminatedUnion('event', [...agentEvents, ...teamEvents, ...workflowEvents, CustomEvent] as never)
  .meta({ id: 'RunEvent' })

/** What the log stamps on the events of agents, and on those of workflows. */
type Stamped =
  | 'createdAt'
  | 'agentId'
  | 'agentName'
  | 'workflowId'
  | 'workflowName'
  | 'runId'
  | 'sessionId'
  | 'nestedDepth'
  | 'eventIndex'
type WithoutStamp<Event> = Event extends unknown ? Omit<Event, Stamped> : never

/** Whatever a tool, a foreign agent or a step of a workflow wants to show beside the events of the contract. */
export interface CustomEventBody {
  event: 'CustomEvent'
  toolCallId?: string
  [field: string]: unknown
}

/** What the run of a team or of a workflow says at its end beside what that of an agent does. */
export interface WholeResult {
  /** Of its members, or of its steps. */
  nestedRuns?: Run[]
  stepResults?: StepOutput[]
  workflowMetrics?: WorkflowMetrics
}

/** What a paused workflow waits for. */
export interface WorkflowPause {
  pausedStepIndex?: number
  pausedStepName?: string
  pauseKind: PauseKind
  stepRequirements?: StepRequirement[]
  errorRequirements?: ErrorRequirement[]
  /** ISO 8601. */
  resumeAt?: string
  eventName?: string
}

/** The step at which a workflow goes on; shown in the place of `RunContinued`. */
export type StepContinuation = WithoutStamp<
  Extract<StepEvent, { event: 'StepContinued' | 'StepExecutorContinued' | 'SleepCompleted' | 'WaitForEventCompleted' }>
>

type TaskFields = typeof taskEventFields
type TaskEventBody = {
  [Name in keyof TaskFields]: { event: Name } & z.infer<z.ZodObject<TaskFields[Name]>>
}[keyof TaskFields]

type AgentBody = WithoutStamp<Exclude<AgentEvent, { event: 'CustomEvent' }>>
type Extended<Body> = Body extends { event: 'RunCompleted' }
  ? Body & WholeResult
  : Body extends { event: 'RunPaused' }
    ? Body & { workflow?: WorkflowPause & WholeResult }
    : Body extends { event: 'RunContinued' }
      ? Body & { step?: StepContinuation }
      : Body

/**
 * An event as a runnable tells it, without what the log stamps on it. The runs of teams and workflows begin, go on and
 * end as those of agents do: these events have one name in the log, and each kind's own once they are shown.
 */
export type RunEventBody = Extended<AgentBody> | TaskEventBody | WithoutStamp<StepEvent> | CustomEventBody

const ENDS = ['Completed', 'Paused', 'Cancelled', 'Error'] as const
const TERMINAL = new Set<string>(['Run', 'TeamRun', 'Workflow'].flatMap((of) => ENDS.map((end) => `${of}${end}`)))

/** Whether an event ends a leg of its run, by whichever of its names: nothing follows it in a followed stream. */
export function endsLeg(event: { event: string }): boolean {
  return TERMINAL.has(event.event)
}
