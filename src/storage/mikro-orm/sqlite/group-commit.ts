import { AgentOSError } from '../../../core/errors.js'
import { databaseUnavailable, storageError } from '../failure.js'
import type { Mutex } from './mutex.js'
import type { NativeDatabase } from './native.js'

interface Waiting {
  work: () => unknown
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
}

/** So that a long line of units does not hold up everything else in the process. */
const MAX_UNITS = 200
/** So that a stream of units does not hold up those that came first. */
const MAX_TURNS = 8

/**
 * Writes the units of a few turns of the event loop in one transaction. A caller is answered after COMMIT, so what was answered is on
 * disk.
 *
 * A unit refuses by throwing one of our errors **before its first write**: that leaves nothing to roll back, so
 * neighbours need no savepoints (which cost a tenth of a unit). Any other failure rolls the whole group back, and
 * each unit is then written in a transaction of its own: the one that fails, fails alone.
 */
export class GroupCommit {
  private waiting: Waiting[] = []
  private isScheduled = false
  private readonly begin
  private readonly commit

  constructor(
    private readonly database: NativeDatabase,
    private readonly mutex: Mutex,
  ) {
    this.begin = database.prepare('BEGIN IMMEDIATE')
    this.commit = database.prepare('COMMIT')
  }

  /** Runs the unit in the next group. It must do the same when it is run again after a rollback. */
  write<Result>(unit: () => Result): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.waiting.push({ work: unit, resolve: resolve as (result: unknown) => void, reject })
      this.schedule()
    })
  }

  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    this.gather(0, 0)
  }

  /**
   * Waits for company: a commit costs nearly the same for ten units as for one. Units of other requests join as long
   * as each turn of the event loop brings one, so that alone a unit waits for two turns, which is next to nothing.
   */
  private gather(known: number, turns: number): void {
    setImmediate(() => {
      const count = this.waiting.length
      if (turns > 0 && (count === known || turns === MAX_TURNS || count >= MAX_UNITS)) this.start()
      else this.gather(count, turns + 1)
    })
  }

  private start(): void {
    if (this.mutex.tryAcquire()) this.flush()
    else void this.mutex.acquire().then(() => this.flush())
  }

  private flush(): void {
    const group = this.waiting.splice(0, MAX_UNITS)
    this.isScheduled = false
    try {
      this.commitGroup(group)
    } catch (error) {
      // Not even ROLLBACK works.
      rejectAll(group, error)
    } finally {
      this.mutex.release()
      if (this.waiting.length > 0) this.schedule()
    }
  }

  /** False when the database lets nobody in, so that another try now would only wait again. */
  private commitGroup(group: readonly Waiting[]): boolean {
    try {
      this.begin.run()
    } catch (error) {
      rejectAll(group, error)
      return false
    }
    let answers: (() => void)[]
    try {
      answers = group.map(answerOf)
    } catch (error) {
      this.rollBack()
      if (group.length > 1) return this.commitEach(group)
      for (const { reject } of group) reject(storageError(error))
      return true
    }
    try {
      this.commit.run()
    } catch (error) {
      this.rollBack()
      rejectAll(group, error)
      return true
    }
    for (const answer of answers) answer()
    return true
  }

  private commitEach(group: readonly Waiting[]): boolean {
    const away = group.findIndex((unit) => !this.commitGroup([unit]))
    if (away !== -1) rejectAll(group.slice(away + 1), new Error('The database let no earlier unit in.'))
    return away === -1
  }

  private rollBack(): void {
    // Some failures (a full disk) have rolled back already.
    if (this.database.inTransaction) this.database.exec('ROLLBACK')
  }
}

function rejectAll(group: readonly Waiting[], cause: unknown): void {
  for (const { reject } of group) reject(databaseUnavailable(cause))
}

function answerOf({ work, resolve, reject }: Waiting): () => void {
  try {
    const result = work()
    return () => resolve(result)
  } catch (error) {
    if (!(error instanceof AgentOSError)) throw error
    return () => reject(error)
  }
}
