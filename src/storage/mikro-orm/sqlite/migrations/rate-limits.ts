import { Migration } from '@mikro-orm/migrations'

/** Nothing here: on SQLite, each process counts in memory. The versions of both dialects are the same. */
export class RateLimitsMigration extends Migration {
  override up(): void {
    // A version without a statement.
  }

  override down(): void {
    // As above.
  }
}
