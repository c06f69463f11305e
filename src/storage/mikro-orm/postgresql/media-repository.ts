import type { MediaRepository } from '../../../runs/media-repository.js'
import type { PostgresDatabase } from './database.js'

const SELECT_KNOWN = {
  name: 'agentos_known_media',
  text: 'SELECT hash FROM agentos_media WHERE hash = ANY($1::text[])',
}
const SELECT_MEDIA = {
  name: 'agentos_media',
  text: 'SELECT hash, bytes FROM agentos_media WHERE hash = ANY($1::text[])',
}
const INSERT = {
  name: 'agentos_insert_media',
  text: 'INSERT INTO agentos_media (hash, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING',
}

/** Bytes of media. They are large, so each is written in a statement of its own; one that is there twice is there once. */
export class PostgresMediaRepository implements MediaRepository {
  constructor(private readonly database: PostgresDatabase) {}

  async put(media: readonly { hash: string; bytes: Uint8Array }[]): Promise<void> {
    const hashes = media.map(({ hash }) => hash)
    const rows = await this.database.query<{ hash: string }>(SELECT_KNOWN, [hashes])
    const known = new Set(rows.map(({ hash }) => hash))
    for (const { hash, bytes } of media) if (!known.has(hash)) await this.database.query(INSERT, [hash, bytes])
  }

  async get(hashes: readonly string[]): Promise<Map<string, Uint8Array>> {
    const rows = await this.database.query<{ hash: string; bytes: Uint8Array }>(SELECT_MEDIA, [hashes])
    return new Map(
      rows.map(({ hash, bytes }) => [hash, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)]),
    )
  }
}
