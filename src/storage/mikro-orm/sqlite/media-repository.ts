import type { MediaRepository } from '../../../runs/media-repository.js'
import type { SqliteDatabase } from './database.js'
import type { Statement } from './native.js'

/** Bytes of media. They are large, so they are written outside of group commits. */
export class SqliteMediaRepository implements MediaRepository {
  private readonly insert: Statement<[hash: string, bytes: Uint8Array], never>
  private readonly selectKnown: Statement<[hashes: string], { hash: string }>
  private readonly select: Statement<[hashes: string], { hash: string; bytes: Uint8Array }>

  constructor(private readonly database: SqliteDatabase) {
    const { writer, reader } = database
    this.insert = writer.prepare('INSERT INTO agentos_media (hash, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING')
    this.selectKnown = reader.prepare('SELECT hash FROM agentos_media WHERE hash IN (SELECT value FROM json_each(?))')
    this.select = reader.prepare('SELECT hash, bytes FROM agentos_media WHERE hash IN (SELECT value FROM json_each(?))')
  }

  async put(media: readonly { hash: string; bytes: Uint8Array }[]): Promise<void> {
    const hashes = JSON.stringify(media.map(({ hash }) => hash))
    const known = await this.database.query(() => new Set(this.selectKnown.all(hashes).map(({ hash }) => hash)))
    const missing = media.filter(({ hash }) => !known.has(hash))
    if (missing.length === 0) return
    await this.database.writeAlone(() => {
      for (const { hash, bytes } of missing) this.insert.run(hash, bytes)
    })
  }

  async get(hashes: readonly string[]): Promise<Map<string, Uint8Array>> {
    const rows = await this.database.query(() => this.select.all(JSON.stringify(hashes)))
    return new Map(
      rows.map(({ hash, bytes }) => [hash, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)]),
    )
  }
}
