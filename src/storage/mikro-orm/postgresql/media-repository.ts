import type { MediaRepository } from '../../../runs/media-repository.js'
import type { PostgresDatabase } from './database.js'

const SELECT_USED = {
  name: 'agentos_used_media',
  text: 'SELECT hash FROM agentos_media_uses WHERE run_id = $1 AND hash = ANY($2::text[])',
}
const SELECT_MEDIA = {
  name: 'agentos_media',
  text: 'SELECT hash, bytes FROM agentos_media WHERE hash = ANY($1::text[])',
}
// Bytes and their use at once: what another run has stored before may go with that run at any moment. An update that
// changes nothing holds the row, so that it can't.
const STORE = {
  name: 'agentos_store_media',
  text: `WITH stored AS (INSERT INTO agentos_media (hash, bytes) VALUES ($2, $3)
      ON CONFLICT (hash) DO UPDATE SET hash = excluded.hash RETURNING hash)
    INSERT INTO agentos_media_uses (run_id, hash, stored_at) SELECT $1, hash, $4::bigint FROM stored
    ON CONFLICT DO NOTHING`,
}

/** Bytes of media. They are large, so each is written in a statement of its own. */
export class PostgresMediaRepository implements MediaRepository {
  constructor(private readonly database: PostgresDatabase) {}

  async put(runId: string, media: readonly { hash: string; bytes: Uint8Array }[]): Promise<void> {
    const hashes = media.map(({ hash }) => hash)
    const rows = await this.database.query<{ hash: string }>(SELECT_USED, [runId, hashes])
    const used = new Set(rows.map(({ hash }) => hash))
    for (const { hash, bytes } of media) {
      if (!used.has(hash)) await this.database.query(STORE, [runId, hash, bytes, Date.now()])
    }
  }

  async get(hashes: readonly string[]): Promise<Map<string, Uint8Array>> {
    const rows = await this.database.query<{ hash: string; bytes: Uint8Array }>(SELECT_MEDIA, [hashes])
    return new Map(
      rows.map(({ hash, bytes }) => [hash, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)]),
    )
  }
}
