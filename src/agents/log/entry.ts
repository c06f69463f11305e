import type { JsonValue } from '../../core/json.js'
import type { Decision } from './decision.js'
import { endsLeg } from './events.js'
import type { RunEventBody } from './events.js'
import type { Message } from './message.js'
import type { RunBody, RunInput } from './run-record.js'
import type { RunSource } from './source.js'
import type { StepOutput } from './step-record.js'
import type { RunRequirement, ToolExecution } from './tool-execution.js'

/** Top-level keys of the session state that a run changed; `undefined` stands for a key that it removed. */
export interface StatePatch {
  set: Record<string, JsonValue>
  removed?: string[]
}

/** How long an approval is waited for, and what happens then. */
export interface ApprovalTerms {
  /** Milliseconds since 1970. */
  expiresAt: number
  onExpiry: 'reject' | 'wait'
}

/** Which run, or which session's run, a run was made from; stands in its record. */
export type Origin = Pick<
  RunBody,
  'forkedFromRunId' | 'forkedFromMessageIndex' | 'forkedFromSessionId' | 'regeneratedFrom'
>

/** What a fork takes over from its source beside messages: the calls that they made, and what was asked about those. */
export interface Inherited {
  tools: ToolExecution[]
  requirements: RunRequirement[]
  /** Ids of messages that nobody may see yet. */
  withheld?: string[]
}

/** What it takes to go on from an entry. Never on the wire. */
export interface Facts {
  /** Messages that joined the conversation with this entry, in order. */
  messages?: Message[]
  /** What the messages say may still be refused: nobody sees it before the run is completed. */
  isWithheld?: boolean
  /** Id of the tool message that the event's `tool` becomes; its content is `tool.result`. */
  toolMessageId?: string
  statePatch?: StatePatch
  /** What was decided about calls that the run has waited for. */
  decisions?: Decision[]
  /** Of a pause for a tool whose approval expires. */
  approvalTerms?: ApprovalTerms
  /** The earlier runs of the session whose messages the model sees before this run's own, oldest first. */
  historyRunIds?: string[]
  /** The run goes on from this many of its messages: later ones are dropped for good, with the calls that they made. */
  keptMessages?: number
  /** What the user says further; it joins the conversation when the calls that are open have been made. */
  inputs?: readonly RunInput[]
  origin?: Origin
  /** Of the entry that begins a fork. Its `messages` are the source's then. */
  inherited?: Inherited
  /** The run in whose place this one comes once it is completed. */
  replaces?: string
  /** Of the first entry of a run inside of another. */
  nested?: NestedStart
  /** What is known of a step from this entry on. */
  step?: StepFacts
  /** When a paused workflow goes on by itself, in milliseconds. */
  wakeAt?: number
}

/** What a workflow goes on from at one of its steps. */
export interface StepFacts {
  stepId: string
  /** The step is over. What came of the steps inside of it is taken from the event, as all of it is where it is there. */
  output?: Omit<StepOutput, 'steps'>
  /** The step is over with the output that the event shows. */
  isOver?: true
  /** The step gives what it was given. */
  isPassedOver?: true
  /** What the step has waited for has not come: it gives null. */
  isMissing?: true
  found?: unknown
  /** The event from outside that the step has waited for: its place among those of the run. */
  takenEvent?: number
  /** Every event up to this place was taken before. */
  eventsTakenUpTo?: number
}

/** What a run inside of another begins with. */
export interface NestedStart {
  input: RunInput
  /** The call of its parent that it does the work of. */
  toolCallId?: string
  /** The step of its parent that it does the work of. */
  stepId?: string
  /** Which try of that step it is, from 1. */
  attempt?: number
}

/** One entry of a run's log: what the contract shows, and what it takes to go on. */
export interface LogEntry {
  event: RunEventBody
  facts?: Facts
  /** The run inside of the log's own whose entry it is. */
  source?: RunSource
}

/**
 * Events at which a run has reached a point that it can go on from, or is about to do what can't be undone: they are
 * on disk before the run goes on.
 */
const DURABLE = new Set<RunEventBody['event']>([
  'ModelRequestCompleted',
  'ToolCallStarted',
  'ToolCallCompleted',
  'TaskCreated',
  'TaskUpdated',
  'TaskStateUpdated',
  'StepStarted',
  'StepOutput',
  'StepCompleted',
  'StepError',
  'LoopIterationCompleted',
  'LoopExecutionCompleted',
  'ParallelExecutionCompleted',
  'ConditionExecutionStarted',
  'ConditionExecutionCompleted',
  'RouterExecutionStarted',
  'RouterExecutionCompleted',
  'StepsExecutionCompleted',
  'MapExecutionStarted',
  'MapExecutionCompleted',
  'SleepStarted',
  'WaitForEventStarted',
  'WaitForEventCompleted',
  'RunRecovered',
  'RunContinued',
  'RunPaused',
  'RunCompleted',
  'RunCancelled',
  'RunError',
])

/** Whether the run waits until this entry is on disk. */
export function isDurable({ event }: LogEntry): boolean {
  return DURABLE.has(event.event)
}

/** Whether an entry ends a leg of the log's own run: the ends of runs inside of it end nothing else. */
export function endsLog({ event, source }: LogEntry): boolean {
  return source === undefined && endsLeg(event)
}
