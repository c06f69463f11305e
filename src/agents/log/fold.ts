import { CallRecord } from './call-record.js'
import type { Decision } from './decision.js'
import { isDurable } from './entry.js'
import type { ApprovalTerms, Inherited, LogEntry } from './entry.js'
import { endsLeg } from './events.js'
import type { WorkflowPause } from './events.js'
import type { FoldState } from './fold-state.js'
import { NestedRuns } from './nested-runs.js'
import type { NestedRun } from './nested-runs.js'
import { nestedRecord } from './run-of.js'
import { holdsMedia } from './media.js'
import type { Media } from './media.js'
import type { Citations, Message } from './message.js'
import { addRequest, addUsage, copyMetrics } from './metrics.js'
import type { RunMetrics, TokenCounts } from './metrics.js'
import type { Run, RunBody, RunInput, RunStatus } from './run-record.js'
import { ShownContent } from './shown-content.js'
import { StepLog } from './step-log.js'
import { TaskList } from './task-list.js'
import type { RunRequirement, ToolExecution } from './tool-execution.js'
import { calledIn, toolMessage } from './tool-exchange.js'

/**
 * The record of a run, folded from its log: what the run has said, called and used so far. A run that goes on after a
 * pause or a crash reads from here where it stands, so nothing else has to be remembered.
 */
export class RunFold {
  status: RunStatus = 'pending'
  /** Index of the last event; -1 before the first. */
  lastIndex = -1
  /** How many durable points the log has. */
  durablePoints = 0
  /** What this fold was restored from. */
  readonly restoredFrom: FoldState | undefined
  /** Messages of this run, in order; those of earlier runs are not among them. */
  readonly messages: Message[] = []
  /** The earlier runs whose messages come before this run's own, once they were chosen. */
  historyRunIds: readonly string[] | undefined
  /** How many of the first messages a fork has from its source. */
  inheritedMessages = 0
  /** What the user has said further, and the conversation does not hold yet. */
  inputs: readonly RunInput[] = []
  /** Whether a model was asked since the run began, or was cut. */
  hasAsked = false
  /** Of a pause for a tool whose approval expires. */
  approvalTerms: ApprovalTerms | undefined
  /** The run in whose place this one comes once it is completed. */
  replaces: string | undefined
  /** When the run began to execute, in milliseconds; undefined before that. */
  startedAt: number | undefined
  /** The runs inside of this log, shared by the folds of all of them. */
  readonly nested: NestedRuns
  /** What a team has to do, in the mode `tasks`. */
  readonly tasks: TaskList
  /** How far the steps of a workflow are. */
  readonly steps: StepLog
  /** When a paused workflow goes on by itself, in milliseconds. */
  wakeAt: number | undefined

  private readonly calls: CallRecord
  private readonly shown: ShownContent
  private endedAt: number | undefined
  private readonly messageIndexes: number[] = []
  private counts: RunMetrics = {}
  private ofLeg: TokenCounts = {}
  private readonly withheld: Set<string>
  private rest: Partial<RunBody> = {}
  /** What a paused workflow waits for. */
  private pausedAt: Partial<RunBody> = {}
  /** Of a run inside of a log; undefined for the log's own. */
  private readonly nestedId: string | undefined

  /**
   * @param state of an earlier fold of the same log; `apply` goes on from its last index.
   * @param inside where this is the fold of a run inside of a log.
   */
  constructor(state?: FoldState, inside?: { nested: NestedRuns; runId: string }) {
    this.nestedId = inside?.runId
    this.nested = inside?.nested ?? new NestedRuns((nested, runId, own) => new RunFold(own, { nested, runId }), state)
    this.tasks = new TaskList(state?.tasks)
    this.steps = new StepLog(state)
    this.calls = new CallRecord(state, (toolCallId) => void this.nested.claimCall(toolCallId))
    this.shown = new ShownContent(state)
    this.withheld = new Set(state?.withheldIds)
    this.restoredFrom = state
    if (!state) return
    this.status = state.status
    this.lastIndex = state.lastIndex
    this.durablePoints = state.durablePoints
    this.messages = [...state.messages]
    this.messageIndexes = [...state.messageIndexes]
    this.historyRunIds = state.historyRunIds
    this.inheritedMessages = state.inheritedMessages
    this.inputs = state.inputs
    this.hasAsked = state.hasAsked
    this.replaces = state.replaces
    this.approvalTerms = state.approvalTerms
    this.wakeAt = state.wakeAt
    this.startedAt = state.startedAt
    this.endedAt = state.endedAt
    this.counts = copyMetrics(state.counts)
    this.ofLeg = { ...state.ofLeg }
    this.rest = { ...state.record }
    this.pausedAt = { ...state.pausedAt }
  }

