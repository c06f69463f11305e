import { Migration } from '@mikro-orm/migrations'

export class MediaUsesMigration extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE agentos_media_uses (
      run_id TEXT COLLATE "C" NOT NULL,
      hash TEXT COLLATE "C" NOT NULL,
      stored_at BIGINT NOT NULL,
      PRIMARY KEY (run_id, hash)
    )`)
    this.addSql('CREATE INDEX agentos_media_uses_hash ON agentos_media_uses (hash)')
    // What runs use already stands in their texts and logs. Found by pattern, and not as JSON: PostgreSQL refuses to
    // read texts with characters that it can't hold. A quote inside of a text is escaped there, so it fits none.
    this.addSql(`INSERT INTO agentos_media_uses (run_id, hash, stored_at)
      SELECT DISTINCT texts.run_id, found.parts[1], 0::bigint
      FROM (
        SELECT run_id, entries AS text FROM agentos_segments WHERE strpos(entries, '"mediaHash"') > 0
        UNION ALL
        SELECT runs.run_id, request FROM agentos_run_texts JOIN agentos_runs AS runs USING (seq)
          WHERE strpos(request, '"mediaHash"') > 0
        UNION ALL
        SELECT runs.run_id, body FROM agentos_run_texts JOIN agentos_runs AS runs USING (seq)
          WHERE strpos(body, '"mediaHash"') > 0
      ) AS texts
      CROSS JOIN LATERAL regexp_matches(texts.text, '"mediaHash":"([^"]+)"', 'g') AS found(parts)
      WHERE EXISTS (SELECT 1 FROM agentos_media WHERE agentos_media.hash = found.parts[1])
      ON CONFLICT DO NOTHING`)
  }

  override down(): void {
    this.addSql('DROP TABLE agentos_media_uses')
  }
}
