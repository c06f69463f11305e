import { decided, isWaiting, resolved } from './decision.js'
import type { Decision } from './decision.js'
import type { ApprovalTerms, Inherited, LogEntry } from './entry.js'
import { endsLeg } from './events.js'
import { NestedRuns } from './nested-runs.js'
import type { NestedRun } from './nested-runs.js'
import { nestedRecord } from './run-of.js'
import { addMedia, holdsMedia } from './media.js'
import type { Media } from './media.js'
import type { Citations, Message } from './message.js'
import { addRequest, addUsage } from './metrics.js'
import type { RunMetrics, TokenCounts } from './metrics.js'
import type { Run, RunBody, RunInput, RunStatus } from './run-record.js'
import type { RunRequirement, ToolExecution } from './tool-execution.js'
import { TaskList } from './task-list.js'
import { calledIn } from './tool-exchange.js'

/** Text that the run has shown, with the index of the event that showed its first part. */
interface ShownText {
  index: number
  content: string
  reasoning: string
}

/**
 * The record of a run, folded from its log: what the run has said, called and used so far. A run that goes on after a
 * pause or a crash reads from here where it stands, so nothing else has to be remembered.
 */
export class RunFold {
  status: RunStatus = 'pending'
  /** Index of the last event; -1 before the first. */
  lastIndex = -1
  /** Messages of this run, in order; those of earlier runs are not among them. */
  readonly messages: Message[] = []
  /** The earlier runs whose messages come before this run's own, once they were chosen. */
  historyRunIds: readonly string[] | undefined
  requirements: RunRequirement[] = []
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
  /** Index of the first event that has shown some of the answer; undefined while nothing stands. */
  contentSince: number | undefined

  /** The runs inside of this log, shared by the folds of all of them. */
  readonly nested: NestedRuns

  /** What a team has to do, in the mode `tasks`. */
  readonly tasks = new TaskList()
  /** Rounds of a team that have begun. */
  rounds = 0
  isInRound = false
  hasAnsweredInRound = false

  private readonly decisions = new Map<string, Decision>()
  private endedAt: number | undefined
  private readonly toolsById = new Map<string, ToolExecution>()
  private readonly mediaByCall = new Map<string, Media>()
  /** Index of the entry that brought each message. */
  private readonly messageIndexes: number[] = []
  private readonly shown: ShownText[] = []
  private step: ShownText[] = []
  private readonly counts: RunMetrics = {}
  private ofLeg: TokenCounts = {}
  private readonly withheld = new Set<string>()
  private rest: Partial<RunBody> = {}

  /** Of a run inside of a log; undefined for the log's own. */
  private readonly nestedId: string | undefined

  /** @param inside where this is the fold of a run inside of a log. */
  constructor(inside?: { nested: NestedRuns; runId: string }) {
    this.nestedId = inside?.runId
    this.nested = inside?.nested ?? new NestedRuns((nested, runId) => new RunFold({ nested, runId }))
  }

  /** The runs directly inside of this one whose calls stand. */
  get children(): NestedRun[] {
    const all = this.nested.of(this.nestedId)
    return all.filter(({ start: { toolCallId } }) => toolCallId === undefined || this.toolsById.has(toolCallId))
  }

  /** The records of the runs directly inside of this one; undefined when there are none. */
  nestedRuns(now: number): Run[] | undefined {
    const { children } = this
    return children.length > 0 ? children.map((run) => nestedRecord(run, now)) : undefined
  }

  /** What the tools have made. */
  get media(): Media {
    const all: Media = {}
    for (const made of this.mediaByCall.values()) addMedia(all, made)
    return all
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
    return [...this.toolsById.values()]
  }

  /** What was decided about a call that has not been started since. */
  decision(toolCallId: string): Decision | undefined {
    return this.decisions.get(toolCallId)
  }

  /** What the run still waits for. */
  get openRequirements(): RunRequirement[] {
    return this.requirements.filter(({ toolExecution }) => isWaiting(toolExecution))
  }

