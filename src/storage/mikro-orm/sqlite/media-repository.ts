import type { MediaRepository } from '../../../runs/media-repository.js'
import type { SqliteDatabase } from './database.js'
import type { Statement } from './native.js'

/** Bytes of media. They are large, so they are written outside of group commits. */
export class SqliteMediaRepository implements MediaRepository {
  private readonly insert: Statement<[hash: string, bytes: Uint8Array], never>
  private readonly insertUse: Statement<[runId: string, hash: string, at: number], never>
  private readonly selectUsed: Statement<[runId: string, hashes: string], { hash: string }>
  private readonly select: Statement<[hashes: string], { hash: string; bytes: Uint8Array }>

  constructor(private readonly database: SqliteDatabase) {
    const { writer, reader } = database
    this.insert = writer.prepare('INSERT INTO agentos_media (hash, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING')
    this.insertUse = writer.prepare(`INSERT INTO agentos_media_uses (run_id, hash, stored_at) VALUES (?, ?, ?)
      ON CONFLICT DO NOTHING`)
    this.selectUsed = reader.prepare(`SELECT hash FROM agentos_media_uses
      WHERE run_id = ? AND hash IN (SELECT value FROM json_each(?))`)
    this.select = reader.prepare('SELECT hash, bytes FROM agentos_media WHERE hash IN (SELECT value FROM json_each(?))')
  }

  async put(runId: string, media: readonly { hash: string; bytes: Uint8Array }[]): Promise<void> {
    const hashes = JSON.stringify(media.map(({ hash }) => hash))
    const used = await this.database.query(() => new Set(this.selectUsed.all(runId, hashes).map(({ hash }) => hash)))
    const missing = media.filter(({ hash }) => !used.has(hash))
    if (missing.length === 0) return
    // Bytes and their use at once: what another run has stored before may go with that run at any moment.
    await this.database.writeAlone(() => {
      for (const { hash, bytes } of missing) {
        this.insert.run(hash, bytes)
        this.insertUse.run(runId, hash, Date.now())
      }
    })
  }

  async get(hashes: readonly string[]): Promise<Map<string, Uint8Array>> {
    const rows = await this.database.query(() => this.select.all(JSON.stringify(hashes)))
    return new Map(
      rows.map(({ hash, bytes }) => [hash, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)]),
    )
  }
}
