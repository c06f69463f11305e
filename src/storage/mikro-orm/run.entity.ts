import { defineEntity, p } from '@mikro-orm/core'

const milliseconds = () => p.bigint('number')

/**
 * The row beside a run's log. An append rewrites it, so it is small: long texts stand in {@link RunTextEntity}.
 * Only the hot path writes it, with prepared statements.
 */
export const RunEntity = defineEntity({
  name: 'Run',
  tableName: 'agentos_runs',
  properties: {
    seq: p.bigint('number').primary().autoincrement(),
    runId: p.text().unique('agentos_runs_run_id'),
    sessionId: p.text(),
    userId: p.text().nullable(),
    parentRunId: p.text().nullable(),
    /** The run in whose log this one's entries are. */
    rootRunId: p.text().nullable(),
    componentKind: p.text(),
    componentId: p.text(),
    /** Escaped: see `escapeText`. */
    componentName: p.text(),
    componentVersion: p.integer().nullable(),
    mode: p.text(),
    status: p.text(),
    attempt: p.integer().default(0),
    executorId: p.text().nullable(),
    lastIndex: p.integer().default(-1),
    createdAt: milliseconds(),
    updatedAt: milliseconds(),
    cancelRequestedAt: milliseconds().nullable(),
    /** 1: rolled back by a later run; a model never sees it. */
    hidden: p.integer().default(0),
    /** 0: runs beside the others of its session and never stands in its line (concurrency `allow`). */
    inLine: p.integer().default(1),
    priority: p.integer().default(0),
    runAfter: milliseconds().nullable(),
    followedUntil: milliseconds().nullable(),
    /** When a paused run goes on by itself. */
    wakeAt: milliseconds().nullable(),
  },
  indexes: [
    { name: 'agentos_runs_session', properties: ['sessionId', 'seq'] },
    { name: 'agentos_runs_component', properties: ['componentId', 'seq'] },
    { name: 'agentos_runs_user', properties: ['userId', 'seq'] },
    { name: 'agentos_runs_active', properties: ['sessionId', 'seq', 'status'] },
    { name: 'agentos_runs_cancel', properties: ['cancelRequestedAt'] },
    { name: 'agentos_runs_wake', properties: ['wakeAt'] },
  ],
})

/** The long texts of a run: what it was accepted with, and its record. */
export const RunTextEntity = defineEntity({
  name: 'RunText',
  tableName: 'agentos_run_texts',
  properties: {
    seq: p.bigint('number').primary().autoincrement(false),
    request: p.text(),
    body: p.text().nullable(),
    bodyIndex: p.integer().nullable(),
  },
})

/** Consecutive entries of a run's log. */
export const SegmentEntity = defineEntity({
  name: 'Segment',
  tableName: 'agentos_segments',
  properties: {
    runId: p.text().primary(),
    firstIndex: p.integer().primary(),
    lastIndex: p.integer(),
    attempt: p.integer(),
    format: p.integer(),
    entries: p.text(),
  },
})

/** What a run's log comes to up to an index, as what has changed since the row before. */
export const SnapshotEntity = defineEntity({
  name: 'Snapshot',
  tableName: 'agentos_snapshots',
  properties: { runId: p.text().primary(), lastIndex: p.integer().primary(), state: p.text() },
})

/** Which run a request with an `Idempotency-Key` became. */
export const IdempotencyKeyEntity = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'agentos_idempotency_keys',
  properties: {
    scope: p.text().primary(),
    key: p.text().primary(),
    fingerprint: p.text(),
    runId: p.text(),
    expiresAt: milliseconds(),
  },
  indexes: [
    { name: 'agentos_idempotency_keys_run', properties: ['runId'] },
    { name: 'agentos_idempotency_keys_expiry', properties: ['expiresAt'] },
  ],
})

/** A process that executes runs, with its lease. */
export const ExecutorEntity = defineEntity({
  name: 'Executor',
  tableName: 'agentos_executors',
  properties: { id: p.text().primary(), leaseUntil: milliseconds(), startedAt: milliseconds() },
})

/** An event that was sent to a run from outside. */
export const RunEventEntity = defineEntity({
  name: 'RunEvent',
  tableName: 'agentos_run_events',
  properties: {
    seq: p.bigint('number').primary().autoincrement(),
    runId: p.text(),
    /** Escaped, as `name` is. */
    eventId: p.text(),
    name: p.text(),
    payload: p.text().nullable(),
    createdAt: milliseconds(),
  },
  uniques: [{ name: 'agentos_run_events_id', properties: ['runId', 'eventId'] }],
  indexes: [{ name: 'agentos_run_events_order', properties: ['runId', 'seq'] }],
})
