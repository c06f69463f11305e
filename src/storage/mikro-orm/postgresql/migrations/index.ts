import type { VersionedMigration } from '../../migrate.js'
import { ApprovalsAndWebhooksMigration } from './approvals-and-webhooks.js'
import { InitialMigration } from './initial.js'
import { MediaUsesMigration } from './media-uses.js'
import { NestedRuns } from './nested-runs.js'
import { RateLimitsMigration } from './rate-limits.js'
import { RunEventsOrder } from './run-events-order.js'
import { ServiceAccountsMigration } from './service-accounts.js'
import { SnapshotsMigration } from './snapshots.js'
import { WorkflowWaits } from './workflow-waits.js'

/** In order, with the versions of SQLite's. */
export const postgresMigrations: readonly VersionedMigration[] = [
  { version: '1.0.0', name: '1.0.0-initial', class: InitialMigration },
  { version: '1.1.0', name: '1.1.0-approvals-and-webhooks', class: ApprovalsAndWebhooksMigration },
  { version: '1.2.0', name: '1.2.0-service-accounts', class: ServiceAccountsMigration },
  { version: '1.3.0', name: '1.3.0-media-uses', class: MediaUsesMigration },
  { version: '1.4.0', name: '1.4.0-snapshots', class: SnapshotsMigration },
  { version: '1.5.0', name: '1.5.0-nested-runs', class: NestedRuns },
  { version: '1.6.0', name: '1.6.0-workflow-waits', class: WorkflowWaits },
  { version: '1.7.0', name: '1.7.0-rate-limits', class: RateLimitsMigration },
  { version: '1.8.0', name: '1.8.0-run-events-order', class: RunEventsOrder },
]
