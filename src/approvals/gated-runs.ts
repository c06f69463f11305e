import type { Decision } from '../agents/log/decision.js'
import type { RunRequirement } from '../agents/log/tool-execution.js'
import type { StoredApproval } from './approval-repository.js'

/** What approvals need of runs. */
export interface GatedRuns {
  /**
   * Checks that decided calls can be made by the component as it is now.
   *
   * @throws ConflictError `RUN_NOT_CONTINUABLE`
   * @throws ValidationError `INVALID_TOOL_ARGS`
   */
  check(
    source: StoredApproval['source'],
    requirements: readonly RunRequirement[],
    decisions: readonly Decision[],
  ): Promise<void>
  /** Has a run go on in the background, as the caller that started it. */
  continue(runId: string): Promise<unknown>
}
