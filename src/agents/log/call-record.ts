import { decided, isWaiting, resolved } from './decision.js'
import type { Decision } from './decision.js'
import { addMedia } from './media.js'
import type { Media } from './media.js'
import type { RunRequirement, ToolExecution } from './tool-execution.js'

type MadeMedia = Media & { toolCallId: string }

/** {@link CallRecord} as JSON. */
export interface CallState {
  tools: ToolExecution[]
  requirements: RunRequirement[]
  decisions: Decision[]
  /** Ids of calls that were cut off. */
  formerIds: string[]
  /** What calls have made. */
  made: MadeMedia[]
}

/** The tool calls of a run: how each stands, what is waited for, and what was decided. */
export class CallRecord {
  requirements: RunRequirement[]
  private readonly byId: Map<string, ToolExecution>
  /** Ids of all calls that there ever were, also of those that were cut off since. */
  private readonly ids: Set<string>
  private readonly decisions: Map<string, Decision>
  private readonly madeBy: Map<string, MadeMedia>

  /** @param onCall is told the id of each call that there ever was. */
  constructor(
    state: CallState = { tools: [], requirements: [], decisions: [], formerIds: [], made: [] },
    private readonly onCall: (toolCallId: string) => void = () => undefined,
  ) {
    this.requirements = state.requirements
    this.byId = new Map(state.tools.map((tool) => [tool.toolCallId, tool]))
    this.ids = new Set([...state.formerIds, ...this.byId.keys()])
    this.decisions = new Map(state.decisions.map((decision) => [decision.toolCallId, decision]))
    this.madeBy = new Map(state.made.map((made) => [made.toolCallId, made]))
    for (const id of this.ids) onCall(id)
  }

  /** In the order in which they were made. */
  get all(): ToolExecution[] {
    return [...this.byId.values()]
  }

  /** What they have made. */
  get media(): Media {
    const all: Media = {}
    for (const made of this.madeBy.values()) addMedia(all, made)
    return all
  }

  /** What is still waited for. */
  get openRequirements(): RunRequirement[] {
    return this.requirements.filter(({ toolExecution }) => isWaiting(toolExecution))
  }

  get(toolCallId: string): ToolExecution | undefined {
    return this.byId.get(toolCallId)
  }

  decision(toolCallId: string): Decision | undefined {
    return this.decisions.get(toolCallId)
  }

  set(tool: ToolExecution): void {
    this.byId.set(tool.toolCallId, tool)
    this.ids.add(tool.toolCallId)
    this.onCall(tool.toolCallId)
  }

  addMade(toolCallId: string, event: Media): void {
    const made: MadeMedia = { toolCallId }
    addMedia(made, event)
    this.madeBy.set(toolCallId, made)
  }

  start(tool: ToolExecution): void {
    this.set(tool)
    // A decision counts for one start: what is interrupted after it has to be asked about again.
    this.decisions.delete(tool.toolCallId)
  }

  decide(decision: Decision): void {
    const { toolCallId } = decision
    this.decisions.set(toolCallId, decision)
    const waiting = this.byId.get(toolCallId)
    if (waiting) this.byId.set(toolCallId, decided(waiting, decision))
    this.requirements = this.requirements.map((requirement) =>
      requirement.toolExecution.toolCallId === toolCallId ? resolved(requirement, decision) : requirement,
    )
  }

  /** Somebody else makes the call that this was decided about. */
  handOver({ toolCallId }: Decision): void {
    this.decisions.delete(toolCallId)
  }

  /** Drops calls that no message makes any more. */
  keepOnly(called: ReadonlySet<string>): void {
    for (const id of this.byId.keys()) {
      if (called.has(id)) continue
      this.byId.delete(id)
      this.madeBy.delete(id)
      this.decisions.delete(id)
    }
    this.requirements = this.requirements.filter(({ toolExecution }) => called.has(toolExecution.toolCallId))
  }

  state(): CallState {
    return {
      tools: this.all,
      requirements: this.requirements,
      decisions: [...this.decisions.values()],
      formerIds: [...this.ids].filter((id) => !this.byId.has(id)).toSorted(),
      made: [...this.madeBy.values()],
    }
  }
}
