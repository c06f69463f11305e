import type { AcceptUnit } from '../../../runs/run-repository.js'
import type { SessionLineRow } from '../accept-rules.js'
import { escapeText, foldText, unescapeText } from '../text.js'
import type { Bindable, NativeDatabase, Statement } from './native.js'

/** The statements that take in a run, prepared once. */
export class AcceptStatements {
  private readonly selectSession: Statement<[string], SessionLineRow>
  private readonly insertNewSession: Statement<Bindable[], never>
  private readonly bindSession: Statement<Bindable[], never>
  private readonly touchSession: Statement<[active: string | null, at: number, id: string], never>
  private readonly insertNewRun: Statement<Bindable[], never>
  private readonly insertTexts: Statement<[seq: number, request: string], never>
  private readonly selectRun: Statement<[string], { seq: number }>
  private readonly selectActive: Statement<[string], { seq: number }>
  private readonly markEarlier: Statement<[number, number, string, number], { run_id: string; seq: number }>

  constructor(database: NativeDatabase) {
    this.selectSession = database.prepare(`SELECT type, user_id, component_id, name, active_run_id
      FROM agentos_sessions WHERE session_id = ?`)
    this.insertNewSession = database.prepare(`INSERT INTO agentos_sessions (session_id, type, name, name_search,
      user_id, component_id, component_name, state, created_at, updated_at, active_run_id)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    this.bindSession = database.prepare(`UPDATE agentos_sessions SET component_id = ?,
      component_name = iif(component_id IS NULL, ?, component_name), name = ?, name_search = ?
      WHERE session_id = ?`)
    this.touchSession = database.prepare(`UPDATE agentos_sessions
      SET active_run_id = ifnull(?, active_run_id), updated_at = max(updated_at, ?) WHERE session_id = ?`)
    this.insertNewRun = database.prepare(`INSERT INTO agentos_runs (run_id, session_id, user_id, parent_run_id,
      component_kind, component_id, component_name, component_version, mode, status, attempt, executor_id, last_index,
      created_at, updated_at, in_line, priority, run_after)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run_id) DO NOTHING`)
    this.insertTexts = database.prepare('INSERT INTO agentos_run_texts (seq, request) VALUES (?, ?)')
    this.selectRun = database.prepare('SELECT seq FROM agentos_runs WHERE run_id = ?')
    this.selectActive = database.prepare(`SELECT seq FROM agentos_runs
      WHERE session_id = ? AND status IN ('pending', 'running') AND root_run_id IS NULL LIMIT 1`)
    this.markEarlier = database.prepare(`UPDATE agentos_runs
      SET cancel_requested_at = ifnull(cancel_requested_at, ?), hidden = max(hidden, ?)
      WHERE session_id = ? AND status IN ('pending', 'running') AND root_run_id IS NULL AND seq < ?
      RETURNING run_id, seq`)
  }

  session(sessionId: string): SessionLineRow | undefined {
    return this.selectSession.get(sessionId)
  }

  runIsThere(runId: string): boolean {
    return this.selectRun.get(runId) !== undefined
  }

  /** Whether a run of the session is pending or running. */
  hasActive(sessionId: string): boolean {
    return this.selectActive.get(sessionId) !== undefined
  }

  /** The new run's `seq`; undefined, with nothing written, when its id is taken. */
  insertRun({ run, executorId, deferred, firstSegment, concurrency }: AcceptUnit, starts: boolean): number | undefined {
    const { component } = run
    const { changes, lastInsertRowid } = this.insertNewRun.run(
      run.runId,
      run.sessionId,
      run.userId ?? null,
      run.parentRunId ?? null,
      component.kind,
      component.id,
      escapeText(component.name),
      component.version ?? null,
      run.mode,
      starts ? 'running' : 'pending',
      starts ? firstSegment.attempt : 0,
      deferred ? null : executorId,
      starts ? firstSegment.lastIndex : -1,
      run.createdAt,
      run.createdAt,
      concurrency === 'allow' ? 0 : 1,
      run.priority ?? 0,
      run.runAfter ?? null,
    )
    if (changes === 0) return undefined
    const seq = Number(lastInsertRowid)
    this.insertTexts.run(seq, run.request)
    return seq
  }

  insertSession({ run, newSession }: AcceptUnit, takesSession: boolean): void {
    this.insertNewSession.run(
      run.sessionId,
      run.component.kind,
      escapeText(newSession.name),
      foldText(newSession.name),
      run.userId ?? null,
      run.component.id,
      escapeText(run.component.name),
      JSON.stringify(newSession.state),
      run.createdAt,
      run.createdAt,
      takesSession ? run.runId : null,
    )
  }

  /** Binds and names a session that is not yet, and moves its time. */
  updateSession({ run, newSession }: AcceptUnit, session: SessionLineRow, takesSession: boolean): void {
    const { component, sessionId } = run
    const isNamed = session.name !== '' || newSession.name === ''
    if (session.component_id === null || !isNamed) {
      const name = isNamed ? session.name : escapeText(newSession.name)
      const search = isNamed ? foldText(unescapeText(session.name)) : foldText(newSession.name)
      this.bindSession.run(component.id, escapeText(component.name), name, search, sessionId)
    }
    this.touchSession.run(takesSession ? run.runId : null, run.createdAt, sessionId)
  }

  /** Asks the earlier runs of the session to end, and tells them in order. */
  interrupt({ run, concurrency }: AcceptUnit, seq: number): string[] {
    return this.markEarlier
      .all(run.createdAt, concurrency === 'rollback' ? 1 : 0, run.sessionId, seq)
      .sort((left, right) => left.seq - right.seq)
      .map(({ run_id }) => run_id)
  }
}
