import { AgentOSError } from '../../../core/errors.js'
import { databaseUnavailable, storageError } from '../failure.js'
import { isAway, isCrossed, retried } from './faults.js'
import { send, type NativeClient, type NativePool } from './native.js'
import { View } from './view.js'
import type { WakeUps } from './wake-ups.js'
import type { Query, Unit } from './work.js'
import { RaceLostError, Writes } from './writes.js'

/** A unit on its way, and how to answer whoever has asked for it. */
export interface Pending {
  unit: Unit<unknown>
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
}

/** Another process can only be faster with the same rows as often as there are others. */
const MAX_RACES = 10

/** A group that is tried again, if need be. */
interface Attempt {
  group: readonly Pending[]
  /** A COMMIT was sent, and nobody knows what became of it. */
  isUnknown: boolean
}

type Answer = () => void

/**
 * Writes the units of a group in one transaction: locks and reads all that they want, lets each decide, and sends what
 * they have decided. The number of round trips is the same for one unit as for a hundred.
 *
 * A unit that refuses has written nothing, so it leaves its neighbours alone. When the database refuses, each unit is
 * written in a transaction of its own: the one that fails, fails alone. When the connection is lost, the group is
 * tried again on another one, also after a COMMIT whose outcome is unknown: units know by the rows what they have
 * done already.
 */
export class GroupCommit {
  constructor(
    private readonly pool: NativePool,
    private readonly wakeUps: WakeUps,
  ) {}

  /** Resolves when all units are answered, with those that must wait for the next group. */
  async commit(group: readonly Pending[]): Promise<readonly Pending[]> {
    const attempt: Attempt = { group, isUnknown: false }
    try {
      const { answers, postponed } = await retried(() => this.again(attempt))
      for (const answer of answers) answer()
      return postponed
    } catch (error) {
      if (isAway(error)) {
        for (const { reject } of group) reject(databaseUnavailable(error))
      } else if (group.length === 1) {
        for (const { reject } of group) reject(storageError(error))
      } else {
        const postponed: Pending[] = []
        for (const one of group) postponed.push(...(await this.commit([one])))
        return postponed
      }
      return []
    }
  }

  /** Looks again where others were at the same rows. */
  private async again(attempt: Attempt): Promise<{ answers: Answer[]; postponed: Pending[] }> {
    for (let race = 1; ; race++) {
      try {
        return await this.transaction(attempt)
      } catch (error) {
        const isRace = error instanceof RaceLostError || isCrossed(error)
        if (!isRace || race === MAX_RACES) throw error
      }
    }
  }

  private async transaction(attempt: Attempt): Promise<{ answers: Answer[]; postponed: Pending[] }> {
    const client = await this.pool.connect()
    let isBroken = true
    try {
      const query: Query = (statement, values) => send(client, statement, values)
      const units = attempt.group.map(({ unit }) => unit)
      const [, view] = await Promise.all([query({ text: 'BEGIN' }, []), View.load(query, units)])
      const { answers, postponed, writes } = await decide(attempt, view)
      if (writes.isEmpty) {
        await query({ text: 'ROLLBACK' }, [])
      } else {
        await writes.flush(query, this.wakeUps)
        attempt.isUnknown = true
        await query({ text: 'COMMIT' }, [])
        attempt.isUnknown = false
      }
      isBroken = false
      return { answers, postponed }
    } catch (error) {
      isBroken = !(await rollBack(client, error))
      throw error
    } finally {
      client.release(isBroken)
    }
  }
}

async function decide({ group, isUnknown }: Attempt, view: View) {
  const writes = new Writes()
  const answers: Answer[] = []
  const postponed: Pending[] = []
  const sessions = new Set<string>()
  for (const pending of group) {
    const { unit, resolve, reject } = pending
    // What a unit sees of its session must be what is stored: a second one of the session waits for the next group.
    const sessionId = view.sessionIdOf(unit)
    if (sessionId !== undefined && sessions.has(sessionId)) {
      postponed.push(pending)
      continue
    }
    if (sessionId !== undefined) sessions.add(sessionId)
    const own = new Writes()
    try {
      const result = await unit.decide(view, own, isUnknown)
      writes.add(own)
      answers.push(() => resolve(result))
    } catch (error) {
      if (!(error instanceof AgentOSError) && storageError(error) !== error) throw error
      answers.push(() => reject(error))
    }
  }
  return { writes, answers, postponed }
}

/** False when the connection is of no more use. */
async function rollBack(client: NativeClient, error: unknown): Promise<boolean> {
  if (isAway(error)) return false
  try {
    await send(client, { text: 'ROLLBACK' }, [])
    return true
  } catch {
    return false
  }
}
