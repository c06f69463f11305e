import { Migration } from '@mikro-orm/migrations'

export class ApprovalsAndWebhooksMigration extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE agentos_approvals (
      id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
      run_id TEXT COLLATE "C" NOT NULL,
      session_id TEXT COLLATE "C" NOT NULL,
      user_id TEXT COLLATE "C",
      started_by TEXT,
      status TEXT COLLATE "C" NOT NULL,
      source_type TEXT NOT NULL,
      source_id TEXT COLLATE "C" NOT NULL,
      source_name TEXT NOT NULL,
      approval_type TEXT NOT NULL,
      pause_type TEXT NOT NULL,
      tool_name TEXT NOT NULL,
      tool_args TEXT,
      tool_names TEXT NOT NULL,
      requirements TEXT NOT NULL,
      schedule_id TEXT COLLATE "C",
      schedule_run_id TEXT,
      expires_at BIGINT,
      on_expiry TEXT,
      expired_at BIGINT,
      resolution TEXT,
      resolved_by TEXT,
      resolved_at BIGINT,
      continues_run INT NOT NULL DEFAULT 0,
      applied_at BIGINT,
      created_at BIGINT NOT NULL,
      updated_at BIGINT NOT NULL
    )`)
    this.addSql('CREATE INDEX agentos_approvals_created ON agentos_approvals (created_at, id)')
    this.addSql('CREATE INDEX agentos_approvals_status ON agentos_approvals (status, created_at, id)')
    this.addSql(`CREATE INDEX agentos_approvals_user ON agentos_approvals (user_id, created_at, id)
      WHERE user_id IS NOT NULL`)
    this.addSql('CREATE INDEX agentos_approvals_source ON agentos_approvals (source_id, created_at, id)')
    this.addSql('CREATE INDEX agentos_approvals_run ON agentos_approvals (run_id)')
    this.addSql('CREATE INDEX agentos_approvals_session ON agentos_approvals (session_id)')
    this.addSql(`CREATE INDEX agentos_approvals_schedule ON agentos_approvals (schedule_id)
      WHERE schedule_id IS NOT NULL`)
    this.addSql(`CREATE INDEX agentos_approvals_expiry ON agentos_approvals (expires_at)
      WHERE status = 'pending' AND expired_at IS NULL AND expires_at IS NOT NULL`)
    this.addSql('CREATE INDEX agentos_approvals_continuing ON agentos_approvals (id) WHERE continues_run = 1')

    this.addSql(`CREATE TABLE agentos_webhook_deliveries (
      id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
      type TEXT NOT NULL,
      url TEXT NOT NULL,
      secret_ref TEXT NOT NULL,
      run_id TEXT COLLATE "C" NOT NULL,
      event_index INT,
      payload TEXT,
      occurred_at BIGINT NOT NULL,
      status TEXT COLLATE "C" NOT NULL,
      attempts INT NOT NULL DEFAULT 0,
      next_attempt_at BIGINT NOT NULL,
      last_error TEXT
    )`)
    this.addSql(`CREATE INDEX agentos_webhook_deliveries_due ON agentos_webhook_deliveries (next_attempt_at, id)
      WHERE status = 'pending'`)
    this.addSql('CREATE INDEX agentos_webhook_deliveries_run ON agentos_webhook_deliveries (run_id)')
  }

  override down(): void {
    this.addSql('DROP TABLE agentos_webhook_deliveries')
    this.addSql('DROP TABLE agentos_approvals')
  }
}
