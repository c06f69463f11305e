import type { EntityManager } from '@mikro-orm/sql'
import type { Session } from '../../sessions/session.js'
import { SessionCopy } from '../../runs/session-copy.js'
import { MediaUseEntity } from './media.entity.js'
import { RunEntity, RunTextEntity, SegmentEntity } from './run.entity.js'
import { toRow } from './session-row.js'
import { SessionEntity } from './session.entity.js'

const plain = { disableIdentityMap: true } as const
/** Ended runs: whatever still goes on, or waits, belongs to the session that it was started in. */
const ENDED = ['completed', 'cancelled', 'error', 'regenerated']
const RUNS_AT_ONCE = 100
const SEGMENTS_AT_ONCE = 200

/** Copies a session with its ended runs and their logs, inside a transaction. Writes nothing when there are none. */
export async function forkSession(em: EntityManager, source: Session, sessionId: string, at: number): Promise<number> {
  const copy = new SessionCopy(source.sessionId, sessionId)
  const seqs = await addRuns(em, source.sessionId, copy)
  if (seqs.length === 0) return 0
  for (let from = 0; from < seqs.length; from += RUNS_AT_ONCE) {
    await copyRuns(em, seqs.slice(from, from + RUNS_AT_ONCE), sessionId, copy, at)
  }
  const state = { ...source.state, forked_from_session_id: source.sessionId }
  const session = { ...source, sessionId, state, metrics: copy.usage, createdAt: at, updatedAt: at }
  await em.insert(SessionEntity, toRow(session))
  return seqs.length
}

/** Gives every run that is copied its new id, before any text is rewritten that may name it. */
async function addRuns(em: EntityManager, sessionId: string, copy: SessionCopy): Promise<number[]> {
  const ended = { sessionId, status: { $in: ENDED } }
  const fields = ['seq', 'runId', 'parentRunId'] as const
  const runs = await em.find(RunEntity, ended, { ...plain, fields, orderBy: { seq: 'asc' } })
  const seqs: number[] = []
  for (const { seq, runId, parentRunId } of runs) {
    // What a run has started is copied with it, or not at all.
    if (parentRunId != null && copy.idOf(parentRunId) === undefined) continue
    copy.add(runId)
    seqs.push(seq)
  }
  return seqs
}

async function copyRuns(em: EntityManager, seqs: readonly number[], sessionId: string, copy: SessionCopy, at: number) {
  const runs = await em.find(RunEntity, { seq: { $in: [...seqs] } }, { ...plain, orderBy: { seq: 'asc' } })
  const texts = await em.find(RunTextEntity, { seq: { $in: [...seqs] } }, plain)
  await em.insertMany(
    RunEntity,
    runs.map(({ seq: _seq, ...run }) => ({
      ...run,
      runId: copy.add(run.runId),
      sessionId,
      parentRunId: run.parentRunId == null ? null : (copy.idOf(run.parentRunId) ?? null),
      rootRunId: run.rootRunId == null ? null : (copy.idOf(run.rootRunId) ?? null),
      executorId: null,
      runAfter: null,
      followedUntil: null,
      wakeAt: null,
    })),
  )
  const ids = runs.map(({ runId }) => copy.add(runId))
  const written = await em.find(RunEntity, { runId: { $in: ids } }, { ...plain, fields: ['seq', 'runId'] })
  const seqOf = new Map(written.map(({ seq, runId }) => [runId, seq]))
  const textOf = new Map(texts.map((text) => [text.seq, text]))
  await em.insertMany(
    RunTextEntity,
    runs.map(({ seq, runId }) => {
      const { request, body, bodyIndex } = textOf.get(seq)!
      return { seq: seqOf.get(copy.add(runId))!, request, body: body == null ? null : copy.body(body), bodyIndex }
    }),
  )
  for (const { runId } of runs) await copyLog(em, runId, copy)
  const uses = await em.find(MediaUseEntity, { runId: { $in: runs.map(({ runId }) => runId) } }, plain)
  const copies = uses.map(({ runId, hash }) => ({ runId: copy.add(runId), hash, storedAt: at }))
  if (copies.length > 0) await em.insertMany(MediaUseEntity, copies)
}

async function copyLog(em: EntityManager, runId: string, copy: SessionCopy): Promise<void> {
  for (let after = -1; ;) {
    const rest = { runId, firstIndex: { $gt: after } }
    const segments = await em.find(SegmentEntity, rest, {
      ...plain,
      orderBy: { firstIndex: 'asc' },
      limit: SEGMENTS_AT_ONCE,
    })
    const copies = segments.map((segment) => ({ ...copy.segment(segment), runId: copy.add(runId) }))
    if (copies.length > 0) await em.insertMany(SegmentEntity, copies)
    if (segments.length < SEGMENTS_AT_ONCE) return
    after = segments.at(-1)!.firstIndex
  }
}
