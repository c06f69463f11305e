import { Migration } from '@mikro-orm/migrations'

export class MediaUsesMigration extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE agentos_media_uses (
      run_id TEXT NOT NULL,
      hash TEXT NOT NULL,
      stored_at INTEGER NOT NULL,
      PRIMARY KEY (run_id, hash)
    ) WITHOUT ROWID`)
    this.addSql('CREATE INDEX agentos_media_uses_hash ON agentos_media_uses (hash)')
    // What runs use already stands in their texts and logs.
    this.addSql(`INSERT OR IGNORE INTO agentos_media_uses (run_id, hash, stored_at)
      SELECT texts.run_id, found.atom, 0
      FROM (
        SELECT run_id, entries AS text FROM agentos_segments WHERE instr(entries, '"mediaHash"') > 0
        UNION ALL
        SELECT runs.run_id, request FROM agentos_run_texts JOIN agentos_runs AS runs USING (seq)
          WHERE instr(request, '"mediaHash"') > 0
        UNION ALL
        SELECT runs.run_id, body FROM agentos_run_texts JOIN agentos_runs AS runs USING (seq)
          WHERE instr(body, '"mediaHash"') > 0
      ) AS texts, json_tree(iif(json_valid(texts.text), texts.text, 'null')) AS found
      WHERE found.key = 'mediaHash' AND found.type = 'text'
        AND EXISTS (SELECT 1 FROM agentos_media WHERE agentos_media.hash = found.atom)`)
  }

  override down(): void {
    this.addSql('DROP TABLE agentos_media_uses')
  }
}