  /** Index after which the content of the model step that has not finished was shown; the last one when none was. */
  get beforeOpenStep(): number {
    const [first] = this.step
    return first ? first.index - 1 : this.lastIndex
  }

  tool(toolCallId: string): ToolExecution | undefined {
    return this.toolsById.get(toolCallId)
  }

  /** Whether the log has ever had a call of this id: what it has done is done, also where it was cut off since. */
  hasCalled(toolCallId: string): boolean {
    return this.nested.callIds.has(toolCallId)
  }

  /** All text that was shown and not withdrawn. */
  get text(): string {
    return this.join('content')
  }

  get reasoningContent(): string {
    return this.join('reasoning')
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
    return this.step.map(({ content }) => content).join('')
  }

  get openReasoning(): string {
    return this.step.map(({ reasoning }) => reasoning).join('')
  }

  /** Tokens so far, over all model requests of the run. */
  get totalTokens(): number {
    return this.counts.totalTokens ?? 0
  }

  apply({ event, facts, source }: LogEntry, index: number, at: number): void {
    this.lastIndex = index
    if (source) {
      this.nested.apply(source, { event, facts }, index, at)
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
        this.contentSince ??= index
        if (typeof event.content === 'string' || event.reasoningContent !== undefined) {
          const content = typeof event.content === 'string' ? event.content : ''
          this.step.push({ index, content, reasoning: event.reasoningContent ?? '' })
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
        this.closeStep()
        this.hasAnsweredInRound = true
        if (event.model !== undefined) this.rest.model = event.model
        if (event.modelProvider !== undefined) this.rest.modelProvider = event.modelProvider
        break
      case 'ToolCallCompleted':
        if (holdsMedia(event)) this.mediaByCall.set(event.tool.toolCallId, event)
        this.setTool(event.tool)
        break
      case 'ToolCallStarted':
        this.setTool(event.tool)
        // A decision counts for one start: what is interrupted after it has to be asked about again.
        this.decisions.delete(event.tool.toolCallId)
        break
      case 'ToolCallError':
        if (!this.toolsById.get(event.tool.toolCallId)?.result) this.setTool(event.tool)
        break
      case 'RunContinued':
        this.status = 'running'
        this.beginLeg()
        if (this.nestedId === undefined) this.nested.beginLeg()
        delete this.rest.error
        break
      case 'RunPaused':
        this.status = 'paused'
        this.requirements = event.requirements
        this.approvalTerms = facts?.approvalTerms
        for (const tool of event.tools ?? []) this.setTool(tool)
        break
      case 'RunCancelled':
        this.closeStep()
        this.status = 'cancelled'
        // It raced with another end, and won.
        delete this.rest.error
        break
      case 'RunError': {
        this.closeStep()
        this.status = 'error'
        const { errorCode, content: message, errorType, errorId, additionalData, retryable } = event
        this.rest.error = { errorCode, message, errorType, errorId, additionalData, retryable }
        break
      }
      case 'RunCompleted': {
        this.closeStep()
        this.withheld.clear()
        this.status = 'completed'
        const { event: _name, status: _status, extraData: _extra, nestedRuns: _nested, ...answer } = event
        this.rest = { ...this.rest, ...answer, contentType: answer.contentType ?? this.rest.contentType }
        break
      }
      case 'TaskIterationStarted':
        this.rounds = event.iteration
        this.isInRound = true
        this.hasAnsweredInRound = false
        break
      case 'TaskIterationCompleted':
        this.isInRound = false
        break
      default:
        this.tasks.apply(event)
    }
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
    this.dropCallsOfOthers()
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
    if (!isStructured && ![...this.shown, ...this.step].some(({ index }) => index > after)) return undefined
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
      metrics: this.rest.metrics ?? this.metrics(now),
    }
  }

  /** Tokens of the current leg, with those of the runs inside of the log: what earlier ones have used was counted when they ended. */
  get legUsage(): TokenCounts {
    const used = { ...this.ofLeg }
    if (this.nestedId === undefined) this.nested.addUsageTo(used)
    return used
  }

