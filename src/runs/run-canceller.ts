import { isEndStatus } from '../agents/log/run-record.js'
import type { EndStatus } from '../agents/log/run-record.js'
import { cancelEntries } from '../agents/run-ending.js'
import { SessionState } from '../agents/session-state.js'
import type { Caller } from '../core/caller.js'
import type { Clock } from '../core/clock.js'
import { NotFoundError } from '../core/errors.js'
import type { EventBus } from './event-bus.js'
import { legEnd, tellOfEnd } from './leg-end.js'
import type { LegWitnesses } from './leg-end.js'
import { LeaseLostError, RunLog } from './run-log.js'
import type { RunHead, RunRepository } from './run-repository.js'
import { parseRequest } from './run-request.js'
import { foldLog } from './stored-run.js'
import type { StoredMedia } from './stored-media.js'

export interface RunCancellerParts extends LegWitnesses {
  runs: RunRepository
  media: StoredMedia
  events: EventBus
  clock: Clock
  executorId: string
  /** Milliseconds that the executor has to end the run itself. */
  cancelWaitMs: number
}

/** What became of a run that was to be cancelled. */
export interface CancelledRun {
  runId: string
  sessionId: string
  status: EndStatus
}

/** How often the row is looked at while its executor ends the run, should no message come. */
const LOOK_MS = 250

/** Ends runs from outside of their execution. */
export class RunCanceller {
  /** Runs that are being ended by force, so that those who cancel one at the same time don't take it from each other. */
  private readonly ending = new Map<string, Promise<void>>()

  constructor(private readonly parts: RunCancellerParts) {}

  /**
   * Marks the run, which from then on takes nothing but its end; gives its executor the time to write that; and else
   * takes the run over and writes it itself. So the answer always is an end state.
   */
  async cancel(caller: Caller, runId: string, reason: string): Promise<CancelledRun> {
    const { runs, events, clock } = this.parts
    let head = await runs.requestCancel(caller, runId, clock.now())
    if (head?.status === 'running') {
      events.cancelRequested(runId)
      head = await this.untilEnded(caller, head)
    }
    for (let tries = 0; head && !isEndStatus(head.status); tries++) {
      // Another process has taken it over; taken from each other at once, it would never end.
      if (tries > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * LOOK_MS))
      await this.endOnce(head, reason)
      head = (await runs.get(caller, runId))?.head
    }
    if (!head) throw new NotFoundError('RUN_NOT_FOUND', `There is no run "${runId}".`)
    return { runId, sessionId: head.sessionId, status: endStatusOf(head) }
  }

  private async untilEnded(caller: Caller, marked: RunHead): Promise<RunHead | undefined> {
    const { runs, events } = this.parts
    const deadline = performance.now() + this.parts.cancelWaitMs
    let head: RunHead | undefined = marked
    while (head?.status === 'running' && performance.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, Math.min(LOOK_MS, Math.max(0, deadline - performance.now())))
        const forget = events.onCommitted(marked.runId, done)
        function done(): void {
          clearTimeout(timer)
          forget()
          resolve()
        }
      })
      head = (await runs.get(caller, marked.runId))?.head
    }
    return head
  }

  private endOnce(head: RunHead, reason: string): Promise<void> {
    const { runId } = head
    let ending = this.ending.get(runId)
    if (!ending) {
      ending = this.endByForce(head, reason).finally(() => this.ending.delete(runId))
      this.ending.set(runId, ending)
    }
    return ending
  }

  private async endByForce({ runId, attempt, sessionId }: RunHead, reason: string): Promise<void> {
    const { runs, clock, executorId } = this.parts
    const taken = await runs.takeOver(runId, attempt, executorId, clock.now())
    // Somebody was faster; what the run has become is in its row.
    if (!taken) return
    const fold = await foldLog(runs, taken.head)
    const state = new SessionState({}, { current_session_id: sessionId, current_run_id: runId })
    const log = new RunLog({
      ...this.parts,
      runId,
      attempt: taken.head.attempt,
      fold,
      state,
      isStreaming: false,
      onFailure: () => undefined,
    })
    for (const entry of cancelEntries(fold, clock.now(), reason)) log.append(entry)
    const ending = { runId, request: parseRequest(taken.request) }
    const end = legEnd(this.parts, ending, fold, 'cancelled', clock.now())
    try {
      await log.commit(end)
      tellOfEnd(this.parts, end)
    } catch (error) {
      if (!(error instanceof LeaseLostError)) throw error
    }
  }
}

function endStatusOf({ status }: RunHead): EndStatus {
  if (isEndStatus(status)) return status
  throw new TypeError(`The run is ${status}.`)
}
