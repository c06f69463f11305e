/** Where a schema is to go. */
export interface MigrationOrder {
  /** A version that this code knows. Default: its latest, or the one that is there where that is newer. */
  to?: string | undefined
  /** Lets it go down, which drops what only the newer version has. */
  allowDowngrade: boolean
}

/** What a migration does, or has done. Versions are `major.minor.patch`; undefined where there is no schema. */
export interface MigrationPlan {
  from: string | undefined
  to: string | undefined
  direction: 'up' | 'down'
  /** The versions that are gone through, in order: going down, those that are taken back. */
  versions: readonly string[]
}

/** A version and the statements that lead to it, or, going down, back from it. */
export interface MigrationStep {
  version: string
  statements: readonly string[]
}

/** The schema of a database: which version it has, and how it gets another. */
export interface SchemaRepository {
  /** The versions that this code can bring the schema to, oldest first. */
  versions(): Promise<readonly string[]>
  /** The version that the schema has; undefined for a database without ours. */
  version(): Promise<string | undefined>
  /**
   * Does what {@link planMigration} says, all of it or nothing, while every other process is kept out.
   *
   * @param options.wait while another process migrates; else it is refused.
   * @throws ConflictError `MIGRATION_IN_PROGRESS`, and as {@link planMigration} does.
   */
  migrate(order: MigrationOrder, options: { wait: boolean }): Promise<MigrationPlan>
  /** The same without doing anything, with the statements. Throws as {@link planMigration} does. */
  preview(order: MigrationOrder): Promise<MigrationPlan & { steps: readonly MigrationStep[] }>
}
