import type { CallState } from './call-record.js'
import type { ApprovalTerms } from './entry.js'
import type { NestedState } from './nested-runs.js'
import type { StepLogState } from './step-log.js'
import type { TaskListState } from './task-list.js'
import type { Message } from './message.js'
import type { RunMetrics, TokenCounts } from './metrics.js'
import type { RunBody, RunInput, RunStatus } from './run-record.js'
import type { ShownState } from './shown-content.js'

/** A `RunFold` as JSON: with the entries that follow, it comes to what the whole log does. Items of lists are never changed in place. */
export interface FoldState extends CallState, ShownState, StepLogState {
  status: RunStatus
  lastIndex: number
  durablePoints: number
  messages: Message[]
  /** Index of the entry that brought each message. */
  messageIndexes: number[]
  historyRunIds?: readonly string[]
  inheritedMessages: number
  inputs: readonly RunInput[]
  hasAsked: boolean
  replaces?: string
  approvalTerms?: ApprovalTerms
  /** Of the log's own run: those inside of it, at whatever depth. */
  nested?: NestedState[]
  tasks?: TaskListState
  wakeAt?: number
  /** Of the log's own run: every event from outside up to this place was taken by a step. */
  eventsTakenUpTo?: number
  /** And these, after it. */
  takenEvents?: number[]
  pausedAt?: Partial<RunBody>
  startedAt?: number
  endedAt?: number
  counts: RunMetrics
  ofLeg: TokenCounts
  withheldIds: string[]
  /** What ends and single events say of the record. */
  record: Partial<RunBody>
}
