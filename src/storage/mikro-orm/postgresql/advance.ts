import type { AppendUnit } from '../../../runs/run-repository.js'
import { isPostgresFault, retried } from './faults.js'
import { send, type NativePool } from './native.js'
import { withClient } from './with-client.js'

// Rows are locked in the order of their ids, as everywhere. The conditions are judged on the locked rows, so a run
// that another process has taken over or marked in the meantime is left out.
const ADVANCE = {
  name: 'agentos_advance_runs',
  text: `WITH unit AS (SELECT * FROM
      unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::int[], $6::bigint[], $7::text[])
        AS unit(run_id, attempt, first_index, last_index, format, at, entries)),
    locked AS MATERIALIZED (SELECT runs.seq, unit.* FROM agentos_runs AS runs JOIN unit USING (run_id)
      WHERE runs.attempt = unit.attempt AND runs.last_index = unit.first_index - 1 AND runs.status = 'running'
        AND runs.cancel_requested_at IS NULL
      ORDER BY runs.run_id FOR UPDATE OF runs),
    written AS (INSERT INTO agentos_segments (run_id, first_index, last_index, attempt, format, entries)
      SELECT run_id, first_index, last_index, attempt, format, entries FROM locked)
    UPDATE agentos_runs SET last_index = locked.last_index, updated_at = locked.at
      FROM locked WHERE agentos_runs.seq = locked.seq RETURNING agentos_runs.run_id`,
}

/** Whether a unit only moves its run on within a leg. */
export function appendsOnly({ end, body, snapshot, nested = [], statePatches = [] }: AppendUnit): boolean {
  return !end && body === undefined && snapshot === undefined && nested.length === 0 && statePatches.length === 0
}

/** Appends segments to any number of running runs, one each, in one statement. */
export class AdvanceRuns {
  constructor(private readonly pool: NativePool) {}

  /**
   * The runs whose segments are stored. Of the others nothing is: they are refused, or stored already, or the database
   * has failed; that is for {@link AppendSegment} to tell.
   */
  async write(units: readonly AppendUnit[]): Promise<ReadonlySet<string>> {
    const segments = units.map(({ segment }) => segment)
    const values = [
      units.map(({ runId }) => runId),
      segments.map(({ attempt }) => attempt),
      segments.map(({ firstIndex }) => firstIndex),
      segments.map(({ lastIndex }) => lastIndex),
      segments.map(({ format }) => format),
      units.map(({ at }) => at),
      segments.map(({ entries }) => entries),
    ]
    try {
      const written = await retried(() =>
        withClient(this.pool, (client) => send<{ run_id: string }>(client, ADVANCE, values)),
      )
      return new Set(written.map(({ run_id }) => run_id))
    } catch (error) {
      if (!isPostgresFault(error)) throw error
      return new Set()
    }
  }
}
