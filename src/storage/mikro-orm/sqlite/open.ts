import { MikroORM } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { AgentOSError } from '../../../core/errors.js'
import type { OpenStorage, Repositories } from '../../open-storage.js'
import { MikroOrmApprovalRepository } from '../approval-repository.js'
import { entities } from '../entities.js'
import { databaseUnavailable } from '../failure.js'
import { MIGRATIONS_TABLE } from '../migrate.js'
import { MikroOrmRetentionRepository } from '../retention-repository.js'
import { Schema } from '../schema.js'
import { MikroOrmServiceAccountRepository } from '../service-account-repository.js'
import { MikroOrmSessionRepository } from '../session-repository.js'
import { MikroOrmWebhookRepository } from '../webhook-repository.js'
import { SqliteDatabase } from './database.js'
import { ImmediateSqliteDriver } from './driver.js'
import { SqliteMediaRepository } from './media-repository.js'
import { migrationTarget } from './migration-target.js'
import { sqliteMigrations } from './migrations/index.js'
import type { NativeDatabase } from './native.js'
import { retryWhileBusy } from './retry-while-busy.js'
import { SqliteRunRepository } from './run-repository.js'

export interface OpenOptions {
  /** Absolute, or `:memory:`. */
  path: string
  synchronous: 'normal' | 'full'
  /** How long a write waits for another process. The whole process waits with it. Default 5 seconds. */
  busyTimeoutMs?: number
}

/**
 * Opens a SQLite file as a storage; its schema may be any.
 *
 * @throws UnavailableError `DATABASE_UNAVAILABLE` when the file can't be opened.
 */
export async function openSqlite(options: OpenOptions): Promise<OpenStorage> {
  return storageOn(await openDatabase(options))
}

/** Opens a SQLite file. Throws as {@link openSqlite} does. */
export async function openDatabase(options: OpenOptions): Promise<SqliteDatabase> {
  const { busyTimeoutMs: timeout = 5000 } = options
  const isMemory = options.path === ':memory:'
  const orm = new MikroORM<ImmediateSqliteDriver>({
    driver: ImmediateSqliteDriver,
    dbName: options.path,
    driverOptions: { timeout },
    replicas: isMemory ? [] : [{ driverOptions: { timeout, readonly: true } }],
    preferReadReplicas: true,
    entities,
    extensions: [Migrator],
    migrations: {
      tableName: MIGRATIONS_TABLE,
      migrationsList: sqliteMigrations.map(({ name, class: migration }) => ({ name, class: migration })),
      snapshot: false,
      silent: true,
    },
    debug: false,
    // What matters is thrown; the host's console is not ours.
    logger: () => undefined,
  })
  try {
    await orm.connect()
    const writer = (await orm.driver.getConnection('write').getNativeClient()) as NativeDatabase
    const reader = (await orm.driver.getConnection('read').getNativeClient()) as NativeDatabase
    await retryWhileBusy(() => writer.pragma('journal_mode = WAL'))
    writer.pragma(`synchronous = ${options.synchronous}`)
    // A checkpoint waits for the disk, and writes a page once however often it has changed: every 32 MiB instead of 4.
    writer.pragma('wal_autocheckpoint = 8000')
    writer.pragma('cache_size = -16000')
    return new SqliteDatabase(orm, writer, reader)
  } catch (error) {
    await orm.close(true)
    if (error instanceof AgentOSError) throw error
    throw databaseUnavailable(error)
  }
}

/** The storage on an open database. Its repositories are made with the first use: their statements need the schema. */
export function storageOn(database: SqliteDatabase): OpenStorage {
  const schema = new Schema(migrationTarget(database))
  let made: Repositories | undefined
  const repositories = (): Repositories => (made ??= repositoriesOn(database))
  return {
    schema,
    get isReady() {
      return schema.isReady
    },
    get runs() {
      return repositories().runs
    },
    get sessions() {
      return repositories().sessions
    },
    get media() {
      return repositories().media
    },
    get approvals() {
      return repositories().approvals
    },
    get webhooks() {
      return repositories().webhooks
    },
    get serviceAccounts() {
      return repositories().serviceAccounts
    },
    get retention() {
      return repositories().retention
    },
    ready: (mode) => schema.ready(mode),
    check: () => schema.check(),
    ...(database.reader !== database.writer && { hasForeignWrite: foreignWrites(database.writer) }),
    makeDurable: () => void database.writer.pragma('synchronous = full'),
    close: () => database.close(),
  }
}

function repositoriesOn(database: SqliteDatabase): Repositories {
  return {
    runs: new SqliteRunRepository(database),
    sessions: new MikroOrmSessionRepository(database),
    media: new SqliteMediaRepository(database),
    approvals: new MikroOrmApprovalRepository(database),
    webhooks: new MikroOrmWebhookRepository(database),
    serviceAccounts: new MikroOrmServiceAccountRepository(database),
    retention: new MikroOrmRetentionRepository(database),
  }
}

/** The version that SQLite counts up for a connection when another one has written: this process has but one. */
function foreignWrites(writer: NativeDatabase): () => boolean {
  const select = writer.prepare<[], { data_version: number }>('PRAGMA data_version')
  let known = select.get()?.data_version
  return () => {
    const version = select.get()?.data_version
    const hasChanged = version !== known
    known = version
    return hasChanged
  }
}
