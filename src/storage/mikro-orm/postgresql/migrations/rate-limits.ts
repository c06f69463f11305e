import { Migration } from '@mikro-orm/migrations'

/** What callers have used of their limits. Not logged: what a crash takes is a minute's counts. */
export class RateLimitsMigration extends Migration {
  override up(): void {
    // Room in each page keeps updates of a row beside it, where they touch no index.
    this.addSql(`CREATE UNLOGGED TABLE agentos_rate_limits (
      key TEXT COLLATE "C" PRIMARY KEY,
      paid_off_at DOUBLE PRECISION NOT NULL
    ) WITH (fillfactor = 50)`)
  }

  override down(): void {
    this.addSql('DROP TABLE agentos_rate_limits')
  }
}
