import type { Clock } from '../core/clock.js'
import { checkInput } from '../core/check-input.js'
import { MigrateDatabase } from './migration.js'
import type { DatabaseMigration, DatabaseStatus } from './migration.js'
import { prune } from './prune.js'
import type { PruneDatabase, PrunedDatabase } from './prune.js'
import type { RetentionRepository } from './retention-repository.js'
import type { MigrationPlan, MigrationStep, SchemaRepository } from './schema-repository.js'
import { compareVersions, majorOf } from './schema-version.js'

/** What a database is looked after with. */
export interface DatabaseParts {
  id: string
  schema: SchemaRepository
  retention: RetentionRepository
}

/** A database: the version of its schema, and what is kept in it. */
export class Database {
  /** As the API names it. */
  readonly id: string

  constructor(
    private readonly parts: DatabaseParts,
    private readonly clock: Clock,
  ) {
    this.id = parts.id
  }

  /** The version of the schema, `major.minor.patch`; undefined for a database without ours. */
  version(): Promise<string | undefined> {
    return this.parts.schema.version()
  }

  /** How the schema stands to this code. Says so too when the database does not answer. */
  async status(): Promise<DatabaseStatus> {
    const { id, schema } = this.parts
    try {
      const [versions, version] = [await schema.versions(), await schema.version()]
      const latest = versions.at(-1)!
      return {
        dbId: id,
        version: version ?? null,
        latestVersion: latest,
        versions: [...versions],
        state: stateOf(version, latest),
      }
    } catch {
      // Why stands in the log of whoever uses the database.
      return { dbId: id, version: null, latestVersion: null, versions: [], state: 'unreachable' }
    }
  }

  /**
   * Brings the schema to a version, all the way or not at all. Of any number of processes that do it at once, one does.
   *
   * @param input.to a version of `status().versions`. Default: the latest; a newer minor one that is there stays.
   * @param input.allowDowngrade going down drops what only newer versions have, so it must be said. Default false.
   * @param input.dryRun says what would be done, with the statements, and does nothing. Default false.
   * @param input.wait while another process migrates. Default true; else that is `MIGRATION_IN_PROGRESS`.
   * @throws ValidationError `INVALID_VERSION`
   * @throws ConflictError `DOWNGRADE_NOT_ALLOWED`, `MIGRATION_IN_PROGRESS`
   * @throws UnavailableError `NOT_READY` when the database is a major version ahead of this code.
   *
   * @example
   * ```ts
   * const { applied } = await agentOS.database.migrate()
   * const { steps } = await agentOS.database.migrate({ to: '1.0.0', allowDowngrade: true, dryRun: true })
   * ```
   */
  async migrate(input: MigrateDatabase = {}): Promise<DatabaseMigration & { steps?: readonly MigrationStep[] }> {
    const { dryRun, wait, ...order } = checkInput(MigrateDatabase, input)
    const { schema } = this.parts
    if (!dryRun) return this.told(await schema.migrate(order, { wait }), false)
    const { steps, ...plan } = await schema.preview(order)
    return { ...this.told(plan, true), steps }
  }

  /**
   * Removes what has ended before a time and has not changed since: runs with their logs, closed approvals, deliveries
   * that were given up, and media that no run uses any more. Sessions stay, and so does every run that is pending,
   * running or paused. It goes in small steps, and leaves the database to others in between.
   *
   * @param input.olderThan a `Date`, or ISO 8601.
   * @param input.dryRun counts, and removes nothing. Default false.
   * @param input.signal ends it between two steps.
   * @returns how much of each was removed.
   * @throws ValidationError when the time is yet to come.
   *
   * @example
   * ```ts
   * const ninetyDays = 90 * 24 * 60 * 60 * 1000
   * const { runs } = await agentOS.database.prune({ olderThan: new Date(Date.now() - ninetyDays) })
   * ```
   */
  prune(input: PruneDatabase): Promise<PrunedDatabase> {
    return prune(this.parts.retention, this.clock, input)
  }

  private told({ from, to, versions }: MigrationPlan, dryRun: boolean): DatabaseMigration {
    const { id } = this
    const way = from === undefined ? `to ${to}` : `from ${from} to ${to}`
    const done = dryRun ? 'would be migrated' : 'was migrated'
    return {
      message: `Database "${id}" ${versions.length === 0 ? `is at ${to} already` : `${done} ${way}`}.`,
      dbId: id,
      fromVersion: from ?? null,
      toVersion: to ?? null,
      applied: [...versions],
      dryRun,
    }
  }
}

function stateOf(version: string | undefined, latest: string): DatabaseStatus['state'] {
  if (version === undefined) return 'empty'
  if (majorOf(version) > majorOf(latest)) return 'too_new'
  return compareVersions(version, latest) < 0 ? 'behind' : 'ready'
}
