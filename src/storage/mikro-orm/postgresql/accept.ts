import type { Caller } from '../../../core/caller.js'
import type { AcceptUnit, Accepted } from '../../../runs/run-repository.js'
import { keyReused, placeOf, refuseForeign, runExists, runNotFound, sessionBusy, type Place } from '../accept-rules.js'
import { escapeText, foldText } from '../text.js'
import type { PendingLimit } from './pending-limit.js'
import type { RunRow, SessionRow, View } from './view.js'
import type { Query, Unit, Wants } from './work.js'
import type { Writes } from './writes.js'

const LOCK_EARLIER = {
  name: 'agentos_lock_active_runs',
  text: `SELECT run_id, seq FROM agentos_runs WHERE session_id = $1 AND status IN ('pending', 'running')
    AND root_run_id IS NULL ORDER BY run_id FOR UPDATE`,
}
const MARK_EARLIER = {
  name: 'agentos_mark_earlier_runs',
  text: `UPDATE agentos_runs SET cancel_requested_at = coalesce(cancel_requested_at, $1), hidden = greatest(hidden, $2)
    WHERE run_id = ANY($3::text[])`,
}
const SELECT_MARKED = {
  name: 'agentos_marked_before',
  text: `SELECT run_id FROM agentos_runs WHERE session_id = $1 AND cancel_requested_at = $2 AND seq < $3 ORDER BY seq`,
}
const SELECT_BEFORE = {
  name: 'agentos_has_earlier_run',
  text: 'SELECT 1 FROM agentos_runs WHERE session_id = $1 AND seq < $2 LIMIT 1',
}
const SWEEP_KEYS = {
  name: 'agentos_sweep_keys',
  text: `DELETE FROM agentos_idempotency_keys WHERE (scope, key) IN
    (SELECT scope, key FROM agentos_idempotency_keys WHERE expires_at <= $1 LIMIT 1000 FOR UPDATE SKIP LOCKED)`,
}

const SWEEP_EVERY_MS = 60_000

/** What accepting has to remember from one run to the next. */
export interface AcceptMemory {
  pending: PendingLimit
  /** When expired idempotency keys were removed last. */
  sweptAt: number
}

/** Takes in a new run, as one unit. The rules are those of SQLite. */
export class AcceptRun implements Unit<Accepted> {
  readonly wants: Wants

  constructor(
    private readonly caller: Caller,
    private readonly unit: AcceptUnit,
    private readonly memory: AcceptMemory,
  ) {
    const { run, forkOf, concurrency, idempotency } = unit
    this.wants = {
      sessionId: run.sessionId,
      runIds: forkOf === undefined ? [run.runId] : [run.runId, forkOf],
      ...(concurrency !== 'allow' && { lineAt: run.createdAt }),
      ...(idempotency && { idempotency }),
      isAlone: this.mayInterrupt,
    }
  }

  async decide(view: View, writes: Writes, isRepeat: boolean): Promise<Accepted> {
    const { run, idempotency, forkOf, deferred } = this.unit
    if (forkOf !== undefined && !view.run(forkOf)) throw runNotFound(forkOf)
    const session = view.session(run.sessionId)
    const known = view.run(run.runId)
    if (isRepeat && known && session && this.isOurs(known)) return this.asAccepted(view.query, known, session)
    const repeated = this.repeated(view)
    if (repeated !== undefined) return { outcome: 'repeated', runId: repeated }

    if (session) refuseForeign(this.caller, this.unit, session)
    if (known) throw runExists(run.runId)
    const earlier = this.mayInterrupt ? await this.lockEarlier(view.query) : []
    const place = placeOf(this.unit, session, {
      hasNext: () => view.next(this) !== undefined,
      hasActive: () => earlier.length > 0,
    })
    if (!place) throw sessionBusy(run.sessionId)
    if (place.status === 'pending' || deferred) await this.memory.pending.check(view.query, this.unit.maxPending)

    const starts = place.status === 'running' && !deferred
    const isNewSession = !session
    const accepted: Exclude<Accepted, { outcome: 'repeated' }> = starts
      ? { outcome: 'running', seq: 0, isNewSession }
      : { outcome: 'pending', seq: 0, isNewSession, interrupted: place.interrupts ? earlier : [] }
    this.writeRun(writes, starts, (seq) => (accepted.seq = seq))
    if (session) this.updateSession(writes, session, place.takesSession)
    else this.insertSession(writes, place.takesSession)
    if (deferred) this.wake(writes, place)
    if (idempotency) this.storeKey(writes, idempotency)
    if (starts) {
      writes.insertSegment(run.runId, this.unit.firstSegment)
      writes.insertAll(this.unit.audits, this.unit.deliveries)
    } else if (place.interrupts && earlier.length > 0) {
      const hides = this.unit.concurrency === 'rollback' ? 1 : 0
      writes.execute(MARK_EARLIER, [run.createdAt, hides, earlier])
    }
    return accepted
  }

