import { Migration } from '@mikro-orm/migrations'

export class InitialMigration extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE agentos_sessions (
      session_id TEXT NOT NULL PRIMARY KEY,
      type TEXT NOT NULL,
      name TEXT NOT NULL DEFAULT '',
      name_search TEXT NOT NULL DEFAULT '',
      user_id TEXT,
      component_id TEXT,
      component_name TEXT,
      state TEXT NOT NULL DEFAULT '{}',
      summary TEXT,
      metadata TEXT,
      input_tokens INTEGER NOT NULL DEFAULT 0,
      output_tokens INTEGER NOT NULL DEFAULT 0,
      total_tokens INTEGER NOT NULL DEFAULT 0,
      audio_input_tokens INTEGER NOT NULL DEFAULT 0,
      audio_output_tokens INTEGER NOT NULL DEFAULT 0,
      audio_total_tokens INTEGER NOT NULL DEFAULT 0,
      cache_read_tokens INTEGER NOT NULL DEFAULT 0,
      cache_write_tokens INTEGER NOT NULL DEFAULT 0,
      reasoning_tokens INTEGER NOT NULL DEFAULT 0,
      cost REAL NOT NULL DEFAULT 0,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      active_run_id TEXT
    ) WITHOUT ROWID`)
    this.addSql('CREATE INDEX agentos_sessions_created ON agentos_sessions (created_at, session_id)')
    this.addSql('CREATE INDEX agentos_sessions_updated ON agentos_sessions (updated_at, session_id)')
    this.addSql('CREATE INDEX agentos_sessions_name ON agentos_sessions (name_search, session_id)')
    // Of what rises with every run (updated_at) there is one index only; whoever filters sorts what is left.
    this.addSql(`CREATE INDEX agentos_sessions_user ON agentos_sessions (user_id, created_at, session_id)
      WHERE user_id IS NOT NULL`)
    this.addSql('CREATE INDEX agentos_sessions_component ON agentos_sessions (component_id, created_at, session_id)')

    this.addSql(`CREATE TABLE agentos_runs (
      seq INTEGER PRIMARY KEY,
      run_id TEXT NOT NULL,
      session_id TEXT NOT NULL,
      user_id TEXT,
      parent_run_id TEXT,
      component_kind TEXT NOT NULL,
      component_id TEXT NOT NULL,
      component_name TEXT NOT NULL,
      component_version INTEGER,
      mode TEXT NOT NULL,
      status TEXT NOT NULL,
      attempt INTEGER NOT NULL DEFAULT 0,
      executor_id TEXT,
      last_index INTEGER NOT NULL DEFAULT -1,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      cancel_requested_at INTEGER,
      hidden INTEGER NOT NULL DEFAULT 0,
      in_line INTEGER NOT NULL DEFAULT 1,
      priority INTEGER NOT NULL DEFAULT 0,
      run_after INTEGER,
      followed_until INTEGER
    )`)
    this.addSql('CREATE UNIQUE INDEX agentos_runs_run_id ON agentos_runs (run_id)')
    this.addSql('CREATE INDEX agentos_runs_session ON agentos_runs (session_id, seq)')
    this.addSql('CREATE INDEX agentos_runs_component ON agentos_runs (component_id, seq)')
    this.addSql('CREATE INDEX agentos_runs_user ON agentos_runs (user_id, seq) WHERE user_id IS NOT NULL')
    this.addSql(`CREATE INDEX agentos_runs_cancel ON agentos_runs (cancel_requested_at)
      WHERE cancel_requested_at IS NOT NULL AND status IN ('pending', 'running', 'paused')`)
    this.addSql(`CREATE INDEX agentos_runs_active ON agentos_runs (session_id, seq, status)
      WHERE status IN ('pending', 'running')`)

    this.addSql(`CREATE TABLE agentos_run_texts (
      seq INTEGER PRIMARY KEY,
      request TEXT NOT NULL,
      body TEXT,
      body_index INTEGER
    )`)
    this.addSql(`CREATE TABLE agentos_segments (
      run_id TEXT NOT NULL,
      first_index INTEGER NOT NULL,
      last_index INTEGER NOT NULL,
      attempt INTEGER NOT NULL,
      format INTEGER NOT NULL,
      entries TEXT NOT NULL,
      PRIMARY KEY (run_id, first_index)
    ) WITHOUT ROWID`)
    this.addSql(`CREATE TABLE agentos_idempotency_keys (
      scope TEXT NOT NULL,
      key TEXT NOT NULL,
      fingerprint TEXT NOT NULL,
      run_id TEXT NOT NULL,
      expires_at INTEGER NOT NULL,
      PRIMARY KEY (scope, key)
    ) WITHOUT ROWID`)
    this.addSql('CREATE INDEX agentos_idempotency_keys_run ON agentos_idempotency_keys (run_id)')
    this.addSql('CREATE INDEX agentos_idempotency_keys_expiry ON agentos_idempotency_keys (expires_at)')
    this.addSql('CREATE TABLE agentos_media (hash TEXT NOT NULL PRIMARY KEY, bytes BLOB NOT NULL)')
    this.addSql(`CREATE TABLE agentos_executors (
      id TEXT NOT NULL PRIMARY KEY,
      lease_until INTEGER NOT NULL,
      started_at INTEGER NOT NULL
    )`)
    this.addSql('CREATE TABLE agentos_schema_version (id INTEGER PRIMARY KEY, version TEXT NOT NULL)')
  }

  override down(): void {
    for (const table of TABLES) this.addSql(`DROP TABLE agentos_${table}`)
  }
}

const TABLES = ['schema_version', 'executors', 'media', 'idempotency_keys', 'segments', 'run_texts', 'runs', 'sessions']
