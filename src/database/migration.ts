import { z } from 'zod'

const Version = z
  .string()
  .max(100)
  .meta({ description: 'A version of the schema. Default: the latest.', examples: ['1.1.0'] })

/** Where a schema is to go. */
export const MigrateDatabase = z.strictObject({
  to: Version.optional(),
  /** Lets it go down, which drops what only newer versions have. */
  allowDowngrade: z.boolean().default(false),
  /** Says what would be done, and does nothing. */
  dryRun: z.boolean().default(false),
  /** Waits while another process migrates; else that is `MIGRATION_IN_PROGRESS`. */
  wait: z.boolean().default(true),
})
export type MigrateDatabase = z.input<typeof MigrateDatabase>

/** What a migration has done to a database, or would do. */
export const DatabaseMigration = z
  .object({
    message: z.string(),
    dbId: z.string(),
    /** Null: there was no schema. */
    fromVersion: z.string().nullable(),
    toVersion: z.string().nullable(),
    /** The versions that were gone through, in order; going down, those that were taken back. */
    applied: z.array(z.string()),
    /** Whether nothing was done. */
    dryRun: z.boolean(),
  })
  .meta({ id: 'DatabaseMigration' })
export type DatabaseMigration = z.infer<typeof DatabaseMigration>

export const DATABASE_STATES = ['ready', 'empty', 'behind', 'too_new', 'unreachable'] as const

/** A database, and how its schema stands to this code. */
export const DatabaseStatus = z
  .object({
    dbId: z.string(),
    /** Of the schema. Null: there is none, or the database does not answer. */
    version: z.string().nullable(),
    /** The newest one that this code knows. */
    latestVersion: z.string().nullable(),
    /** All that it knows, oldest first. */
    versions: z.array(z.string()),
    /** `ready`: can be used. `empty`, `behind`: is to be migrated. `too_new`: a major ahead of this code. */
    state: z.enum(DATABASE_STATES),
  })
  .meta({ id: 'DatabaseStatus' })
export type DatabaseStatus = z.infer<typeof DatabaseStatus>

/** What became of several databases; of those that failed, the error's code. */
export const DatabasesMigration = z
  .object({
    message: z.string(),
    results: z.record(z.string(), DatabaseMigration),
    failed: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: 'DatabasesMigration' })
export type DatabasesMigration = z.infer<typeof DatabasesMigration>