  /** All that there is to know, to be restored from. Later entries don't change it. */
  state(): FoldState {
    return {
      ...this.calls.state(),
      ...this.shown.state(),
      status: this.status,
      lastIndex: this.lastIndex,
      durablePoints: this.durablePoints,
      messages: [...this.messages],
      messageIndexes: [...this.messageIndexes],
      historyRunIds: this.historyRunIds,
      inheritedMessages: this.inheritedMessages,
      inputs: this.inputs,
      hasAsked: this.hasAsked,
      replaces: this.replaces,
      ...(this.approvalTerms && { approvalTerms: this.approvalTerms }),
      ...(this.nestedId === undefined && this.nested.state()),
      ...this.tasks.state(),
      ...this.steps.state(),
      ...(this.wakeAt !== undefined && { wakeAt: this.wakeAt }),
      startedAt: this.startedAt,
      endedAt: this.endedAt,
      counts: copyMetrics(this.counts),
      ofLeg: { ...this.ofLeg },
      withheldIds: this.withheldIds,
      record: { ...this.rest },
      ...(Object.keys(this.pausedAt).length > 0 && { pausedAt: this.pausedAt }),
    }
  }

  /** The runs inside of this one, at whatever depth, that have begun and not ended, innermost first. */
  get openInside(): NestedRun[] {
    return this.nested.openIn(this.nestedId)
  }

  /** The runs directly inside of this one whose calls stand. */
  get children(): NestedRun[] {
    const all = this.nested.of(this.nestedId)
    return all.filter(
      ({ start: { toolCallId } }) => toolCallId === undefined || this.calls.get(toolCallId) !== undefined,
    )
  }

  /** The open runs inside of this one whose calls were cut off, with those further inside; innermost first. */
  get orphans(): NestedRun[] {
    const { nested } = this
    const cut = nested
      .of(this.nestedId)
      .filter(({ start: { toolCallId } }) => toolCallId !== undefined && !this.calls.get(toolCallId))
    return this.openInside.filter(({ source }) =>
      cut.some(({ source: { runId } }) => runId === source.runId || nested.isInside(source, runId)),
    )
  }

  /** The records of the runs directly inside of this one; undefined when there are none. */
  nestedRuns(now: number): Run[] | undefined {
    const { children } = this
    return children.length > 0 ? children.map((run) => nestedRecord(run, now)) : undefined
  }

  /** What the tools have made, or the steps. */
  get media(): Media {
    return holdsMedia(this.steps.media) ? this.steps.media : this.calls.media
  }

  /** Ids of messages that nobody may see before the run is completed. */
  get withheldIds(): string[] {
    return [...this.withheld]
  }

  /** What this run itself has added to the conversation. */
  get ownMessages(): readonly Message[] {
    return this.inheritedMessages === 0 ? this.messages : this.messages.slice(this.inheritedMessages)
  }

  /** Tool calls in the order in which they were made. */
  get tools(): ToolExecution[] {
    return this.calls.all
  }

  /** What the run has waited for when it paused last. */
  get requirements(): RunRequirement[] {
    return this.calls.requirements
  }

  /** What was decided about a call that has not been started since. */
  decision(toolCallId: string): Decision | undefined {
    return this.calls.decision(toolCallId)
  }

  /** Forgets what runs inside of this one wait for. */
  dropLifted(): void {
    this.calls.requirements = this.requirements.filter(({ memberRunId }) => memberRunId === undefined)
  }

  /** What the run still waits for. */
  get openRequirements(): RunRequirement[] {
    return this.calls.openRequirements
  }

  /** Index of the first event that has shown some of the answer; undefined while nothing stands. */
  get contentSince(): number | undefined {
    return this.shown.since
  }

  /** Index after which the content of the model step that has not finished was shown; the last one when none was. */
  get beforeOpenStep(): number {
    const { openSince } = this.shown
    return openSince === undefined ? this.lastIndex : openSince - 1
  }

  tool(toolCallId: string): ToolExecution | undefined {
    return this.calls.get(toolCallId)
  }

  /**
   * Takes an id for a call that is about to be made. False when another call of the log has it, or ever had: decisions
   * find their call by it, over all runs of the log.
   */
  claimCall(toolCallId: string): boolean {
    return this.nested.claimCall(toolCallId)
  }

  /** All text that was shown and not withdrawn. */
  get text(): string {
    return this.shown.text
  }

  get reasoningContent(): string {
    return this.shown.reasoning
  }

  /** The structured answer, once it was shown. */
  get structuredContent(): RunBody['content'] {
    return typeof this.rest.content === 'object' ? this.rest.content : undefined
  }

  get citations(): Citations | undefined {
    return this.rest.citations
  }

