import type { VersionedMigration } from '../../migrate.js'
import { ApprovalsAndWebhooksMigration } from './approvals-and-webhooks.js'
import { InitialMigration } from './initial.js'

/** In order, with the versions of SQLite's. */
export const postgresMigrations: readonly VersionedMigration[] = [
  { version: '1.0.0', name: '1.0.0-initial', class: InitialMigration },
  { version: '1.1.0', name: '1.1.0-approvals-and-webhooks', class: ApprovalsAndWebhooksMigration },
]
