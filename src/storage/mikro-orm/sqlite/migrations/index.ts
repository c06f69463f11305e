import type { VersionedMigration } from '../../migrate.js'
import { InitialMigration } from './initial.js'

/** In order. The schema has the version of the last one that was run. */
export const sqliteMigrations: readonly VersionedMigration[] = [
  { version: '1.0.0', name: '1.0.0-initial', class: InitialMigration },
]
