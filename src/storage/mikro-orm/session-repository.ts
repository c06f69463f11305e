import { LockMode, UniqueConstraintViolationException } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import type { Caller } from '../../core/caller.js'
import { ConflictError } from '../../core/errors.js'
import type { Page } from '../../core/page.js'
import { holdKeys } from '../../sessions/held-state.js'
import type { Session } from '../../sessions/session.js'
import type {
  SessionChanges,
  SessionFilter,
  SessionRepository,
  SessionSelector,
} from '../../sessions/session-repository.js'
import { ApprovalEntity } from './approval.entity.js'
import { deleteRuns } from './delete-runs.js'
import type { EntityWork } from './entity-work.js'
import { RunEntity } from './run.entity.js'
import { forkSession } from './session-fork.js'
import { listSessions, type SessionScope } from './session-list.js'
import { jsonColumn, nameColumns, toRow, toSession } from './session-row.js'
import { SessionEntity, type SessionRow } from './session.entity.js'

const plain = { disableIdentityMap: true } as const
/** Whoever accepts, ends or opens runs of a session needs its row, and waits. */
const lock = { ...plain, lockMode: LockMode.PESSIMISTIC_WRITE } as const

/** Sessions through the entity manager, for every dialect. */
export class MikroOrmSessionRepository implements SessionRepository {
  constructor(private readonly entities: EntityWork) {}

  async create(session: Session): Promise<void> {
    await this.entities.transaction(async (em) => {
      try {
        await em.insert(SessionEntity, toRow(session))
      } catch (error) {
        if (!(error instanceof UniqueConstraintViolationException)) throw error
        throw new ConflictError('SESSION_EXISTS', `There is a session "${session.sessionId}" already.`, {
          cause: error,
        })
      }
    })
  }

  async get(caller: Caller, sessionId: string, selector: SessionSelector = {}): Promise<Session | undefined> {
    const scope = scopeOf(caller, selector)
    if (!scope) return undefined
    const row = await this.entities.read((em) => em.findOne(SessionEntity, { ...scope, sessionId }, plain))
    return row ? toSession(row) : undefined
  }

  list(caller: Caller, filter: SessionFilter): Promise<Page<Session>> {
    return listSessions(this.entities, scopeOf(caller, filter), filter)
  }

  async update(
    caller: Caller,
    sessionId: string,
    changes: SessionChanges,
    options: SessionSelector & { at: number; ifUpdatedAt?: number; heldState?: readonly string[] },
  ): Promise<Session | undefined> {
    const scope = scopeOf(caller, options)
    if (!scope) return undefined
    return this.entities.transaction(async (em) => {
      const row = await em.findOne(SessionEntity, { ...scope, sessionId }, lock)
      if (!row) return undefined
      if (options.ifUpdatedAt !== undefined && options.ifUpdatedAt !== row.updatedAt) {
        throw new ConflictError(
          'SESSION_CHANGED',
          `Session "${sessionId}" was changed in the meantime. Get it again and repeat the change on what it is now.`,
        )
      }
      // Rises always, also within a millisecond: whoever has seen the state before must be told that it has changed.
      const updatedAt = Math.max(options.at, row.updatedAt + 1)
      const columns = { ...changedColumns(withHeld(changes, row, options.heldState)), updatedAt }
      await em.nativeUpdate(SessionEntity, { sessionId }, columns)
      return toSession({ ...row, ...columns })
    })
  }

  async fork(
    caller: Caller,
    sessionId: string,
    newSessionId: string,
    options: SessionSelector & { at: number },
  ): Promise<number | undefined> {
    const scope = scopeOf(caller, options)
    if (!scope) return undefined
    return this.entities.transaction(async (em) => {
      const row = await em.findOne(SessionEntity, { ...scope, sessionId }, lock)
      return row ? forkSession(em, toSession(row), newSessionId, options.at) : undefined
    })
  }

  async delete(caller: Caller, sessionIds: readonly string[], selector: SessionSelector = {}): Promise<number> {
    const scope = scopeOf(caller, selector)
    if (!scope || sessionIds.length === 0) return 0
    return this.entities.transaction(async (em) => {
      const found = { ...scope, sessionId: { $in: [...new Set(sessionIds)] } }
      const order = { orderBy: { sessionId: 'asc' } } as const
      const rows = await em.find(SessionEntity, found, { ...lock, ...order, fields: ['sessionId'] })
      const inThem = { sessionId: { $in: rows.map(({ sessionId }) => sessionId) } }
      await deleteRunsOf(em, inThem, Date.now())
      await em.nativeDelete(SessionEntity, inThem)
      return rows.length
    })
  }
}

/** Piece by piece, so that no number of runs is too large. */
async function deleteRunsOf(
  em: EntityManager,
  ofSessions: { sessionId: { $in: string[] } },
  at: number,
): Promise<void> {
  for (;;) {
    // Locked before anything of them is deleted: else a segment that is written meanwhile would be left over.
    const some = { ...lock, fields: ['seq', 'runId'], orderBy: { runId: 'asc' }, limit: 500 } as const
    const runs = await em.find(RunEntity, ofSessions, some)
    if (runs.length === 0) return
    await closeApprovals(em, { $in: runs.map((run) => run.runId) }, at)
    await deleteRuns(em, runs)
  }
}

/** Nobody can be asked any more. What was decided stays as the record that it is. */
async function closeApprovals(em: EntityManager, runId: { $in: string[] }, at: number): Promise<void> {
  const closed = { status: 'cancelled', resolvedAt: at, updatedAt: at }
  await em.nativeUpdate(ApprovalEntity, { runId, status: 'pending' }, closed)
}

/** What the caller sees and means; undefined when that can't be any. */
function scopeOf(caller: Caller, { type, userId }: SessionSelector): SessionScope | undefined {
  if (caller.scoped && (caller.userId === undefined || (userId !== undefined && userId !== caller.userId))) {
    return undefined
  }
  const owner = caller.scoped ? caller.userId : userId
  return { ...(type !== undefined && { type }), ...(owner !== undefined && { userId: owner }) }
}

function withHeld(changes: SessionChanges, row: SessionRow, held: readonly string[] = []): SessionChanges {
  if (changes.state === undefined || held.length === 0) return changes
  return { ...changes, state: holdKeys(changes.state ?? {}, toSession(row).state, held) }
}

function changedColumns({ name, state, metadata, summary }: SessionChanges): Partial<SessionRow> {
  return {
    ...(name !== undefined && nameColumns(name ?? '')),
    ...(state !== undefined && { state: JSON.stringify(state ?? {}) }),
    ...(metadata !== undefined && { metadata: jsonColumn(metadata) }),
    ...(summary !== undefined && { summary: jsonColumn(summary) }),
  }
}
