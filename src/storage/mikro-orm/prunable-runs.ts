import type { EntityManager } from '@mikro-orm/sql'
import { DeliveryEntity } from './delivery.entity.js'
import { MediaUseEntity } from './media.entity.js'
import { RunEntity } from './run.entity.js'

const plain = { disableIdentityMap: true } as const
const ENDED = new Set(['completed', 'cancelled', 'error', 'regenerated'])

/** What decides whether a run goes. */
export const RUN_FACTS = ['seq', 'runId', 'parentRunId', 'status', 'createdAt', 'updatedAt', 'lastIndex'] as const

interface RunFacts {
  runId: string
  parentRunId?: string | null | undefined
  status: string
  updatedAt: number
}

/** Those that have ended, and have not changed since; of which nothing is to be posted; and whose parent goes, too. */
export async function prunableRuns<Run extends RunFacts>(
  em: EntityManager,
  runs: readonly Run[],
  olderThan: number,
): Promise<Run[]> {
  const isOver = ({ status, updatedAt }: RunFacts): boolean => ENDED.has(status) && updatedAt < olderThan
  const over = runs.filter(isOver)
  if (over.length === 0) return []
  const toPost = { runId: { $in: over.map(({ runId }) => runId) }, status: 'pending' }
  const posted = await em.find(DeliveryEntity, toPost, { ...plain, fields: ['runId'] })
  const parentIds = over.flatMap(({ parentRunId }) => parentRunId ?? [])
  const parents =
    parentIds.length === 0
      ? []
      : await em.find(RunEntity, { runId: { $in: parentIds } }, { ...plain, fields: RUN_FACTS })
  const staying = new Set([...posted, ...parents.filter((parent) => !isOver(parent))].map(({ runId }) => runId))
  return over.filter(({ runId, parentRunId }) => !staying.has(runId) && !staying.has(parentRunId ?? ''))
}

/** How many media go with these runs. One that several runs use goes with the last of them, and is counted there. */
export async function mediaOnlyOf(em: EntityManager, runIds: readonly string[], olderThan: number): Promise<number> {
  const own = await em.find(MediaUseEntity, { runId: { $in: [...runIds] } }, { ...plain, fields: ['hash'] })
  let count = 0
  for (const hash of new Set(own.map((use) => use.hash))) {
    const users = (await em.find(MediaUseEntity, { hash }, { ...plain, fields: ['runId'] })).map(({ runId }) => runId)
    const runs = await em.find(RunEntity, { runId: { $in: users } }, { ...plain, fields: RUN_FACTS })
    const going = await prunableRuns(em, runs, olderThan)
    const last = going.toSorted((one, other) => one.seq - other.seq).at(-1)
    if (going.length === users.length && last && runIds.includes(last.runId)) count++
  }
  return count
}
