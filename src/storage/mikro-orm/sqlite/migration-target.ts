import type { MikroORM } from '@mikro-orm/core'
import { MIGRATIONS_TABLE, type MigrationTarget } from '../migrate.js'
import type { ImmediateSqliteDriver } from './driver.js'
import { sqliteMigrations } from './migrations/index.js'
import type { NativeDatabase } from './native.js'
import { retryWhileBusy } from './retry-while-busy.js'

const CREATE_MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS ${MIGRATIONS_TABLE} (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  executed_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
)`

/** How a SQLite file is migrated: in one IMMEDIATE transaction, which keeps every other process out. */
export function migrationTarget(orm: MikroORM<ImmediateSqliteDriver>, writer: NativeDatabase): MigrationTarget {
  return {
    orm,
    migrations: sqliteMigrations,
    version: () => Promise.resolve(schemaVersion(writer)),
    setVersion: (version) => {
      writer.prepare<[string]>('INSERT OR REPLACE INTO agentos_schema_version (id, version) VALUES (1, ?)').run(version)
      return Promise.resolve()
    },
    locked: async (work) => {
      // MikroORM would look for its own table, and make it, outside of the transaction: waiting for itself here, and
      // racing with other processes.
      await retryWhileBusy(() => writer.exec(CREATE_MIGRATIONS_TABLE))
      await orm.migrator.getExecuted()
      return retryWhileBusy(() => orm.driver.getConnection().transactional(work))
    },
  }
}

/** The version of the schema; undefined for a database without ours. */
export function schemaVersion(database: NativeDatabase): string | undefined {
  const table = "SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = 'agentos_schema_version'"
  if (!database.prepare(table).get()) return undefined
  return database.prepare<[], { version: string }>('SELECT version FROM agentos_schema_version').get()?.version
}
