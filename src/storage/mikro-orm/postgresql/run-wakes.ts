import type { ReceivedEvent, SentEvent } from '../../../agents/runnable.js'
import type { Caller } from '../../../core/caller.js'
import type { JsonValue } from '../../../core/json.js'
import type { ComponentId, StoredRun } from '../../../runs/run-repository.js'
import { COMPONENT, namesOf } from '../component-names.js'
import { mayTouch, SELECT_STORED, toStoredRun, type StoredRow } from '../run-row.js'
import { escapeText, unescapeText } from '../text.js'
import type { View } from './view.js'
import type { Query, Unit, Wants } from './work.js'
import type { Writes } from './writes.js'

const SELECT_OWNER = {
  name: 'agentos_owner_of_run',
  text: 'SELECT user_id, root_run_id FROM agentos_runs WHERE run_id = $1',
}
const SELECT_EVENT = {
  name: 'agentos_has_event',
  text: 'SELECT 1 FROM agentos_run_events WHERE run_id = $1 AND event_id = $2',
}
const INSERT_EVENT = {
  name: 'agentos_insert_event',
  text: `INSERT INTO agentos_run_events (run_id, event_id, name, payload, created_at) VALUES ($1, $2, $3, $4, $5)`,
}
const WAKE_RUN = {
  name: 'agentos_wake_run',
  text: 'UPDATE agentos_runs SET wake_at = least(coalesce(wake_at, $2), $2) WHERE seq = $1',
}
const SELECT_EVENTS = {
  name: 'agentos_events_of_run',
  text: 'SELECT seq, event_id, name, payload FROM agentos_run_events WHERE run_id = $1 AND seq > $2 ORDER BY seq',
}
const SELECT_TO_WAKE = {
  name: 'agentos_runs_to_wake',
  text: `${SELECT_STORED} WHERE agentos_runs.status = 'paused' AND agentos_runs.wake_at IS NOT NULL
      AND agentos_runs.wake_at <= $1 AND agentos_runs.cancel_requested_at IS NULL AND ${COMPONENT} = ANY($2::text[])
    ORDER BY agentos_runs.wake_at LIMIT $3`,
}
const POSTPONE = {
  name: 'agentos_postpone_wake',
  text: `UPDATE agentos_runs SET wake_at = $3::bigint WHERE run_id = $1 AND attempt = $2 AND status = 'paused'
    AND ($4::bigint IS NULL OR NOT EXISTS (SELECT 1 FROM agentos_run_events AS events
      WHERE events.run_id = agentos_runs.run_id AND events.seq > $4::bigint))`,
}

interface EventRow {
  seq: number
  event_id: string
  name: string
  payload: string | null
}

/** Stores an event for a run, whose row is locked: of two with one id, one is the first. */
export class SendEvent implements Unit<'accepted' | 'repeated' | 'ended' | undefined> {
  readonly wants: Wants

  constructor(
    private readonly caller: Caller,
    private readonly runId: string,
    private readonly event: SentEvent,
    private readonly at: number,
  ) {
    this.wants = { sessionOf: runId, runIds: [runId] }
  }

  async decide(view: View, writes: Writes, isRepeat: boolean) {
    const { runId, event, at } = this
    const run = view.run(runId)
    const [owner] = await view.query<{ user_id: string | null; root_run_id: string | null }>(SELECT_OWNER, [runId])
    if (!run || !owner || !mayTouch(this.caller, owner) || owner.root_run_id !== null) return undefined
    const id = escapeText(event.id)
    // Asked again after a COMMIT whose outcome was unknown, it is the same event.
    if ((await view.query(SELECT_EVENT, [runId, id])).length > 0) return isRepeat ? 'accepted' : 'repeated'
    if (!['pending', 'running', 'paused'].includes(run.status)) return 'ended'
    const payload = event.payload === undefined ? null : JSON.stringify(event.payload)
    writes.execute(INSERT_EVENT, [runId, id, escapeText(event.name), payload, at])
    writes.execute(WAKE_RUN, [run.seq, at])
    return 'accepted'
  }
}

/** What paused runs wait for: times, and events from outside. */
export class RunWakes {
  constructor(private readonly query: Query) {}

  async receivedEvents(runId: string, after: number): Promise<ReceivedEvent[]> {
    const rows = await this.query<EventRow>(SELECT_EVENTS, [runId, after])
    return rows.map(({ seq, event_id: id, name, payload }) => ({
      seq,
      id: unescapeText(id),
      name: unescapeText(name),
      ...(payload !== null && { payload: JSON.parse(payload) as JsonValue }),
    }))
  }

  async toWake(components: readonly ComponentId[], limit: number, at: number): Promise<StoredRun[]> {
    return (await this.query<StoredRow>(SELECT_TO_WAKE, [at, namesOf(components), limit])).map(toStoredRun)
  }

  async postponeWake(runId: string, attempt: number, wakeAt: number | undefined, seenUpTo?: number): Promise<void> {
    await this.query(POSTPONE, [runId, attempt, wakeAt ?? null, seenUpTo ?? null])
  }
}
