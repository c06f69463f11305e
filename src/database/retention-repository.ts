/** How much of each was removed, or would be. */
export interface PruneCounts {
  runs: number
  segments: number
  approvals: number
  deliveries: number
  idempotencyKeys: number
  media: number
}

/** Where the next step begins. Only the storage knows what it says. */
export interface PruneCursor {
  stage: string
  after: string | number
}

export interface PruneOrder {
  /** Milliseconds, as all times here. What has changed since stays. */
  olderThan: number
  at: number
  /** Counts, and removes nothing. */
  dryRun: boolean
  /** From the step before. */
  cursor?: PruneCursor | undefined
}

export interface PruneStep {
  counts: Partial<PruneCounts>
  /** Undefined with the last step. */
  next?: PruneCursor
}

/** Removes what is old, a little at a time. */
export interface RetentionRepository {
  /**
   * One step, which looks at a bounded number of records and changes them in one short transaction:
   *
   * - runs that have ended and have not changed since, with their logs, records, keys and deliveries, and the media that
   *   no other run uses; but none of which something is still to be posted, or whose parent stays;
   * - approvals that are closed and have not changed since, and whose run is gone;
   * - deliveries that were given up before; idempotency keys whose time is up; media of runs that were never stored.
   *
   * Sessions stay, with their state. A run that is pending, running or paused stays with everything that belongs to it.
   */
  prune(order: PruneOrder): Promise<PruneStep>
}