  /** Text of the model step that has not finished. */
  get openText(): string {
    return this.shown.openText
  }

  get openReasoning(): string {
    return this.shown.openReasoning
  }

  /** Tokens so far, over all model requests of the run. */
  get totalTokens(): number {
    return this.counts.totalTokens ?? 0
  }

  apply({ event, facts, source }: LogEntry, index: number, at: number): void {
    this.lastIndex = index
    if (isDurable({ event })) this.durablePoints += 1
    if (source) {
      this.nested.apply(source, { event, facts }, index, at)
      const parent = this.nested.get(source.parentRunId!)?.fold ?? this
      // A decision counts for one leg of the run that it was passed on to: what that one asks again is asked anew.
      for (const decision of facts?.decisions ?? []) parent.calls.handOver(decision)
      return
    }
    this.endedAt = endsLeg(event) ? at : undefined
    switch (event.event) {
      case 'RunStarted':
        this.status = 'running'
        this.startedAt = at
        if (event.model !== undefined) this.rest.model = event.model
        if (event.modelProvider !== undefined) this.rest.modelProvider = event.modelProvider
        break
      case 'RunContent':
        this.shown.since ??= index
        if (typeof event.content === 'string' || event.reasoningContent !== undefined) {
          const content = typeof event.content === 'string' ? event.content : ''
          this.shown.add(index, content, event.reasoningContent ?? '')
        }
        if (typeof event.content === 'object' && event.content !== null) this.rest.content = event.content
        if (event.contentType !== undefined) this.rest.contentType = event.contentType
        if (event.citations) this.rest.citations = event.citations
        break
      case 'RunRecovered':
        this.withdraw(event.discardAfter)
        break
      case 'ModelRequestStarted':
        this.hasAsked = true
        // Whoever asks for the first time after it has put it to the messages that join here.
        if (facts?.messages) this.inputs = []
        break
      case 'ModelRequestCompleted':
        this.shown.closeStep()
        this.tasks.apply(event)
        if (event.model !== undefined) this.rest.model = event.model
        if (event.modelProvider !== undefined) this.rest.modelProvider = event.modelProvider
        break
      case 'ToolCallCompleted':
        if (holdsMedia(event)) this.calls.addMade(event.tool.toolCallId, event)
        this.calls.set(event.tool)
        break
      case 'ToolCallStarted':
        this.calls.start(event.tool)
        break
      case 'ToolCallError':
        if (!this.tool(event.tool.toolCallId)?.result) this.calls.set(event.tool)
        break
      case 'RunContinued':
        this.status = 'running'
        this.beginLeg()
        if (this.nestedId === undefined) this.nested.beginLeg()
        this.pausedAt = {}
        delete this.rest.error
        break
      case 'RunPaused':
        this.status = 'paused'
        this.approvalTerms = facts?.approvalTerms
        this.wakeAt = facts?.wakeAt
        if (event.workflow) this.pausedAt = pauseOf(event.workflow)
        this.calls.requirements = event.requirements
        for (const tool of event.tools ?? []) this.calls.set(tool)
        break
      case 'RunCancelled':
        this.shown.closeStep()
        this.status = 'cancelled'
        // It raced with another end, and won.
        delete this.rest.error
        break
      case 'RunError': {
        this.shown.closeStep()
        this.status = 'error'
        const { errorCode, content: message, errorType, errorId, additionalData, retryable } = event
        this.rest.error = { errorCode, message, errorType, errorId, additionalData, retryable }
        break
      }
      case 'RunCompleted': {
        this.shown.closeStep()
        this.withheld.clear()
        this.status = 'completed'
        const {
          event: _name,
          status: _status,
          extraData: _extra,
          nestedRuns: _nested,
          stepResults: _results,
          ...answer
        } = event
        this.rest = { ...this.rest, ...answer, contentType: answer.contentType ?? this.rest.contentType }
        break
      }
      default:
        this.tasks.apply(event)
    }
    this.steps.apply({ event, facts })
    if (facts) this.applyFacts({ event, facts }, at)
  }

  /**
   * Goes on from the first `count` messages. What later ones have said and called is dropped, and what the user has
   * said that is no message yet.
   *
   * @returns as `withdrawUnfinished`.
   */
  keep(count: number): number | undefined {
    this.messages.length = Math.min(count, this.messages.length)
    this.inheritedMessages = Math.min(this.inheritedMessages, this.messages.length)
    this.calls.keepOnly(calledIn(this.messages))
    delete this.rest.citations
    this.inputs = []
    this.hasAsked = false
    return this.withdrawUnfinished()
  }

