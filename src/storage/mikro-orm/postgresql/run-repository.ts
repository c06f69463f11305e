import type { ReceivedEvent, SentEvent } from '../../../agents/runnable.js'
import type { Caller } from '../../../core/caller.js'
import type { Slice } from '../../../core/page.js'
import type {
  AcceptUnit,
  Accepted,
  AppendUnit,
  ComponentId,
  Appended,
  ReopenUnit,
  RunFilter,
  RunHead,
  RunRepository,
  Segment,
  SessionWindow,
  StoredRun,
  StoredSnapshot,
} from '../../../runs/run-repository.js'
import { AcceptRun, type AcceptMemory } from './accept.js'
import type { PostgresDatabase } from './database.js'
import { RunLeases } from './leases.js'
import { BeginRun, ReopenRun } from './legs.js'
import { PendingLimit } from './pending-limit.js'
import { listRuns } from './run-list.js'
import { RunReads } from './run-reads.js'
import { RunWakes, SendEvent } from './run-wakes.js'
import { readSegments, readSnapshots } from './segments.js'

/** Runs and their logs: units in groups, everything else in single statements. */
export class PostgresRunRepository implements RunRepository {
  private readonly leases: RunLeases
  private readonly reads: RunReads
  private readonly wakes: RunWakes
  private readonly memory: AcceptMemory = { pending: new PendingLimit(), sweptAt: 0 }

  constructor(private readonly database: PostgresDatabase) {
    this.leases = new RunLeases(database.query)
    this.reads = new RunReads(database.query)
    this.wakes = new RunWakes(database.query)
  }

  accept(caller: Caller, unit: AcceptUnit): Promise<Accepted> {
    return this.database.units.write(new AcceptRun(caller, unit, this.memory))
  }

  begin(runId: string, executorId: string, segment: Segment, at: number): Promise<boolean> {
    return this.database.units.write(new BeginRun(runId, executorId, segment, at))
  }

  append(unit: AppendUnit): Promise<Appended> {
    return this.database.units.append(unit)
  }

  reopen(unit: ReopenUnit): Promise<boolean> {
    return this.database.units.write(new ReopenRun(unit))
  }

  requestCancel(caller: Caller, runId: string, at: number): Promise<RunHead | undefined> {
    return this.leases.requestCancel(caller, runId, at)
  }

  takeOver(runId: string, attempt: number, executorId: string, at: number): Promise<StoredRun | undefined> {
    return this.leases.takeOver(runId, attempt, executorId, at)
  }

  renewLease(executorId: string, leaseMs: number): Promise<void> {
    return this.leases.renew(executorId, leaseMs)
  }

  endLease(executorId: string): Promise<void> {
    return this.leases.end(executorId)
  }

  takeLapsed(executorId: string, components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]> {
    return this.leases.takeLapsed(executorId, components, limit, at)
  }

  due(executorId: string, components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]> {
    return this.leases.due(executorId, components, limit, at)
  }

  async nextDue(
    executorId: string,
    components: readonly ComponentId[],
    limit: number,
    at: number,
  ): Promise<StoredRun[]> {
    const due: StoredRun[] = []
    for (;;) {
      const wanted = limit - due.length
      const told = await this.database.takeWakeUps(wanted)
      if (told.length > 0) due.push(...(await this.leases.dueOf(told, executorId, components, at)))
      // A job too many, of a run that somebody has begun or cancelled, leaves room for another.
      if (told.length < wanted || due.length === limit) return due
    }
  }

  heldBy(executorId: string, before: number, limit: number): Promise<StoredRun[]> {
    return this.reads.heldBy(executorId, before, limit)
  }

  cancelOverdue(before: number, limit: number): Promise<string[]> {
    return this.reads.cancelOverdue(before, limit)
  }

  get(caller: Caller, runId: string): Promise<StoredRun | undefined> {
    return this.reads.get(caller, runId)
  }

  list(caller: Caller, filter: RunFilter): Promise<Slice<StoredRun>> {
    return listRuns(this.database.query, caller, filter)
  }

  segments(runId: string, fromIndex: number, limit: number): Promise<Segment[]> {
    return readSegments(this.database.query, runId, fromIndex, limit)
  }

  window(sessionId: string, beforeSeq: number, limit: number): Promise<SessionWindow | undefined> {
    return this.reads.window(sessionId, beforeSeq, limit)
  }

  active(sessionId: string): Promise<string[]> {
    return this.reads.active(sessionId)
  }

  async sendEvent(caller: Caller, runId: string, event: SentEvent, at: number) {
    return this.database.units.write(new SendEvent(caller, runId, event, at))
  }

  receivedEvents(runId: string, after: number): Promise<ReceivedEvent[]> {
    return this.wakes.receivedEvents(runId, after)
  }

  toWake(components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]> {
    return this.wakes.toWake(components, limit, at)
  }

  postponeWake(runId: string, attempt: number, wakeAt: number | undefined, seenUpTo?: number): Promise<void> {
    return this.wakes.postponeWake(runId, attempt, wakeAt, seenUpTo)
  }

  snapshots(runId: string, upTo: number): Promise<StoredSnapshot[]> {
    return readSnapshots(this.database.query, runId, upTo)
  }

  keepFollowed(runIds: readonly string[], forMs: number): Promise<void> {
    return this.leases.keepFollowed(runIds, forMs)
  }

  followedFor(runId: string): Promise<number> {
    return this.reads.followedFor(runId)
  }
}
