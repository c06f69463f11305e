import type { MikroORM } from '@mikro-orm/core'
import type { AbstractSqlConnection } from '@mikro-orm/sql'
import { MIGRATIONS_TABLE, type MigrationTarget } from '../migrate.js'
import type { NulFreePostgresDriver } from './driver.js'
import { postgresMigrations } from './migrations/index.js'

type Transaction = Parameters<Parameters<AbstractSqlConnection['transactional']>[0]>[0]

const CREATE_MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS ${MIGRATIONS_TABLE} (
  id serial PRIMARY KEY,
  name varchar(255) NOT NULL,
  executed_at timestamptz NOT NULL DEFAULT current_timestamp
)`

/** How a PostgreSQL database is migrated: in one transaction, under an advisory lock that others wait for. */
export function migrationTarget(orm: MikroORM<NulFreePostgresDriver>, schema: string): MigrationTarget {
  const connection = orm.driver.getConnection()
  const alone = <Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> =>
    connection.transactional(async (transaction) => {
      // A large table takes its time, and so does whoever was first.
      await connection.execute('SET LOCAL statement_timeout = 0', [], 'run', transaction)
      await connection.execute('SET LOCAL lock_timeout = 0', [], 'run', transaction)
      const lock = 'SELECT pg_advisory_xact_lock(hashtextextended(?, 0))'
      await connection.execute(lock, [`agentos-sdk.migrations.${schema}`], 'run', transaction)
      return work(transaction)
    })
  return {
    orm,
    migrations: postgresMigrations,
    version: (transaction) => schemaVersion(connection, transaction as Transaction | undefined),
    setVersion: async (version, transaction) => {
      const upsert = `INSERT INTO agentos_schema_version (id, version) VALUES (1, ?)
        ON CONFLICT (id) DO UPDATE SET version = excluded.version`
      await connection.execute(upsert, [version], 'run', transaction as Transaction)
    },
    locked: async (work) => {
      await alone(async (transaction) => {
        await connection.execute(`CREATE SCHEMA IF NOT EXISTS ${schema}`, [], 'run', transaction)
        await connection.execute(CREATE_MIGRATIONS_TABLE, [], 'run', transaction)
      })
      // MikroORM looks for its table on another connection: from inside of the transaction it would wait for itself.
      await orm.migrator.getExecuted()
      return alone(work)
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
