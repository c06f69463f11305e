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
import { AcceptRun } from './accept.js'
import { AppendSegment } from './append.js'
import type { SqliteDatabase } from './database.js'
import { RunChanges } from './run-changes.js'
import { RunLeases } from './run-leases.js'
import { RunList } from './run-list.js'
import { RunReads } from './run-reads.js'
import { RunWakes } from './run-wakes.js'
import { SegmentReader } from './segment-store.js'

/** Runs and their logs: statements prepared once, writes in group commits. */
export class SqliteRunRepository implements RunRepository {
  private readonly accepting: AcceptRun
  private readonly appending: AppendSegment
  private readonly changes: RunChanges
  private readonly leases: RunLeases
  private readonly reads: RunReads
  private readonly lists: RunList
  private readonly log: SegmentReader
  private readonly wakes: RunWakes
  private readonly wakeReads: RunWakes

  constructor(private readonly database: SqliteDatabase) {
    const { writer, reader } = database
    this.accepting = new AcceptRun(writer)
    this.appending = new AppendSegment(writer)
    this.changes = new RunChanges(writer)
    this.leases = new RunLeases(writer)
    this.reads = new RunReads(reader)
    this.lists = new RunList(reader)
    this.log = new SegmentReader(reader)
    this.wakes = new RunWakes(writer)
    this.wakeReads = new RunWakes(reader)
  }

  accept(caller: Caller, unit: AcceptUnit): Promise<Accepted> {
    return this.database.write(() => this.accepting.execute(caller, unit))
  }

  begin(runId: string, executorId: string, segment: Segment, at: number): Promise<boolean> {
    return this.database.write(() => this.changes.begin(runId, executorId, segment, at))
  }

  append(unit: AppendUnit): Promise<Appended> {
    return this.database.write(() => this.appending.execute(unit))
  }

  requestCancel(caller: Caller, runId: string, at: number): Promise<RunHead | undefined> {
    return this.database.write(() => this.changes.requestCancel(caller, runId, at))
  }

  takeOver(runId: string, attempt: number, executorId: string, at: number): Promise<StoredRun | undefined> {
    return this.database.write(() => this.changes.takeOver(runId, attempt, executorId, at))
  }

  reopen(unit: ReopenUnit): Promise<boolean> {
    return this.database.write(() => this.leases.reopen(unit))
  }

  renewLease(executorId: string, leaseMs: number): Promise<void> {
    return this.database.write(() => this.leases.renew(executorId, leaseMs))
  }

  endLease(executorId: string): Promise<void> {
    return this.database.write(() => this.leases.end(executorId))
  }

  takeLapsed(executorId: string, components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]> {
    return this.database.write(() => this.leases.takeLapsed(executorId, components, limit, at))
  }

  due(executorId: string, components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]> {
    return this.database.write(() => this.leases.due(executorId, components, limit, at))
  }

  keepFollowed(runIds: readonly string[], forMs: number): Promise<void> {
    return this.database.write(() => this.leases.keepFollowed(runIds, forMs))
  }

  followedFor(runId: string): Promise<number> {
    return this.database.query(() => this.reads.followedFor(runId))
  }

  /** The same: processes on one file are few. */
  nextDue(executorId: string, components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]> {
    return this.due(executorId, components, limit, at)
  }

  heldBy(executorId: string, before: number, limit: number): Promise<StoredRun[]> {
    return this.database.query(() => this.reads.heldBy(executorId, before, limit))
  }

  cancelOverdue(before: number, limit: number): Promise<string[]> {
    return this.database.query(() => this.reads.cancelOverdue(before, limit))
  }

  get(caller: Caller, runId: string): Promise<StoredRun | undefined> {
    return this.database.query(() => this.reads.get(caller, runId))
  }

  list(caller: Caller, filter: RunFilter): Promise<Slice<StoredRun>> {
    return this.database.query(() => this.lists.list(caller, filter))
  }

  segments(runId: string, fromIndex: number, limit: number): Promise<Segment[]> {
    return this.database.query(() => this.log.from(runId, fromIndex, limit))
  }

  snapshots(runId: string, upTo: number): Promise<StoredSnapshot[]> {
    return this.database.query(() => this.log.snapshots(runId, upTo))
  }

  sendEvent(caller: Caller, runId: string, event: SentEvent, at: number) {
    return this.database.write(() => this.wakes.sendEvent(caller, runId, event, at))
  }

  receivedEvents(runId: string, after: number): Promise<ReceivedEvent[]> {
    return this.database.query(() => this.wakeReads.receivedEvents(runId, after))
  }

  toWake(components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]> {
    return this.database.query(() => this.wakeReads.toWake(components, limit, at))
  }

  postponeWake(runId: string, attempt: number, wakeAt: number | undefined, seenUpTo?: number): Promise<void> {
    return this.database.write(() => this.wakes.postponeWake(runId, attempt, wakeAt, seenUpTo))
  }

  window(sessionId: string, beforeSeq: number, limit: number): Promise<SessionWindow | undefined> {
    return this.database.query(() => this.reads.window(sessionId, beforeSeq, limit))
  }

  active(sessionId: string): Promise<string[]> {
    return this.database.query(() => this.reads.active(sessionId))
  }
}
