import type { Caller } from '../core/caller.js'
import type { Clock } from '../core/clock.js'
import type { JsonObject, JsonSchema, JsonValue } from '../core/json.js'
import type { Logger } from '../core/logger.js'
import type { Decision } from './log/decision.js'
import type { LogEntry, StepFacts } from './log/entry.js'
import type { StepContinuation } from './log/events.js'
import type { RunFold } from './log/fold.js'
import type { Message } from './log/message.js'
import type { RunInput } from './log/run-record.js'
import type { ComponentKind, RunSource } from './log/source.js'
import type { RunRequirement, ToolExecution } from './log/tool-execution.js'
import type { SessionState } from './session-state.js'
import type { AgentDescription, TeamDescription } from './description.js'
import type { WorkflowDescription } from './workflow-description.js'

/** What one request may ask for beside its input; kept with the run. */
export interface RunOptions {
  /** Merged over the stored state; its keys win. */
  sessionState?: JsonObject
  /** Values for tools and prompts; its keys win over the agent's. */
  dependencies?: Record<string, unknown>
  metadata?: JsonObject
  /** Of a workflow: given to every step. */
  additionalData?: JsonObject
  knowledgeFilters?: unknown
  /** A JSON Schema that the answer must have. */
  outputSchema?: JsonSchema
  /** Gives the schema to the model as it is; the content type is then `dict`. */
  useJsonSchema?: boolean
  addHistoryToContext?: boolean
  addDependenciesToContext?: boolean
  addSessionStateToContext?: boolean
}

/** What a run is told about itself. */
export interface RunContext {
  readonly runId: string
  readonly sessionId: string
  readonly userId?: string
  /** Who started the run: whatever it does is done as this caller. */
  readonly caller: Caller
  readonly input: RunInput
  readonly options: RunOptions
  /** Whether somebody reads along, so that text is worth asking for in pieces. */
  readonly isStreaming: boolean
  /** Aborts when the run is cancelled, has run out of time, or lost its lease. */
  readonly signal: AbortSignal
  readonly state: SessionState
  /** Messages of earlier runs of the session, oldest first. */
  readonly history: readonly Message[]
  readonly historyRunIds: readonly string[]
  /** What the log says so far. It is kept up to date: an entry is in it as soon as it was yielded. */
  readonly fold: RunFold
  readonly clock: Clock
  readonly logger: Logger
  /** Which time it is that a process executes the run; 1 for the first. */
  readonly attempt: number
  /** Of a run inside of another one. */
  readonly source?: RunSource
  /** Whether the caller may run a component, which it has to for one to run inside of its run. */
  mayRun?(component: { kind: ComponentKind; id: string }): boolean | Promise<boolean>
  /** Of the run of a workflow. */
  readonly workflowId?: string
  /** Looks what was sent to the run from outside. */
  receivedEvents?(): Promise<TakeEvent>
  /**
   * Called right before what can't be undone.
   *
   * @throws when this process is not believed to live any more, so that another may have taken the run over.
   */
  checkLease?(): void
}

/** An event that is sent to a run from outside. */
export interface SentEvent {
  id: string
  name: string
  payload?: JsonValue
}

/** One that has come. */
export interface ReceivedEvent extends SentEvent {
  /** Grows with each event of a run. */
  seq: number
}

/** One that a step is given. */
export interface TakenEvent extends ReceivedEvent {
  /** Every event up to here was taken before, as the log says; 0 for none. */
  takenUpTo: number
}

/** Takes the first event of a name that no step has taken: each goes to one step. */
export type TakeEvent = (name: string) => TakenEvent | undefined

/** With which of its steps a paused workflow goes on by itself. */
export interface WakeUp {
  step: StepContinuation
  facts?: StepFacts
  /** About what nobody has decided in time. */
  decisions?: Decision[]
}

/** A decision, and the call that it is about. */
export interface MadeDecision {
  decision: Decision
  tool: ToolExecution
  /** Of the run inside of this one that waits. */
  member?: Pick<RunRequirement, 'memberAgentId' | 'memberRunId'>
}

/** What a run yields: one entry, or several that belong together and are written at once. */
export type Yielded = LogEntry | readonly LogEntry[]

/** What a second run of a busy session does. */
export const CONCURRENCY_MODES = ['queue', 'reject', 'interrupt', 'rollback', 'allow'] as const
export type Concurrency = (typeof CONCURRENCY_MODES)[number]

/**
 * Something that can be run under the contract: an agent of ours, or a foreign one behind this interface.
 *
 * `execute` yields the entries of the run's log, from `RunStarted` on; the last one ends the leg. It is asked for the
 * next entry only when the one before is safe: an entry that {@link isDurable} says so is on disk by then. What it
 * throws ends the run as `error`. A run that goes on after a pause or a crash is executed anew with the fold of its
 * log in `context.fold`, and looks there for where it stands.
 */
export interface Runnable {
  readonly kind: ComponentKind
  readonly id: string
  readonly name: string
  /** The state that a session starts with. */
  readonly sessionState?: JsonObject
  /** The first thing that a new session says. */
  readonly introduction?: string
  /** In the place of `queue`. */
  readonly concurrency?: Concurrency
  /** Milliseconds that a run may take. Default: 30 minutes. */
  readonly timeoutMs?: number
  /** How many earlier runs of the session `context.history` is to hold. */
  historyRuns(options: RunOptions): number
  /**
   * The input as the run will use it.
   *
   * @throws ValidationError `INPUT_SCHEMA_MISMATCH` or `INVALID_OUTPUT_SCHEMA`, before the run exists.
   */
  checkInput?(input: RunInput, options: RunOptions): RunInput
  /**
   * Checks decisions about calls that a run waits for, before it goes on with them.
   *
   * @throws ConflictError `RUN_NOT_CONTINUABLE` when a tool is not there any more.
   * @throws ValidationError `INVALID_TOOL_ARGS` when edited arguments are not the tool's.
   */
  checkDecisions?(decisions: readonly MadeDecision[]): Promise<void>
  /** What is wrong with a content that somebody has written in the place of its answer; undefined when it could be one. */
  contentProblem?(content: JsonValue): Promise<string | undefined>
  /** Of a workflow: the step at which it goes on once something was decided. */
  continuation?(fold: RunFold, decisions: readonly Decision[]): StepContinuation
  /** Of a workflow: whether a paused run can go on by itself now, and how. */
  wakeUp?(fold: RunFold, now: number, take: TakeEvent): WakeUp | undefined
  execute(context: RunContext): AsyncGenerator<Yielded, void, void>
  describe(): AgentDescription | TeamDescription | WorkflowDescription
  /** What it runs inside of its own runs: the members of a team, and what the steps of a workflow run. */
  readonly members?: readonly Runnable[]
}
