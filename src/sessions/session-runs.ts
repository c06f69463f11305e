import type { Run } from '../agents/log/run-record.js'
import type { Caller } from '../core/caller.js'
import type { Slice } from '../core/page.js'
import type { RunFilter } from '../runs/run-repository.js'

/** What sessions need to know of, and do with, their runs. */
export interface SessionRuns {
  /** The newest runs before the cursor, oldest first. */
  list(caller: Caller, filter: RunFilter): Promise<Slice<Run>>
  /** @throws NotFoundError `RUN_NOT_FOUND` */
  get(caller: Caller, runId: string): Promise<Run>
  /** Ends a run; returns when nothing of it follows any more. */
  cancel(caller: Caller, runId: string): Promise<unknown>
  /** Ids of the pending and running runs of a session, in order of acceptance. */
  activeOf(sessionId: string): Promise<string[]>
}
