import type { NestedRow } from '../../../runs/run-repository.js'
import { escapeText } from '../text.js'
import type { Bindable, NativeDatabase, Statement } from './native.js'

/** Writes the rows of runs inside of others, in the unit of the segment that tells of them. */
export class NestedRows {
  private readonly upsert: Statement<Bindable[], { seq: number }>
  private readonly insertTexts: Statement<[seq: number, request: string], never>
  private readonly updateBody: Statement<[body: string, index: number, seq: number], never>

  constructor(database: NativeDatabase) {
    // Whose it is follows from the run that it is inside of. No process executes it, so none can lose it.
    this.upsert = database.prepare(`INSERT INTO agentos_runs (run_id, session_id, user_id, parent_run_id, root_run_id,
      component_kind, component_id, component_name, component_version, mode, status, attempt, executor_id, last_index,
      created_at, updated_at, in_line)
      SELECT ?, root.session_id, root.user_id, ?, root.run_id, ?, ?, ?, ?, root.mode, ?, root.attempt, NULL, ?, ?, ?, 0
      FROM agentos_runs AS root WHERE root.run_id = ?
      ON CONFLICT (run_id) DO UPDATE SET status = excluded.status, attempt = excluded.attempt,
        last_index = excluded.last_index, updated_at = excluded.updated_at
        WHERE agentos_runs.root_run_id = excluded.root_run_id
      RETURNING seq`)
    this.insertTexts = database.prepare(`INSERT INTO agentos_run_texts (seq, request) VALUES (?, ?)
      ON CONFLICT (seq) DO NOTHING`)
    this.updateBody = database.prepare('UPDATE agentos_run_texts SET body = ?, body_index = ? WHERE seq = ?')
  }

  store(rootRunId: string, rows: readonly NestedRow[], at: number): void {
    for (const row of rows) {
      const { component } = row
      const written = this.upsert.get(
        row.runId,
        row.parentRunId,
        component.kind,
        component.id,
        escapeText(component.name),
        component.version ?? null,
        row.status,
        row.lastIndex,
        row.createdAt,
        at,
        rootRunId,
      )
      if (!written) continue
      this.insertTexts.run(written.seq, row.request)
      if (row.body !== undefined) this.updateBody.run(row.body, row.lastIndex, written.seq)
    }
  }
}