  /**
   * Withdraws what was shown and has become part of no message.
   *
   * @returns the index after which what was shown is void; undefined when all of it stands.
   */
  withdrawUnfinished(): number | undefined {
    this.messageIndexes.length = this.messages.length
    const after = this.messageIndexes.at(-1) ?? -1
    const isStructured = this.rest.content !== undefined && (this.contentSince ?? -1) > after
    if (!isStructured && !this.shown.isAfter(after)) return undefined
    this.withdraw(after)
    return after
  }

  /** The whole record, as of now. */
  body(now: number): RunBody {
    const { text, tools, reasoningContent } = this
    const nestedRuns = this.nestedRuns(now)
    return {
      ...this.media,
      ...this.rest,
      contentType: this.rest.contentType ?? 'str',
      ...(this.rest.content === undefined && text !== '' && { content: text }),
      ...(reasoningContent !== '' && { reasoningContent }),
      ...(this.messages.length > 0 && { messages: this.visibleMessages }),
      ...(tools.length > 0 && { tools }),
      ...(this.requirements.length > 0 && { requirements: this.requirements }),
      ...(nestedRuns && { nestedRuns }),
      ...this.pausedAt,
      ...this.stepBody,
      metrics: this.rest.metrics ?? this.metrics(now),
    }
  }

  /** Tokens of the current leg, with those of the runs inside of the log: what earlier ones have used was counted when they ended. */
  get legUsage(): TokenCounts {
    const used = { ...this.ofLeg }
    if (this.nestedId === undefined) this.nested.addUsageTo(used)
    return used
  }

  /** Counts what is used from now on as another leg's. False where nothing was counted. */
  beginLeg(): boolean {
    if (Object.keys(this.ofLeg).length === 0) return false
    this.ofLeg = {}
    return true
  }

  /** Tokens and times so far. */
  metrics(now: number): RunMetrics {
    const { details, ...counts } = copyMetrics(this.counts)
    return {
      ...counts,
      ...(this.startedAt !== undefined && { duration: Math.max(0, (this.endedAt ?? now) - this.startedAt) / 1000 }),
      ...(details && { details }),
    }
  }

  /** What an output guardrail has not passed stays with the run. */
  private get visibleMessages(): Message[] {
    if (this.withheld.size === 0) return this.messages
    return this.messages.map((message) => {
      if (!this.withheld.has(message.id)) return message
      const { reasoningContent: _reasoning, providerData: _data, ...rest } = message
      return { ...rest, content: '' }
    })
  }

  private get stepBody(): Partial<RunBody> {
    const { results, requirements, errors } = this.steps
    return {
      ...(results.length > 0 && { stepResults: results }),
      ...(requirements.length > 0 && { stepRequirements: requirements }),
      ...(errors.length > 0 && { errorRequirements: errors }),
    }
  }

  private applyFacts({ event, facts = {} }: LogEntry, at: number): void {
    if (facts.historyRunIds) this.historyRunIds = facts.historyRunIds
    if (facts.origin) this.rest = { ...this.rest, ...facts.origin }
    if (facts.step?.takenEvent !== undefined) this.nested.taken.add(facts.step)
    if (facts.replaces !== undefined) this.replaces = facts.replaces
    if (facts.keptMessages !== undefined) this.keep(facts.keptMessages)
    if (facts.inherited) this.inherit(facts.inherited, facts.messages?.length ?? 0)
    if (facts.inputs) this.inputs = [...this.inputs, ...facts.inputs]
    for (const decision of facts.decisions ?? []) this.calls.decide(decision)
    for (const message of facts.messages ?? []) {
      this.add(message)
      if (facts.isWithheld) this.withheld.add(message.id)
      if (message.role === 'assistant' && message.metrics && event.event === 'ModelRequestCompleted') {
        addRequest(this.counts, message.metrics, event)
        addUsage(this.ofLeg, message.metrics)
      }
    }
    if (facts.toolMessageId === undefined) return
    if (event.event === 'ToolCallCompleted' || event.event === 'ToolCallError') {
      this.add(toolMessage(facts.toolMessageId, event.tool, at))
    }
  }

  private add(message: Message): void {
    this.messages.push(message)
    this.messageIndexes.push(this.lastIndex)
  }

  private inherit({ tools, requirements, withheld = [] }: Inherited, messageCount: number): void {
    for (const id of withheld) this.withheld.add(id)
    for (const tool of tools) this.calls.set(tool)
    this.calls.requirements = requirements
    this.inheritedMessages = messageCount
  }

  private withdraw(after: number): void {
    this.shown.withdraw(after)
    delete this.rest.content
  }
}

function pauseOf({ pausedStepIndex, pausedStepName, pauseKind, resumeAt, eventName }: WorkflowPause): Partial<RunBody> {
  return { pausedStepIndex, pausedStepName, pauseKind, resumeAt, eventName }
}
