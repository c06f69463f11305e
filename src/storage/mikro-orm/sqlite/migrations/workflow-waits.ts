import { Migration } from '@mikro-orm/migrations'

/** What paused workflows wait for: a time, and events from outside. */
export class WorkflowWaits extends Migration {
  override up(): void {
    this.addSql('ALTER TABLE agentos_runs ADD COLUMN wake_at INTEGER')
    this.addSql(`CREATE INDEX agentos_runs_wake ON agentos_runs (wake_at)
      WHERE wake_at IS NOT NULL AND status = 'paused'`)
    this.addSql(`CREATE TABLE agentos_run_events (
      seq INTEGER PRIMARY KEY,
      run_id TEXT NOT NULL,
      event_id TEXT NOT NULL,
      name TEXT NOT NULL,
      payload TEXT,
      created_at INTEGER NOT NULL
    )`)
    this.addSql('CREATE UNIQUE INDEX agentos_run_events_id ON agentos_run_events (run_id, event_id)')
  }

  override down(): void {
    this.addSql('DROP TABLE agentos_run_events')
    this.addSql('DROP INDEX agentos_runs_wake')
    this.addSql('ALTER TABLE agentos_runs DROP COLUMN wake_at')
  }
}
