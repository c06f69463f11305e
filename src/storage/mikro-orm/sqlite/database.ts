import type { MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/sql'
import type { EntityWork } from '../entity-work.js'
import { storageError } from '../failure.js'
import type { ImmediateSqliteDriver } from './driver.js'
import { GroupCommit } from './group-commit.js'
import { Mutex } from './mutex.js'
import type { NativeDatabase } from './native.js'

/**
 * One SQLite file in one process. There is one connection that writes, MikroORM's own: with a second one, two writers
 * hold up the whole process for the busy timeout. Group commits and entity-manager transactions take turns on it
 * behind one mutex, held from BEGIN to COMMIT; without it, a rollback of the one takes acknowledged writes of the
 * other along. Reads have a connection of their own: they see only what is committed, and wait for nobody.
 */
export class SqliteDatabase implements EntityWork {
  readonly position = 'instr'
  private readonly mutex = new Mutex()
  private readonly groups: GroupCommit

  constructor(
    readonly orm: MikroORM<ImmediateSqliteDriver>,
    readonly writer: NativeDatabase,
    /** The writer itself when the database is in memory, where there is only one connection. */
    readonly reader: NativeDatabase,
  ) {
    this.groups = new GroupCommit(writer, this.mutex)
  }

  /** Writes a unit of the hot path together with others of the same tick; see {@link GroupCommit}. */
  write<Result>(unit: () => Result): Promise<Result> {
    return this.groups.write(unit)
  }

  /** Writes alone, in one transaction. For what is too large for a group. */
  writeAlone(work: () => void): Promise<void> {
    return this.guarded(() =>
      this.mutex.run(() => {
        this.writer.exec('BEGIN IMMEDIATE')
        try {
          work()
          this.writer.exec('COMMIT')
        } catch (error) {
          if (this.writer.inTransaction) this.writer.exec('ROLLBACK')
          throw error
        }
      }),
    )
  }

  /** Nothing else writes meanwhile, and in memory nothing reads. The work brings its own transaction. */
  alone<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.mutex.run(work)
  }

  /** Reads with statements of {@link reader}. */
  query<Result>(work: () => Result): Promise<Result> {
    return this.guarded(() => this.onReader(work))
  }

  /** Without statistics, the planner thinks that any condition leaves few rows, and reads and sorts the whole table. */
  inOrderOf(index: string): string {
    return `INDEXED BY ${index}`
  }

  read<Result>(work: (em: SqlEntityManager) => Promise<Result>): Promise<Result> {
    return this.guarded(() => this.onReader(() => work(this.fork())))
  }

  transaction<Result>(work: (em: SqlEntityManager) => Promise<Result>): Promise<Result> {
    return this.guarded(() => this.mutex.run(() => this.fork().transactional(work)))
  }

  /** Ends what is under way. The connection that writes closes last, and puts everything into the one file. */
  async close(): Promise<void> {
    await this.mutex.run(() => this.orm.close(true))
  }

  private fork(): SqlEntityManager {
    return this.orm.em.fork()
  }

  /** With a single connection, a read in the middle of a transaction would see what may be rolled back. */
  private onReader<Result>(work: () => Result | Promise<Result>): Result | Promise<Result> {
    return this.reader === this.writer ? this.mutex.run(work) : work()
  }

  private async guarded<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw storageError(error)
    }
  }
}
