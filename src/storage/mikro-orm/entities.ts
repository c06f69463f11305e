import { defineEntity, p } from '@mikro-orm/core'
import { ApprovalEntity } from './approval.entity.js'
import { DeliveryEntity } from './delivery.entity.js'
import { MediaEntity, MediaUseEntity } from './media.entity.js'
import {
  ExecutorEntity,
  IdempotencyKeyEntity,
  RunEntity,
  RunEventEntity,
  RunTextEntity,
  SegmentEntity,
  SnapshotEntity,
} from './run.entity.js'
import { ServiceAccountEntity } from './service-account.entity.js'
import { SessionEntity } from './session.entity.js'

/** One row: the version of the schema. */
const SchemaVersionEntity = defineEntity({
  name: 'SchemaVersion',
  tableName: 'agentos_schema_version',
  properties: { id: p.integer().primary().autoincrement(false), version: p.text() },
})

/** Every table, for each dialect. */
export const entities = [
  SessionEntity,
  RunEntity,
  RunEventEntity,
  RunTextEntity,
  SegmentEntity,
  SnapshotEntity,
  IdempotencyKeyEntity,
  MediaEntity,
  MediaUseEntity,
  ExecutorEntity,
  ApprovalEntity,
  DeliveryEntity,
  ServiceAccountEntity,
  SchemaVersionEntity,
]
