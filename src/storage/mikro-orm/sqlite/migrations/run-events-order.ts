import { Migration } from '@mikro-orm/migrations'

/** Lets the events of a run be read from where its steps have come to. */
export class RunEventsOrder extends Migration {
  override up(): void {
    this.addSql('CREATE INDEX agentos_run_events_order ON agentos_run_events (run_id, seq)')
  }

  override down(): void {
    this.addSql('DROP INDEX agentos_run_events_order')
  }
}
