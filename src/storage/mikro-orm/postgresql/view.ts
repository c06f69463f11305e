import type { RunStatus } from '../../../agents/log/run-record.js'
import type { SessionLineRow } from '../accept-rules.js'
import type { Query, Unit } from './work.js'

export interface SessionRow extends SessionLineRow {
  session_id: string
  created_at: number
}

export interface RunRow {
  seq: number
  run_id: string
  session_id: string
  root_run_id: string | null
  status: RunStatus
  mode: string
  attempt: number
  executor_id: string | null
  last_index: number
  created_at: number
  cancel_requested_at: number | null
  in_line: number
  run_after: number | null
}

export interface KeyRow {
  scope: string
  key: string
  fingerprint: string
  run_id: string
  expires_at: number
}

// Sessions before runs, and each in the order of their ids: whoever locks, locks in the same order, so that no two
// transactions wait for each other.
const LOCK_SESSIONS = {
  name: 'agentos_lock_sessions',
  // One row after the other: as a join, it would read all sessions while there are few, and go on so when there are many.
  text: `SELECT stored.* FROM (SELECT unnest($1::text[]) COLLATE "C" AS session_id
      UNION SELECT session_id FROM agentos_runs WHERE run_id = ANY($2::text[]) ORDER BY session_id) AS wanted
    CROSS JOIN LATERAL (SELECT session_id, type, user_id, component_id, name, active_run_id, created_at
      FROM agentos_sessions WHERE agentos_sessions.session_id = wanted.session_id FOR UPDATE) AS stored`,
}
const LOCK_RUNS = {
  name: 'agentos_lock_runs',
  text: `SELECT seq, run_id, session_id, root_run_id, status, mode, attempt, executor_id, last_index, created_at,
      cancel_requested_at, in_line, run_after
    FROM agentos_runs WHERE run_id = ANY($1::text[]) ORDER BY run_id FOR UPDATE`,
}
// As in SessionLine of SQLite. A run that ends is no candidate, though its row says `pending` still.
const SELECT_NEXT = {
  name: 'agentos_next_in_line',
  text: `SELECT line.at, first.run_id
    FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::bigint[])
      AS line(at, session_id, run_id, ending, due)
    CROSS JOIN LATERAL (SELECT runs.run_id FROM agentos_runs AS runs
      WHERE runs.session_id = coalesce(line.session_id,
          (SELECT own.session_id FROM agentos_runs AS own WHERE own.run_id = line.run_id))
        AND runs.status IN ('pending', 'running') AND runs.status = 'pending' AND runs.in_line = 1
        AND runs.cancel_requested_at IS NULL AND (runs.run_after IS NULL OR runs.run_after <= line.due)
        AND (line.ending IS NULL OR runs.run_id <> line.ending)
      ORDER BY runs.seq LIMIT 1) AS first`,
}
const SELECT_KEYS = {
  name: 'agentos_known_keys',
  text: `SELECT scope, key, fingerprint, run_id, expires_at FROM agentos_idempotency_keys
    WHERE (scope, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
}
const SELECT_STATES = {
  name: 'agentos_states_of_runs',
  text: `SELECT session_id, state FROM agentos_sessions
    WHERE session_id IN (SELECT session_id FROM agentos_runs WHERE run_id = ANY($1::text[]))`,
}

/** What the units of one group see: rows that are locked for them. */
export class View {
  private constructor(
    readonly query: Query,
    private readonly sessions: ReadonlyMap<string, SessionRow>,
    private readonly runs: ReadonlyMap<string, RunRow>,
    private readonly nexts: ReadonlyMap<Unit<unknown>, string>,
    private readonly keys: readonly KeyRow[],
    private readonly states: ReadonlyMap<string, string>,
  ) {}

  /** Locks and reads everything that the units want, with a number of statements that does not grow with theirs. */
  static async load(query: Query, units: readonly Unit<unknown>[]): Promise<View> {
    const wants = units.map((unit) => unit.wants)
    const sessionsOf = wants.flatMap(({ sessionOf }) => sessionOf ?? [])
    const lines = wants.map((want, at) => ({ at, ...want })).filter(({ lineAt }) => lineAt !== undefined)
    const keys = wants.flatMap(({ idempotency }) => idempotency ?? [])
    const patched = wants.flatMap(({ state, sessionOf }) => (state ? (sessionOf ?? []) : []))
    // All at once: the connection sends them one after the other, and does not wait for answers in between.
    const [sessions, runs, nexts, known, states] = await Promise.all([
      query<SessionRow>(LOCK_SESSIONS, [wants.flatMap(({ sessionId }) => sessionId ?? []), sessionsOf]),
      query<RunRow>(LOCK_RUNS, [wants.flatMap(({ runIds }) => runIds)]),
      lines.length === 0
        ? []
        : query<{ at: number; run_id: string }>(SELECT_NEXT, [
            lines.map(({ at }) => at),
            lines.map(({ sessionId }) => sessionId ?? null),
            lines.map(({ sessionOf }) => sessionOf ?? null),
            lines.map(({ sessionOf, ends }) => (ends ? (sessionOf ?? null) : null)),
            lines.map(({ lineAt }) => lineAt!),
          ]),
      keys.length === 0 ? [] : query<KeyRow>(SELECT_KEYS, [keys.map(({ scope }) => scope), keys.map(({ key }) => key)]),
      patched.length === 0 ? [] : query<{ session_id: string; state: string }>(SELECT_STATES, [patched]),
    ])
    return new View(
      query,
      new Map(sessions.map((row) => [row.session_id, row])),
      new Map(runs.map((row) => [row.run_id, row])),
      new Map(nexts.map(({ at, run_id }) => [units[at]!, run_id])),
      known,
      new Map(states.map(({ session_id, state }) => [session_id, state])),
    )
  }

  session(sessionId: string): SessionRow | undefined {
    return this.sessions.get(sessionId)
  }

  run(runId: string): RunRow | undefined {
    return this.runs.get(runId)
  }

  /** The session that a unit is about; undefined when there is no such run. */
  sessionIdOf({ wants }: Unit<unknown>): string | undefined {
    return wants.sessionId ?? (wants.sessionOf === undefined ? undefined : this.run(wants.sessionOf)?.session_id)
  }

  /** Whose turn it is in the unit's session, the unit's own run aside where it ends. */
  next(unit: Unit<unknown>): string | undefined {
    return this.nexts.get(unit)
  }

  key(scope: string, key: string): KeyRow | undefined {
    return this.keys.find((row) => row.scope === scope && row.key === key)
  }

  state(sessionId: string): string | undefined {
    return this.states.get(sessionId)
  }
}
