import type { ReceivedEvent, SentEvent } from '../../../agents/runnable.js'
import type { Caller } from '../../../core/caller.js'
import type { JsonValue } from '../../../core/json.js'
import type { ComponentId, StoredRun } from '../../../runs/run-repository.js'
import { escapeText, unescapeText } from '../text.js'
import { COMPONENT, namesOf } from '../component-names.js'
import type { NativeDatabase, Statement } from './native.js'
import { mayTouch, SELECT_STORED, toStoredRun, type StoredRow } from '../run-row.js'

interface EventRow {
  seq: number
  event_id: string
  name: string
  payload: string | null
}

/** What paused runs wait for: times, and events from outside. */
export class RunWakes {
  private readonly selectRun: Statement<
    [string],
    { status: string; user_id: string | null; root_run_id: string | null }
  >
  private readonly insertEvent: Statement<
    [runId: string, id: string, name: string, payload: string | null, at: number],
    never
  >
  private readonly wakeRun: Statement<[at: number, at: number, runId: string], never>
  private readonly selectEvents: Statement<[runId: string, after: number], EventRow>
  private readonly selectDue: Statement<[at: number, components: string, limit: number], StoredRow>
  private readonly setWake: Statement<
    [wakeAt: number | null, runId: string, attempt: number, seen: number | null, seen: number | null],
    never
  >

  constructor(database: NativeDatabase) {
    this.selectRun = database.prepare('SELECT status, user_id, root_run_id FROM agentos_runs WHERE run_id = ?')
    this.insertEvent = database.prepare(`INSERT INTO agentos_run_events (run_id, event_id, name, payload, created_at)
      VALUES (?, ?, ?, ?, ?) ON CONFLICT (run_id, event_id) DO NOTHING`)
    this.wakeRun = database.prepare('UPDATE agentos_runs SET wake_at = min(ifnull(wake_at, ?), ?) WHERE run_id = ?')
    this.selectEvents = database.prepare(`SELECT seq, event_id, name, payload FROM agentos_run_events
      WHERE run_id = ? AND seq > ? ORDER BY seq`)
    this.selectDue = database.prepare(`${SELECT_STORED}
      WHERE agentos_runs.status = 'paused' AND agentos_runs.wake_at IS NOT NULL AND agentos_runs.wake_at <= ?
        AND agentos_runs.cancel_requested_at IS NULL AND ${COMPONENT} IN (SELECT value FROM json_each(?))
      ORDER BY agentos_runs.wake_at LIMIT ?`)
    this.setWake = database.prepare(`UPDATE agentos_runs SET wake_at = ?
      WHERE run_id = ? AND attempt = ? AND status = 'paused'
        AND (? IS NULL OR NOT EXISTS (SELECT 1 FROM agentos_run_events AS events
          WHERE events.run_id = agentos_runs.run_id AND events.seq > ?))`)
  }

  sendEvent(caller: Caller, runId: string, event: SentEvent, at: number) {
    const run = this.selectRun.get(runId)
    if (!run || !mayTouch(caller, run) || run.root_run_id !== null) return undefined
    if (!['pending', 'running', 'paused'].includes(run.status)) return 'ended' as const
    const payload = event.payload === undefined ? null : JSON.stringify(event.payload)
    const { changes } = this.insertEvent.run(runId, escapeText(event.id), escapeText(event.name), payload, at)
    if (changes === 0) return 'repeated' as const
    this.wakeRun.run(at, at, runId)
    return 'accepted' as const
  }

  receivedEvents(runId: string, after: number): ReceivedEvent[] {
    return this.selectEvents.all(runId, after).map(({ seq, event_id: id, name, payload }) => ({
      seq,
      id: unescapeText(id),
      name: unescapeText(name),
      ...(payload !== null && { payload: JSON.parse(payload) as JsonValue }),
    }))
  }

  toWake(components: readonly ComponentId[], limit: number, at: number): StoredRun[] {
    return this.selectDue.all(at, JSON.stringify(namesOf(components)), limit).map(toStoredRun)
  }

  postponeWake(runId: string, attempt: number, wakeAt: number | undefined, seenUpTo?: number): void {
    this.setWake.run(wakeAt ?? null, runId, attempt, seenUpTo ?? null, seenUpTo ?? null)
  }
}
