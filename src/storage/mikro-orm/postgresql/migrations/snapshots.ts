import { Migration } from '@mikro-orm/migrations'

export class SnapshotsMigration extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE agentos_snapshots (
      run_id TEXT COLLATE "C" NOT NULL,
      last_index INT NOT NULL,
      state TEXT NOT NULL,
      PRIMARY KEY (run_id, last_index)
    )`)
  }

  override down(): void {
    this.addSql('DROP TABLE agentos_snapshots')
  }
}
