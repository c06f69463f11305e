import { AgentOSError, ConfigurationError, NotFoundError, ValidationError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { Database } from './database.js'
import type { DatabaseMigration, DatabasesMigration, DatabaseStatus, MigrateDatabase } from './migration.js'

/** Means every database where one is named, so none can have it. */
const ALL = 'all'

/** The databases of an AgentOS: its own, and those that it looks after besides. */
export class Databases {
  private readonly byId: ReadonlyMap<string, Database>

  /** @throws ConfigurationError when two have one id, or one is called `all`. */
  constructor(
    databases: readonly Database[],
    private readonly logger: Logger,
  ) {
    this.byId = new Map(databases.map((database) => [database.id, database]))
    if (this.byId.size < databases.length) {
      const ids = databases.map(({ id }) => JSON.stringify(id)).join(', ')
      throw new ConfigurationError(
        `Each database needs an id of its own, such as sqlite(path, { id }). There are ${ids}.`,
      )
    }
    if (this.byId.has(ALL)) throw new ConfigurationError(`No database can be called "${ALL}": that means every one.`)
  }

  /** Sorted. */
  get ids(): string[] {
    return [...this.byId.keys()].toSorted()
  }

  /** @throws NotFoundError `DATABASE_NOT_FOUND` */
  get(dbId: string): Database {
    const database = this.byId.get(dbId)
    if (!database) throw new NotFoundError('DATABASE_NOT_FOUND', `There is no database "${dbId}".`)
    return database
  }

  /** How the schema of each stands to this code. */
  status(): Promise<DatabaseStatus[]> {
    return Promise.all(this.ids.map((id) => this.get(id).status()))
  }

  /** As {@link Database.migrate}. */
  async migrate(dbId: string, input: MigrateDatabase = {}): Promise<DatabaseMigration> {
    const { steps: _steps, ...migration } = await this.get(dbId).migrate(input)
    return migration
  }

  /**
   * Migrates each as {@link Database.migrate} does. One that fails does not stop the others.
   *
   * @throws ValidationError `INVALID_VERSION` when none of them knows the version.
   */
  async migrateAll(input: MigrateDatabase = {}): Promise<DatabasesMigration> {
    const results: Record<string, DatabaseMigration> = {}
    const failures = new Map<string, unknown>()
    for (const id of this.ids) {
      try {
        results[id] = await this.migrate(id, input)
      } catch (error) {
        failures.set(id, error)
      }
    }
    const [invalid, ...others] = [...failures.values()].filter((error) => error instanceof ValidationError)
    if (invalid && others.length + 1 === this.byId.size) throw invalid
    for (const [dbId, error] of failures) this.logger.warn({ err: error, dbId }, 'A database could not be migrated')
    const failed = Object.fromEntries(Array.from(failures, ([id, error]) => [id, codeOf(error)]))
    return {
      message: [...Object.values(results).map(({ message }) => message), ...[...failures.keys()].map(failure)].join(
        ' ',
      ),
      results,
      ...(failures.size > 0 && { failed }),
    }
  }
}

function failure(dbId: string): string {
  return `Database "${dbId}" could not be migrated.`
}

function codeOf(error: unknown): string {
  return error instanceof AgentOSError ? error.code : 'INTERNAL_ERROR'
}
