import { migrationInProgress } from '../../../database/migration-errors.js'
import { storageError } from '../failure.js'
import { MIGRATIONS_TABLE, type MigrationTarget } from '../migrate.js'
import type { SqliteDatabase } from './database.js'
import { sqliteMigrations } from './migrations/index.js'
import type { NativeDatabase } from './native.js'
import { isBusy, retryWhileBusy } from './retry-while-busy.js'

const CREATE_MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS ${MIGRATIONS_TABLE} (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  executed_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
)`

/** Ordinary writes of other processes take milliseconds; whoever has the lock for longer than this migrates. */
const UNWAITING_MS = 1000

/** How a SQLite file is migrated: in one IMMEDIATE transaction, which keeps every other process out. */
export function migrationTarget(database: SqliteDatabase): MigrationTarget {
  const { orm, writer, reader } = database
  return {
    orm,
    migrations: sqliteMigrations,
    version: (transaction) =>
      transaction ? Promise.resolve(schemaVersion(writer)) : database.query(() => schemaVersion(reader)),
    setVersion: (version) => {
      writer.prepare<[string]>('INSERT OR REPLACE INTO agentos_schema_version (id, version) VALUES (1, ?)').run(version)
      return Promise.resolve()
    },
    locked: (work, { wait }) =>
      database.alone(async () => {
        // Waiting in the driver would hold up the whole process.
        const timeout = String(writer.pragma('busy_timeout', { simple: true }))
        writer.pragma('busy_timeout = 0')
        try {
          const forMs = wait ? undefined : UNWAITING_MS
          // MikroORM would look for its own table, and make it, outside of the transaction: waiting for itself here,
          // and racing with other processes.
          await retryWhileBusy(() => writer.exec(CREATE_MIGRATIONS_TABLE), forMs)
          await orm.migrator.getExecuted()
          return await retryWhileBusy(() => orm.driver.getConnection().transactional(work), forMs)
        } catch (error) {
          throw !wait && isBusy(error) ? migrationInProgress({ cause: error }) : storageError(error)
        } finally {
          writer.pragma(`busy_timeout = ${timeout}`)
        }
      }),
  }
}

/** The version of the schema; undefined for a database without ours. */
export function schemaVersion(database: NativeDatabase): string | undefined {
  const table = "SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = 'agentos_schema_version'"
  if (!database.prepare(table).get()) return undefined
  return database.prepare<[], { version: string }>('SELECT version FROM agentos_schema_version').get()?.version
}