  private get mayInterrupt(): boolean {
    return this.unit.concurrency === 'interrupt' || this.unit.concurrency === 'rollback'
  }

  /** The run that the same request became before. */
  private repeated(view: View): string | undefined {
    const { idempotency, run } = this.unit
    if (!idempotency) return undefined
    const known = view.key(idempotency.scope, idempotency.key)
    if (!known || known.expires_at <= run.createdAt) return undefined
    if (known.fingerprint === idempotency.fingerprint) return known.run_id
    throw keyReused(idempotency.key)
  }

  private async lockEarlier(query: Query): Promise<string[]> {
    const rows = await query<{ run_id: string; seq: number }>(LOCK_EARLIER, [this.unit.run.sessionId])
    return rows.toSorted((left, right) => left.seq - right.seq).map(({ run_id }) => run_id)
  }

  private isOurs({ executor_id, created_at, session_id, status }: RunRow): boolean {
    const { run, executorId, deferred } = this.unit
    const isHeld = deferred ? executor_id === null && status === 'pending' : executor_id === executorId
    return isHeld && created_at === run.createdAt && session_id === run.sessionId
  }

  /** What was answered to nobody, because the connection was lost meanwhile. */
  private async asAccepted(query: Query, { seq, status }: RunRow, session: SessionRow): Promise<Accepted> {
    const { sessionId, createdAt } = this.unit.run
    const earlier = await query(SELECT_BEFORE, [sessionId, seq])
    const isNewSession = session.created_at === createdAt && earlier.length === 0
    if (status !== 'pending') return { outcome: 'running', seq, isNewSession }
    const marked = this.mayInterrupt ? await query<{ run_id: string }>(SELECT_MARKED, [sessionId, createdAt, seq]) : []
    return { outcome: 'pending', seq, isNewSession, interrupted: marked.map(({ run_id }) => run_id) }
  }

  private writeRun(writes: Writes, starts: boolean, onSeq: (seq: number) => void): void {
    const { run, executorId, deferred, firstSegment, concurrency } = this.unit
    const { component } = run
    writes.insertRun(
      {
        run_id: run.runId,
        session_id: run.sessionId,
        user_id: run.userId ?? null,
        parent_run_id: run.parentRunId ?? null,
        component_kind: component.kind,
        component_id: component.id,
        component_name: escapeText(component.name),
        component_version: component.version ?? null,
        mode: run.mode,
        status: starts ? 'running' : 'pending',
        attempt: starts ? firstSegment.attempt : 0,
        executor_id: deferred ? null : executorId,
        last_index: starts ? firstSegment.lastIndex : -1,
        created_at: run.createdAt,
        updated_at: run.createdAt,
        in_line: concurrency === 'allow' ? 0 : 1,
        priority: run.priority ?? 0,
        run_after: run.runAfter ?? null,
        request: run.request,
      },
      onSeq,
    )
  }

  /** Whoever waits behind others has no job: its turn comes by message. */
  private wake(writes: Writes, { status, takesSession }: Place): void {
    const { runId, priority = 0, runAfter = null } = this.unit.run
    if (status === 'running' || takesSession || runAfter !== null) writes.wake({ runId, priority, after: runAfter })
  }

  private insertSession(writes: Writes, takesSession: boolean): void {
    const { run, newSession } = this.unit
    writes.insertSession({
      session_id: run.sessionId,
      type: run.component.kind,
      name: escapeText(newSession.name),
      name_search: foldText(newSession.name),
      user_id: run.userId ?? null,
      component_id: run.component.id,
      component_name: escapeText(run.component.name),
      state: JSON.stringify(newSession.state),
      created_at: run.createdAt,
      updated_at: run.createdAt,
      active_run_id: takesSession ? run.runId : null,
    })
  }

  /** Binds and names a session that is not yet, and moves its time. */
  private updateSession(writes: Writes, session: SessionRow, takesSession: boolean): void {
    const { run, newSession } = this.unit
    const isUnnamed = session.name === '' && newSession.name !== ''
    writes.updateSession({
      session_id: run.sessionId,
      component_id: run.component.id,
      component_name: escapeText(run.component.name),
      ...(isUnnamed && { name: escapeText(newSession.name), name_search: foldText(newSession.name) }),
      active_run_id: takesSession ? run.runId : session.active_run_id,
      updated_at: run.createdAt,
    })
  }

  private storeKey(writes: Writes, { scope, key, fingerprint, expiresAt }: NonNullable<AcceptUnit['idempotency']>) {
    const { runId, createdAt } = this.unit.run
    writes.storeKey({ scope, key, fingerprint, run_id: runId, expires_at: expiresAt, now: createdAt })
    if (createdAt < this.memory.sweptAt + SWEEP_EVERY_MS) return
    this.memory.sweptAt = createdAt
    writes.execute(SWEEP_KEYS, [createdAt])
  }
}
