import type { LogEntry, NestedStart } from './entry.js'
import type { RunFold } from './fold.js'
import { addUsage } from './metrics.js'
import type { TokenCounts } from './metrics.js'
import type { RunSource } from './source.js'

/** A run inside of another, as its entries in the log of that one tell it. */
export interface NestedRun {
  readonly source: RunSource
  readonly start: NestedStart
  readonly fold: RunFold
  /** Milliseconds. */
  readonly createdAt: number
}

/** The runs inside of one log, at whatever depth: members of teams, and steps of workflows. */
export class NestedRuns {
  /** Ids of all calls that there ever were in the log: what tells two calls apart has to do so for all its runs. */
  readonly callIds = new Set<string>()
  private readonly byId = new Map<string, NestedRun>()

  constructor(private readonly newFold: (shared: NestedRuns, runId: string) => RunFold) {}

  apply(source: RunSource, { event, facts }: LogEntry, index: number, at: number): void {
    let run = this.byId.get(source.runId)
    if (!run) {
      const start = facts?.nested ?? { input: { inputContent: '' } }
      run = { source, start, fold: this.newFold(this, source.runId), createdAt: at }
      this.byId.set(source.runId, run)
    }
    run.fold.apply({ event, facts }, index, at)
  }

  /** A run whose first entry is about to be written. */
  add(run: NestedRun): void {
    this.byId.set(run.source.runId, run)
  }

  get(runId: string): NestedRun | undefined {
    return this.byId.get(runId)
  }

  /** The runs directly inside of a run, in the order in which they began; undefined stands for the log's own. */
  of(runId: string | undefined): NestedRun[] {
    const isChild = ({ source: { parentRunId = '' } }: NestedRun): boolean =>
      runId === undefined ? !this.byId.has(parentRunId) : parentRunId === runId
    return this.byId.size === 0 ? [] : [...this.byId.values()].filter(isChild)
  }

  /** Those that have begun and not ended, innermost first: whoever ends the log ends them before. */
  get open(): NestedRun[] {
    return [...this.byId.values()]
      .filter(({ fold: { status } }) => status === 'running' || status === 'paused')
      .toReversed()
  }

  /** Adds what they have used in the current leg to other counts, in place. */
  addUsageTo(counts: TokenCounts): void {
    for (const { fold } of this.byId.values()) addUsage(counts, fold.legUsage)
  }

  /** A new leg of the log begins: what was used before was counted when its leg ended. */
  beginLeg(): void {
    for (const { fold } of this.byId.values()) fold.beginLeg()
  }
}
