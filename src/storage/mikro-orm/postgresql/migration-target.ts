import type { AbstractSqlConnection } from '@mikro-orm/sql'
import { migrationInProgress } from '../../../database/migration-errors.js'
import { storageError } from '../failure.js'
import { MIGRATIONS_TABLE, type MigrationTarget } from '../migrate.js'
import type { PostgresDatabase } from './database.js'
import { isLockTimeout } from './faults.js'
import { postgresMigrations } from './migrations/index.js'

type Transaction = Parameters<Parameters<AbstractSqlConnection['transactional']>[0]>[0]

const CREATE_MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS ${MIGRATIONS_TABLE} (
  id serial PRIMARY KEY,
  name varchar(255) NOT NULL,
  executed_at timestamptz NOT NULL DEFAULT current_timestamp
)`

/** Ordinary writes take milliseconds; whoever has the lock for longer than this migrates. */
const UNWAITING_MS = 1000

/** How a PostgreSQL database is migrated: in one transaction, under an advisory lock that others wait for. */
export function migrationTarget(database: PostgresDatabase, schema: string): MigrationTarget {
  const { orm } = database
  const connection = orm.driver.getConnection()
  const alone = <Result>(work: (transaction: Transaction) => Promise<Result>, forMs: number): Promise<Result> =>
    connection.transactional(async (transaction) => {
      const run = (sql: string, values: unknown[] = []) => connection.execute(sql, values, 'run', transaction)
      await run('SET LOCAL statement_timeout = 0')
      await run(`SET LOCAL lock_timeout = ${forMs}`)
      await run('SELECT pg_advisory_xact_lock(hashtextextended(?, 0))', [`agentos-sdk.migrations.${schema}`])
      return work(transaction)
    })
  return {
    orm,
    migrations: postgresMigrations,
    version: (transaction) =>
      transaction
        ? schemaVersion(connection, transaction as Transaction)
        : database.read(() => schemaVersion(connection)),
    setVersion: async (version, transaction) => {
      const upsert = `INSERT INTO agentos_schema_version (id, version) VALUES (1, ?)
        ON CONFLICT (id) DO UPDATE SET version = excluded.version`
      await connection.execute(upsert, [version], 'run', transaction as Transaction)
    },
    locked: async (work, { wait }) => {
      const forMs = wait ? 0 : UNWAITING_MS
      try {
        await alone(async (transaction) => {
          await connection.execute(`CREATE SCHEMA IF NOT EXISTS ${schema}`, [], 'run', transaction)
          await connection.execute(CREATE_MIGRATIONS_TABLE, [], 'run', transaction)
        }, forMs)
        // MikroORM looks for its table on another connection: from inside of the transaction it would wait for itself.
        await orm.migrator.getExecuted()
        return await alone(work, forMs)
      } catch (error) {
        throw !wait && isLockTimeout(error) ? migrationInProgress({ cause: error }) : storageError(error)
      }
    },
  }
}

/** The version of the schema; undefined for a database without ours. */
export async function schemaVersion(
  connection: AbstractSqlConnection,
  transaction?: Transaction,
): Promise<string | undefined> {
  const find = `SELECT to_regclass('agentos_schema_version') IS NOT NULL AS found`
  const { found } = await connection.execute<{ found: boolean }>(find, [], 'get', transaction)
  if (!found) return undefined
  const select = 'SELECT version FROM agentos_schema_version'
  const [row] = await connection.execute<{ version: string }[]>(select, [], 'all', transaction)
  return row?.version
}
