import { PgBoss, type Clock, type Db } from 'pg-boss'
import { UnavailableError } from '../../../core/errors.js'
import { storageError } from '../failure.js'
import { isPostgresFault } from './faults.js'
import { send, withoutNul, type Bindable, type NativePool } from './native.js'
import type { Query } from './work.js'

/** That a run waits for a process that begins it. */
export interface WakeUp {
  runId: string
  priority: number
  /** Not before this time, in milliseconds. */
  after: number | null
}

const QUEUE = 'runs'
const INSERT_JOBS = 'agentos_insert_jobs'
/** A job is taken and deleted in one transaction, so that none is ever at work, fails, or is kept. */
const QUEUE_OPTIONS = { retryLimit: 0, expireInSeconds: 60, deleteAfterSeconds: 60 }

/** Upkeep must not keep a process alive that has nothing else to do. */
const clock: Clock = {
  now: Date.now,
  setTimeout: (work, ms) => setTimeout(work, ms).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  setInterval: (work, ms) => setInterval(work, ms).unref(),
  clearInterval: (timer) => clearInterval(timer as NodeJS.Timeout),
}

/**
 * Wake-ups for runs in the background, as jobs of pg-boss. A job is sent in the transaction that accepts a run which
 * can begin; of all processes one takes it, which then begins the run by compare-and-set. Nothing depends on a job: one
 * that is lost is made up for by whoever looks into the tables, and one too many finds nothing to begin.
 *
 * Jobs are fetched and not worked on by workers of pg-boss: those would hold jobs for which there is no room here.
 */
export class WakeUps {
  isReady = false
  private readonly schema: string
  private boss: PgBoss | undefined
  private starting: Promise<void> | undefined

  constructor(
    private readonly pool: NativePool,
    schema: string,
  ) {
    this.schema = schema === 'public' ? 'agentos_queue' : `${schema}_queue`
  }

  /**
   * Starts the queue, once. With `auto`, what is missing of its tables is made, by one process at a time.
   *
   * @throws UnavailableError `NOT_READY`
   */
  async ready(mode: 'auto' | 'check'): Promise<void> {
    const starting = (this.starting ??= this.start(mode))
    try {
      await starting
    } catch (error) {
      if (this.starting === starting) this.starting = undefined
      throw error
    }
  }

  /** Removes the tables of the queue. */
  async drop(): Promise<void> {
    await this.stop()
    await this.execute(`DROP SCHEMA IF EXISTS ${this.schema} CASCADE`)
  }

  /** Sends jobs with a statement of the caller's, inside of its transaction. */
  async send(query: Query, wakeUps: readonly WakeUp[]): Promise<void> {
    if (wakeUps.length === 0) return
    const jobs = wakeUps.map(({ runId, priority, after }) => ({
      data: { runId: withoutNul(runId).toWellFormed() },
      priority,
      ...(after !== null && { startAfter: new Date(after).toISOString() }),
    }))
    await this.boss!.insert(QUEUE, jobs, { db: databaseOf(query, INSERT_JOBS) })
  }

  /** Ids of runs that wait, at most `limit`, higher priorities first. Nobody else gets them. */
  async take(query: Query, limit: number): Promise<string[]> {
    const db = databaseOf(query)
    const jobs = await this.boss!.fetch<{ runId: string }>(QUEUE, { batchSize: limit, db })
    if (jobs.length > 0)
      await this.boss!.deleteJob(
        QUEUE,
        jobs.map(({ id }) => id),
        { db },
      )
    return jobs.map(({ data }) => data.runId)
  }

  async stop(): Promise<void> {
    this.isReady = false
    await this.starting?.catch(() => undefined)
    this.starting = undefined
    const { boss } = this
    this.boss = undefined
    await boss?.stop({ graceful: false, close: false })
  }

  private async start(mode: 'auto' | 'check'): Promise<void> {
    const boss = new PgBoss({
      db: { executeSql: (text, values) => this.execute(text, values) },
      schema: this.schema,
      migrate: mode === 'auto',
      clock,
      schedule: false,
      registerInstance: false,
    })
    // What fails in its upkeep is done by its next turn, or by another process.
    boss.on('error', () => undefined)
    try {
      if (mode === 'auto') {
        await this.alone(async () => {
          await boss.start()
          if (!(await boss.getQueue(QUEUE))) await boss.createQueue(QUEUE, QUEUE_OPTIONS)
        })
      } else {
        await boss.start().catch((error: unknown) => {
          throw isPostgresFault(error) ? error : notReady(error)
        })
      }
    } catch (error) {
      await boss.stop({ graceful: false, close: false })
      throw storageError(error)
    }
    this.boss = boss
    this.isReady = true
  }

  /** pg-boss has a lock of its own, which it takes only after it has made its schema. */
  private async alone(work: () => Promise<void>): Promise<void> {
    const client = await this.pool.connect()
    try {
      const query: Query = (statement, values) => send(client, statement, values)
      await query({ text: 'SET lock_timeout = 0' }, [])
      await query({ text: 'SELECT pg_advisory_lock(hashtextextended($1, 0))' }, [`agentos-sdk.queue.${this.schema}`])
      await work()
    } finally {
      // With the connection goes the lock.
      client.release(true)
    }
  }

  /** A connection on which something has failed may be inside of a transaction of pg-boss's: it is not used again. */
  private async execute(text: string, values: unknown[] = []): Promise<{ rows: unknown[] }> {
    const client = await this.pool.connect()
    let isBroken = true
    try {
      const result = await client.query({ text, values: values as Bindable[] })
      isBroken = false
      return result
    } finally {
      client.release(isBroken)
    }
  }
}

function databaseOf(query: Query, name?: string): Db {
  return {
    executeSql: async (text, values = []) => ({
      rows: await query({ text, ...(name !== undefined && { name }) }, values as Bindable[]),
    }),
  }
}

function notReady(cause: unknown): UnavailableError {
  return new UnavailableError(
    'NOT_READY',
    'The database has no tables of the run queue yet, or older ones than its package, pg-boss, needs. ' +
      'Migrate it: agentOS.database.migrate(), or POST /databases/{db_id}/migrate.',
    undefined,
    { cause },
  )
}
