import type { Constructor, MikroORM } from '@mikro-orm/core'
import type { Migration, Migrator } from '@mikro-orm/migrations'
import { ConfigurationError } from '../../core/errors.js'
import { compareVersions, majorOf } from './schema-version.js'

/** MikroORM's list of what was run. */
export const MIGRATIONS_TABLE = 'agentos_migrations'

/** MikroORM's own, which says no more about it. */
type MigrationTransaction = object

/** A migration and the version that the schema has after it. */
export interface VersionedMigration {
  version: string
  name: string
  class: Constructor<Migration>
}

/** What a dialect brings to have its schema migrated. */
export interface MigrationTarget {
  orm: MikroORM
  migrations: readonly VersionedMigration[]
  /** The version of the schema, seen from inside a transaction where one is given; undefined when there is none. */
  version(transaction?: MigrationTransaction): Promise<string | undefined>
  setVersion(version: string, transaction: MigrationTransaction): Promise<void>
  /** One transaction, alone among all processes. */
  locked<Result>(work: (transaction: MigrationTransaction) => Promise<Result>): Promise<Result>
}

/**
 * Brings an empty or older schema up to this code's version, or only checks that it is. A database of a newer minor
 * version stays as it is: its schema still fits this code.
 *
 * @throws ConfigurationError when the database is a major version ahead, or `mode` is `check` and it is behind.
 */
export async function migrate(target: MigrationTarget, mode: 'auto' | 'check'): Promise<void> {
  const wanted = target.migrations.at(-1)!.version
  const found = await target.version()
  refuseNewer(found, wanted)
  if (found !== undefined && compareVersions(found, wanted) >= 0) return
  if (mode === 'check') {
    throw new ConfigurationError(
      `The database ${found === undefined ? 'has no schema of agentos-sdk yet' : `has schema ${found}`}; this version of agentos-sdk needs ${wanted}. ` +
        `Let a process start with migrate: 'auto' once.`,
    )
  }
  await target.locked(async (transaction) => {
    // Another process may have been faster, and newer.
    const current = await target.version(transaction)
    refuseNewer(current, wanted)
    if (current === undefined || compareVersions(current, wanted) < 0) await go(target, 'up', wanted, transaction)
  })
}

/** Goes up or down to a version, under the same lock. `0` goes down to a database without our tables. */
export async function migrateTo(target: MigrationTarget, version: string | 0): Promise<void> {
  await target.locked(async (transaction) => {
    const current = await target.version(transaction)
    refuseNewer(current, target.migrations.at(-1)!.version)
    const isDown = version === 0 || (current !== undefined && compareVersions(current, version) > 0)
    await go(target, isDown ? 'down' : 'up', version, transaction)
  })
}

async function go(
  target: MigrationTarget,
  direction: 'up' | 'down',
  version: string | 0,
  transaction: MigrationTransaction,
): Promise<void> {
  const last = target.migrations.find((migration) => migration.version === version)
  if (version !== 0 && !last) throw new ConfigurationError(`There is no schema version ${version}.`)
  const migrator = target.orm.migrator as Migrator
  await migrator[direction]({ to: last?.name ?? 0, transaction })
  if (last) await target.setVersion(last.version, transaction)
}

/** @throws ConfigurationError when a database that is open has lost its schema, or got one of a newer major version. */
export function assertUsable(found: string | undefined, migrations: readonly VersionedMigration[]): void {
  if (found === undefined) throw new ConfigurationError('The database has no schema of agentos-sdk any more.')
  refuseNewer(found, migrations.at(-1)!.version)
}

function refuseNewer(found: string | undefined, wanted: string): void {
  if (found === undefined || majorOf(found) <= majorOf(wanted)) return
  throw new ConfigurationError(
    `The database has schema ${found}, which this version of agentos-sdk (schema ${wanted}) does not know. Update agentos-sdk.`,
  )
}
