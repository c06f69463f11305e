import { Migration } from '@mikro-orm/migrations'

export class ServiceAccountsMigration extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE agentos_service_accounts (
      id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
      name TEXT COLLATE "C" NOT NULL,
      user_id TEXT COLLATE "C",
      token_hash TEXT COLLATE "C" NOT NULL,
      token_prefix TEXT NOT NULL,
      scopes TEXT NOT NULL,
      created_at BIGINT NOT NULL,
      expires_at BIGINT,
      last_used_at BIGINT,
      revoked_at BIGINT,
      created_by TEXT
    )`)
    this.addSql('CREATE UNIQUE INDEX agentos_service_accounts_token ON agentos_service_accounts (token_hash)')
    // Of all who mint a token under one name, in any process, one succeeds.
    this.addSql(`CREATE UNIQUE INDEX agentos_service_accounts_active ON agentos_service_accounts (name)
      WHERE revoked_at IS NULL`)
    this.addSql('CREATE INDEX agentos_service_accounts_name ON agentos_service_accounts (name, id)')
    this.addSql('CREATE INDEX agentos_service_accounts_created ON agentos_service_accounts (created_at, id)')
    this.addSql('CREATE INDEX agentos_service_accounts_used ON agentos_service_accounts (last_used_at, id)')
    this.addSql('CREATE INDEX agentos_service_accounts_expiry ON agentos_service_accounts (expires_at, id)')
    this.addSql(`CREATE INDEX agentos_service_accounts_user ON agentos_service_accounts (user_id, created_at, id)
      WHERE user_id IS NOT NULL`)
  }

  override down(): void {
    this.addSql('DROP TABLE agentos_service_accounts')
  }
}
