import { Migration } from '@mikro-orm/migrations'

/** Runs inside of others: members of teams, and steps of workflows. Their entries are in the outermost run's log. */
export class NestedRuns extends Migration {
  override up(): void {
    this.addSql('ALTER TABLE agentos_runs ADD COLUMN root_run_id TEXT COLLATE "C"')
  }

  override down(): void {
    // An older version of the code would take them for runs that have lost their process.
    this.addSql(
      'DELETE FROM agentos_run_texts WHERE seq IN (SELECT seq FROM agentos_runs WHERE root_run_id IS NOT NULL)',
    )
    this.addSql('DELETE FROM agentos_runs WHERE root_run_id IS NOT NULL')
    this.addSql('ALTER TABLE agentos_runs DROP COLUMN root_run_id')
  }
}
