import type { z } from 'zod'
import { ConfigurationError, ValidationError } from '../../core/errors.js'
import type { JsonObject, JsonValue } from '../../core/json.js'
import { checkId } from '../agent-plan.js'
import { jsonSchemaOf } from '../json-schema.js'
import type { Decision } from '../log/decision.js'
import type { StepContinuation } from '../log/events.js'
import type { RunFold } from '../log/fold.js'
import type { RunInput } from '../log/run-record.js'
import { startRun } from '../memory-run.js'
import type { AgentRunOptions, AgentStream, WorkflowRunOf } from '../memory-run.js'
import { fromText } from '../model-component.js'
import { DEFAULT_TIMEOUT_MS } from '../run-ending.js'
import type { Concurrency, MadeDecision, RunContext, Runnable, TakeEvent, WakeUp, Yielded } from '../runnable.js'
import { everyMember } from '../team/team-rules.js'
import type { WorkflowDescription } from '../workflow-description.js'
import { checkStepDecision, ownDecision } from './check-decision.js'
import { continuationOf } from './continuation.js'
import { describeSteps, executorsOf } from './describe-steps.js'
import type { StepNode } from './step-node.js'
import type { Step } from './typed-step.js'
import { wakeUp } from './waiting-steps.js'
import { workflowLoop } from './workflow-loop.js'

/** What a {@link Workflow} is made of. */
export interface WorkflowOptions<In, Out> {
  /** Names the workflow in URLs and records: 1 to 255 characters. */
  id: string
  /** For people. Default: the id. */
  name?: string
  description?: string
  /** Shape of the input, where it is more than a text. A text is then read as JSON. */
  input?: z.ZodType<In>
  /** What it does; `sequence()` puts several steps in a row. */
  steps: Step<In, Out>
  /** The state that a new session starts with. */
  sessionState?: JsonObject
  /** Stored with each run. */
  metadata?: JsonObject
  /** What a second run of a busy session does. Default: `queue`. */
  concurrency?: Concurrency
  /** Milliseconds that a run may work at a time; what it waits for does not count. Default: 30 minutes. */
  timeoutMs?: number
}

/**
 * Steps in an order that code decides: functions, agents, teams and other workflows, one after the other, at the same
 * time, by a condition, in a loop. Each step that is over is stored, and is not run again, whatever crashes; a step
 * that waits for a person, a time or an event holds no process.
 *
 * It is an ordinary object. `run` and `stream` work by themselves, in memory; served by an `AgentOS`, its runs are
 * stored and can be gone on with.
 *
 * @example
 * ```ts
 * const release = new Workflow({
 *   id: 'release',
 *   input: z.object({ version: z.string() }),
 *   steps: sequence('release', draftNotes, approval({ name: 'approve' }), publish),
 * })
 * const run = await release.run({ version: '2.0.0' })
 * ```
 */
export class Workflow<In = JsonValue, Out = unknown> implements Runnable {
  readonly kind = 'workflow'
  readonly id: string
  readonly name: string
  readonly sessionState?: JsonObject
  readonly concurrency?: Concurrency
  readonly timeoutMs: number
  /** What its steps run. */
  readonly members: readonly Runnable[]
  private readonly steps: readonly StepNode[]
  private readonly metadata: JsonObject
  private readonly input: z.ZodType | undefined
  private readonly description: WorkflowDescription

  /** @throws ConfigurationError when the options can't work; it says which, and what to do. */
  constructor(options: WorkflowOptions<In, Out>) {
    const { id, name = id, description, input, steps, metadata = {} } = options
    checkId(id, 'Workflow')
    if (id === 'ws') throw new ConfigurationError('A workflow can\'t have the id "ws": the socket is at that path.')
    if (typeof steps?.node !== 'object') {
      throw new ConfigurationError(`Workflow "${id}" has no steps. Pass one, or sequence(…).`)
    }
    this.id = id
    this.name = name
    this.sessionState = options.sessionState
    this.concurrency = options.concurrency
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    this.input = input
    this.metadata = metadata
    this.steps = steps.node.type === 'Steps' ? steps.node.steps : [steps.node]
    this.members = executorsOf(this.steps)
    this.description = {
      id,
      name,
      ...(description !== undefined && { description }),
      ...(input && { inputSchema: jsonSchemaOf(input, 'input', `The input of workflow "${id}"`) as JsonObject }),
      steps: describeSteps(this.steps),
      ...(options.metadata && { metadata }),
      isFactory: false,
      isComponent: false,
      workflowAgent: false,
    }
  }

  /**
   * Runs the workflow in memory; nothing is stored. A run that fails does not throw: its `status` is `error`, and
   * `error` says why. One that waits for somebody or something ends as `paused`.
   *
   * @throws ValidationError when the input is refused before the run begins.
   */
  async run(input: In, options: AgentRunOptions = {}): Promise<WorkflowRunOf<Out>> {
    return (await startRun(this, input as JsonValue, options, false).result) as unknown as WorkflowRunOf<Out>
  }

  /** Like {@link run}, told while it goes on. Leaving the loop early cancels the run. */
  stream(input: In, options: AgentRunOptions = {}): AgentStream<Out, WorkflowRunOf<Out>> {
    return startRun(this, input as JsonValue, options, true) as unknown as AgentStream<Out, WorkflowRunOf<Out>>
  }

  historyRuns(): number {
    return 0
  }

  checkInput(input: RunInput): RunInput {
    if (this.input === undefined) return input
    const inputContent = fromText(input.inputContent)
    const parsed = this.input.safeParse(inputContent)
    // Stored as it was given: each leg of the run parses it again.
    if (parsed.success) return { ...input, inputContent }
    const issues = parsed.error.issues.map(({ path, message }) => ({ path: ['message', ...path].join('.'), message }))
    const [first] = issues
    throw new ValidationError(
      'INPUT_SCHEMA_MISMATCH',
      `The input does not have the form that the workflow asks for: ${first?.path}: ${first?.message}`,
      issues,
    )
  }

  /** Those about calls of what its steps run are for that to check. */
  async checkDecisions(decisions: readonly MadeDecision[]): Promise<void> {
    const inside = everyMember(this.members)
    for (const { decision, tool, member } of decisions) {
      if (member?.memberRunId === undefined) await checkStepDecision(this.steps, decision)
      const owner = member && inside.find(({ id }) => id === member.memberAgentId)
      await owner?.checkDecisions?.([{ decision: ownDecision(decision, member), tool }])
    }
  }

  /** Whether a paused run can go on by itself now. */
  wakeUp(fold: RunFold, now: number, take: TakeEvent): WakeUp | undefined {
    return wakeUp(fold, now, take)
  }

  continuation(fold: RunFold, decisions: readonly Decision[]): StepContinuation {
    return continuationOf(fold, decisions)
  }

  execute(context: RunContext): AsyncGenerator<Yielded, void, void> {
    const inputSchema = this.input
    return workflowLoop({ ...this.plan(), ...(inputSchema && { inputSchema }) }, context)
  }

  describe(): WorkflowDescription {
    return this.description
  }

  private plan() {
    const { id, steps, metadata } = this
    return { id, steps, metadata }
  }
}
