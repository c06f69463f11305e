import type { Constructor, MikroORM } from '@mikro-orm/core'
import type { Migration, Migrator } from '@mikro-orm/migrations'
import { assertUsable, planMigration } from '../../database/migration-plan.js'
import type { MigrationOrder, MigrationPlan, MigrationStep } from '../../database/schema-repository.js'
import { compareVersions } from '../../database/schema-version.js'

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
  /**
   * One transaction, alone among all processes.
   *
   * @param options.wait for whoever has the lock.
   * @throws ConflictError `MIGRATION_IN_PROGRESS` when it is not to wait, and has to.
   */
  locked<Result>(
    work: (transaction: MigrationTransaction) => Promise<Result>,
    options: { wait: boolean },
  ): Promise<Result>
}

/** The versions of a dialect, oldest first. */
export function versionsOf({ migrations }: Pick<MigrationTarget, 'migrations'>): string[] {
  return migrations.map(({ version }) => version)
}

/**
 * Brings an empty or older schema up to this code's version, or only checks that it is. A database of a newer minor
 * version stays as it is: its schema still fits this code.
 *
 * @throws UnavailableError `NOT_READY` when the database is a major version ahead, or `mode` is `check` and it is behind.
 */
export async function migrate(target: MigrationTarget, mode: 'auto' | 'check'): Promise<void> {
  const known = versionsOf(target)
  const found = await target.version()
  const isCurrent = found !== undefined && compareVersions(found, known.at(-1)!) >= 0
  if (isCurrent || mode === 'check') return assertUsable(found, known)
  // Another process may be faster, and newer: what is to be done is found out under the lock.
  await migrateTo(target, { allowDowngrade: false }, { wait: true })
}

/** Goes up or down to a version, all the way or not at all. Throws as `SchemaRepository.migrate` says. */
export function migrateTo(
  target: MigrationTarget,
  order: MigrationOrder,
  options: { wait: boolean },
): Promise<MigrationPlan> {
  return target.locked(async (transaction) => {
    const plan = planMigration(await target.version(transaction), order, versionsOf(target))
    await carryOut(target, plan, transaction)
    return plan
  }, options)
}

/** Does what a plan says, inside its transaction. Going down to no version leaves a database without our tables. */
export async function carryOut(
  target: MigrationTarget,
  { direction, to, versions }: MigrationPlan,
  transaction: MigrationTransaction,
): Promise<void> {
  if (versions.length === 0) return
  const last = target.migrations.find(({ version }) => version === to)
  const migrator = target.orm.migrator as Migrator
  await migrator[direction]({ to: last?.name ?? 0, transaction })
  if (last) await target.setVersion(last.version, transaction)
}

/** The statements of a plan, which are not executed. */
export async function statementsOf(
  { orm, migrations }: MigrationTarget,
  { direction, versions }: MigrationPlan,
): Promise<MigrationStep[]> {
  const steps: MigrationStep[] = []
  for (const version of versions) {
    const found = migrations.find((one) => one.version === version)!
    const migration = new found.class(orm.driver, orm.config)
    await migration[direction]()
    steps.push({ version, statements: migration.getQueries().map(String) })
  }
  return steps
}
