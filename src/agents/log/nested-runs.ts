import type { LogEntry, NestedStart } from './entry.js'
import type { FoldState } from './fold-state.js'
import type { RunFold } from './fold.js'
import { addUsage } from './metrics.js'
import type { TokenCounts } from './metrics.js'
import type { RunSource } from './source.js'
import { TakenEvents } from './taken-events.js'
import type { TakenState } from './taken-events.js'

/** A run inside of another, as its entries in the log of that one tell it. */
export interface NestedRun {
  readonly source: RunSource
  readonly start: NestedStart
  readonly fold: RunFold
  /** When its first entry was written, which whoever reads the log finds, too; milliseconds. 0 before it has one. */
  createdAt: number
}

/** {@link NestedRun} as JSON. */
export interface NestedState extends Omit<NestedRun, 'fold'> {
  state: FoldState
}

type NewFold = (shared: NestedRuns, runId: string, state?: FoldState) => RunFold

/** The runs inside of one log, at whatever depth: members of teams, and steps of workflows. */
export class NestedRuns {
  /** Events from outside that a step has taken, of whichever of the runs. */
  readonly taken: TakenEvents
  private readonly byId = new Map<string, NestedRun>()
  /** Ids of all calls of the log, also of its own run's. */
  private readonly callIds = new Set<string>()
  /** The runs inside of each; those of the log's own run are under undefined. */
  private readonly byParent = new Map<string | undefined, NestedRun[]>()
  /** What each came to when it was last asked for, as long as nothing has happened since. */
  private readonly states = new Map<string, NestedState>()

  constructor(
    private readonly newFold: NewFold,
    { nested = [], ...taken }: { nested?: readonly NestedState[] } & TakenState = {},
  ) {
    this.taken = new TakenEvents(taken)
    for (const { state, ...run } of nested) {
      this.place({ ...run, fold: newFold(this, run.source.runId, state) })
    }
  }

  apply(source: RunSource, { event, facts }: LogEntry, index: number, at: number): void {
    const { runId } = source
    const known = this.byId.get(runId)
    const run = known ?? this.add(source, facts?.nested ?? { input: { inputContent: '' } })
    if (!hasBegun(run)) run.createdAt = at
    this.states.delete(runId)
    run.fold.apply({ event, facts }, index, at)
  }

  /** A run whose first entry is about to be written. */
  add(source: RunSource, start: NestedStart): NestedRun {
    const run = { source, start, fold: this.newFold(this, source.runId), createdAt: 0 }
    this.place(run)
    return run
  }

  get(runId: string): NestedRun | undefined {
    return this.byId.get(runId)
  }

  /** The runs directly inside of a run, in the order in which they began; undefined stands for the log's own. */
  of(runId: string | undefined): NestedRun[] {
    return (this.byParent.get(runId) ?? []).filter(hasBegun)
  }

  /**
   * Those inside of a run, at whatever depth, that have begun and not ended, innermost first: whoever ends that run
   * ends them before.
   */
  openIn(runId: string | undefined): NestedRun[] {
    const isOpen = ({ fold: { status } }: NestedRun): boolean => status === 'running' || status === 'paused'
    const all = (parent: string | undefined): NestedRun[] =>
      this.of(parent).flatMap((run) => [...(isOpen(run) ? [run] : []), ...all(run.source.runId)])
    return all(runId).toReversed()
  }

  /** Whether a run is inside of another one, at whatever depth. */
  isInside({ parentRunId }: RunSource, runId: string): boolean {
    for (let at = parentRunId; at !== undefined; at = this.byId.get(at)?.source.parentRunId) {
      if (at === runId) return true
    }
    return false
  }

  /** Takes the id of a call; false when a call of the log has it already. */
  claimCall(toolCallId: string): boolean {
    const isFree = !this.callIds.has(toolCallId)
    this.callIds.add(toolCallId)
    return isFree
  }

  /** Adds what they have used in the current leg to other counts, in place. */
  addUsageTo(counts: TokenCounts): void {
    for (const { fold } of this.byId.values()) addUsage(counts, fold.legUsage)
  }

  /** A new leg of the log begins: what was used before was counted when its leg ended. */
  beginLeg(): void {
    for (const [runId, { fold }] of this.byId) if (fold.beginLeg()) this.states.delete(runId)
  }

  /** Those that have not changed since are the same objects as before. */
  state(): { nested?: NestedState[] } & TakenState {
    const taken = this.taken.state()
    const begun = [...this.byId.values()].filter(hasBegun)
    if (begun.length === 0) return taken
    return {
      ...taken,
      nested: begun.map(({ fold, ...run }) => {
        const { runId } = run.source
        const state = this.states.get(runId) ?? { ...run, state: fold.state() }
        this.states.set(runId, state)
        return state
      }),
    }
  }

  private place(run: NestedRun): void {
    const { runId, parentRunId } = run.source
    const parent = parentRunId !== undefined && this.byId.has(parentRunId) ? parentRunId : undefined
    this.byId.set(runId, run)
    const siblings = this.byParent.get(parent)
    if (siblings) siblings.push(run)
    else this.byParent.set(parent, [run])
  }
}

/** What has no entry yet is not in the log. */
function hasBegun({ fold }: NestedRun): boolean {
  return fold.lastIndex >= 0
}