  /** Counts what is used from now on as another leg's. */
  beginLeg(): void {
    this.ofLeg = {}
  }

  /** Tokens and times so far. */
  metrics(now: number): RunMetrics {
    const { details, ...counts } = this.counts
    return {
      ...counts,
      ...(this.startedAt !== undefined && { duration: Math.max(0, (this.endedAt ?? now) - this.startedAt) / 1000 }),
      ...(details && { details: copyOf(details) }),
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

  private applyFacts({ event, facts = {} }: LogEntry, at: number): void {
    if (facts.historyRunIds) this.historyRunIds = facts.historyRunIds
    if (facts.origin) this.rest = { ...this.rest, ...facts.origin }
    if (facts.replaces !== undefined) this.replaces = facts.replaces
    if (facts.keptMessages !== undefined) this.keep(facts.keptMessages)
    if (facts.inherited) this.inherit(facts.inherited, facts.messages?.length ?? 0)
    if (facts.inputs) this.inputs = [...this.inputs, ...facts.inputs]
    for (const decision of facts.decisions ?? []) this.applyDecision(decision)
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
    for (const tool of tools) this.setTool(tool)
    this.requirements = requirements
    this.inheritedMessages = messageCount
  }

  private setTool(tool: ToolExecution): void {
    this.toolsById.set(tool.toolCallId, tool)
    this.nested.callIds.add(tool.toolCallId)
  }

  private dropCallsOfOthers(): void {
    this.inheritedMessages = Math.min(this.inheritedMessages, this.messages.length)
    const called = calledIn(this.messages)
    for (const id of this.toolsById.keys()) {
      if (called.has(id)) continue
      this.toolsById.delete(id)
      this.mediaByCall.delete(id)
      this.decisions.delete(id)
    }
    this.requirements = this.requirements.filter(({ toolExecution }) => called.has(toolExecution.toolCallId))
    delete this.rest.citations
  }

  private applyDecision(decision: Decision): void {
    const { toolCallId } = decision
    this.decisions.set(toolCallId, decision)
    const waiting = this.toolsById.get(toolCallId)
    if (waiting) this.toolsById.set(toolCallId, decided(waiting, decision))
    this.requirements = this.requirements.map((requirement) =>
      requirement.toolExecution.toolCallId === toolCallId ? resolved(requirement, decision) : requirement,
    )
  }

  private closeStep(): void {
    const [first] = this.step
    if (!first) return
    // One piece per step is enough: text is only ever withdrawn from the beginning of a step.
    const content = this.step.map((piece) => piece.content).join('')
    this.shown.push({ index: first.index, content, reasoning: this.step.map((piece) => piece.reasoning).join('') })
    this.step = []
  }

  private withdraw(after: number): void {
    this.step = this.step.filter(({ index }) => index <= after)
    const kept = this.shown.findIndex(({ index }) => index > after)
    if (kept !== -1) this.shown.length = kept
    if (this.contentSince !== undefined && this.contentSince > after) this.contentSince = undefined
    delete this.rest.content
  }

  private join(part: 'content' | 'reasoning'): string {
    let joined = ''
    for (const piece of this.shown) joined += piece[part]
    for (const piece of this.step) joined += piece[part]
    return joined
  }
}

/** What the model sees as the answer to its tool call. */
function toolMessage(id: string, tool: ToolExecution, at: number): Message {
  return {
    id,
    role: 'tool',
    content: tool.result ?? '',
    toolCallId: tool.toolCallId,
    toolName: tool.toolName,
    ...(tool.toolArgs && { toolArgs: tool.toolArgs }),
    ...(tool.toolCallError !== undefined && { toolCallError: tool.toolCallError }),
    fromHistory: false,
    stopAfterToolCall: tool.stopAfterToolCall,
    createdAt: Math.floor(at / 1000),
  }
}

function copyOf(details: NonNullable<RunMetrics['details']>): NonNullable<RunMetrics['details']> {
  return Object.fromEntries(
    Object.entries(details).map(([role, models]) => [role, models.map((model) => ({ ...model }))]),
  )
}
