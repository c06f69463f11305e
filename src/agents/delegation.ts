import type { AgentContext } from './agent-context.js'
import type { ApprovalTerms } from './log/entry.js'
import type { Media } from './log/media.js'
import type { RunRequirement, ToolExecution } from './log/tool-execution.js'
import type { RunContext, Yielded } from './runnable.js'
import type { Tool } from './tool.js'

/** A call whose work is done by runs inside of the one that makes it. */
export interface DelegationContext {
  readonly run: RunContext
  readonly about: AgentContext
  readonly execution: ToolExecution
}

/** What came of a call that was delegated. */
export type Delegated =
  | { result: string; isError?: boolean; childRunId?: string; media?: Media }
  /** A run inside waits for somebody, so the call is not over. */
  | { waiting: readonly RunRequirement[]; terms?: ApprovalTerms }

/**
 * A tool whose calls run other components. Such a call is never repeated after a crash, and never asked about: what
 * was begun of it goes on at its own last durable point.
 */
export interface DelegatingTool extends Tool {
  delegate(args: unknown, context: DelegationContext): AsyncGenerator<Yielded, Delegated>
}

export function isDelegating(tool: Tool): tool is DelegatingTool {
  return 'delegate' in tool
}
