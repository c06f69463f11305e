import type { MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/sql'
import type { EntityWork } from '../entity-work.js'
import { storageError } from '../failure.js'
import type { NulFreePostgresDriver } from './driver.js'
import { isAway, isCrossed, retried } from './faults.js'
import { send, type NativePool } from './native.js'
import { UnitQueue } from './unit-queue.js'
import { WakeUps } from './wake-ups.js'
import { withClient } from './with-client.js'
import type { Query } from './work.js'

/** One PostgreSQL database as one process sees it: MikroORM's pool, which the hot path shares. */
export class PostgresDatabase implements EntityWork {
  readonly position = 'strpos'
  readonly units: UnitQueue
  readonly wakeUps: WakeUps

  constructor(
    readonly orm: MikroORM<NulFreePostgresDriver>,
    readonly pool: NativePool,
    schema: string,
  ) {
    this.wakeUps = new WakeUps(pool, schema)
    this.units = new UnitQueue(pool, this.wakeUps)
  }

  /** Sends one statement, which is a transaction of its own and may be sent twice: it is, when the connection is lost. */
  readonly query: Query = (statement, values) =>
    this.guarded(() => withClient(this.pool, (client) => send(client, statement, values)), isAwayOrCrossed)

  /** Takes jobs, so that nobody else gets them. Where the connection is lost, nobody may have got them. */
  takeWakeUps(limit: number): Promise<string[]> {
    return this.guarded(
      () =>
        withClient(this.pool, async (client) => {
          const query: Query = (statement, values) => send(client, statement, values)
          await query({ text: 'BEGIN' }, [])
          try {
            const runIds = await this.wakeUps.take(query, limit)
            await query({ text: 'COMMIT' }, [])
            return runIds
          } catch (error) {
            await query({ text: 'ROLLBACK' }, [])
            throw error
          }
        }),
      isAwayOrCrossed,
    )
  }

  /** The planner has statistics of its own. */
  inOrderOf(): undefined {
    return undefined
  }

  read<Result>(work: (em: SqlEntityManager) => Promise<Result>): Promise<Result> {
    return this.guarded(() => work(this.fork()), isAway)
  }

  /** Not tried again when the connection is lost: nobody knows then whether it was done. */
  transaction<Result>(work: (em: SqlEntityManager) => Promise<Result>): Promise<Result> {
    return this.guarded(() => this.fork().transactional(work), isCrossed)
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await this.units.idle()
    await this.wakeUps.stop()
    await this.orm.close(true)
  }

  private fork(): SqlEntityManager {
    return this.orm.em.fork()
  }

  private async guarded<Result>(work: () => Promise<Result>, isWorthIt: (error: unknown) => boolean): Promise<Result> {
    try {
      return await retried(work, isWorthIt)
    } catch (error) {
      throw storageError(error)
    }
  }
}

function isAwayOrCrossed(error: unknown): boolean {
  return isAway(error) || isCrossed(error)
}
