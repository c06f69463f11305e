import type { Page } from '../core/page.js'
import type { DatabaseMigration, DatabasesMigration, DatabaseStatus } from '../database/migration.js'
import type { RequestOptions } from './options.js'
import type { Transport } from './transport.js'

/** Where a schema is to go. */
export interface MigrateRequest extends RequestOptions {
  /** Default: the latest version that the server knows. */
  to?: string
  /** Lets it go down, which drops what only newer versions have. */
  allowDowngrade?: boolean
  /** Says what would be done, and does nothing. */
  dryRun?: boolean
}

/** The databases of a server. */
export class DatabasesClient {
  constructor(private readonly transport: Transport) {}

  /** The databases, with the version of their schema. */
  async list({ signal }: RequestOptions = {}): Promise<Page<DatabaseStatus>> {
    return (await this.transport.call('list_databases', { params: {}, signal })).value as Page<DatabaseStatus>
  }

  /**
   * Brings the schema of a database to a version, all the way or not at all.
   *
   * @example
   * ```ts
   * await client.databases.migrate('agentos-db')
   * ```
   */
  async migrate(dbId: string, { to, allowDowngrade, dryRun, signal }: MigrateRequest = {}): Promise<DatabaseMigration> {
    const call = { params: { dbId }, body: { targetVersion: to, allowDowngrade, dryRun }, signal }
    return (await this.transport.call('migrate_database', call)).value as DatabaseMigration
  }

  /** Migrates every database. One that fails does not stop the others: it stands in `failed`. */
  async migrateAll({ to, allowDowngrade, dryRun, signal }: MigrateRequest = {}): Promise<DatabasesMigration> {
    const call = { params: {}, body: { targetVersion: to, allowDowngrade, dryRun }, signal }
    return (await this.transport.call('migrate_all_databases', call)).value as DatabasesMigration
  }
}
