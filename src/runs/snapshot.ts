import type { FoldState } from '../agents/log/fold-state.js'
import { RunFold } from '../agents/log/fold.js'
import type { StoredSnapshot } from './run-repository.js'
import type { StoredMedia } from './stored-media.js'

/** Version of the form in which folds are stored. One of another version is passed over: the log says the same. */
const VERSION = 1

/** Durable points after which a snapshot is due. */
const EVERY = 64

/**
 * What a log comes to up to an index, told as what has changed since the snapshot before: so the thousandth one costs
 * no more than the first.
 */
interface Snapshot {
  version: number
  /** Index of the snapshot that it builds on; -1 for none. */
  after: number
  lastIndex: number
  /** Of the runs that write into the log, by run id. */
  folds: Record<string, FoldChange>
}

interface FoldChange {
  /** How many of the first items of a list have stayed. */
  kept: Record<string, number>
  /** The lists have only the items after those. */
  state: FoldState
}

/** @param last what the last snapshot holds. */
export function isSnapshotDue({ durablePoints }: RunFold, last: FoldState | undefined): boolean {
  return durablePoints - (last?.durablePoints ?? 0) >= EVERY
}

/**
 * A snapshot as it is stored: JSON text, with media set aside.
 *
 * @param last what the last snapshot holds.
 */
export async function toSnapshot(
  runId: string,
  last: FoldState | undefined,
  state: FoldState,
  media: StoredMedia,
): Promise<string> {
  const { kept, state: changed } = changeOf(last, state)
  const snapshot: Snapshot = {
    version: VERSION,
    after: last?.lastIndex ?? -1,
    lastIndex: state.lastIndex,
    folds: { [runId]: { kept, state: await media.aside(runId, changed) } },
  }
  return JSON.stringify(snapshot)
}

/**
 * The fold of a run as its snapshots have it; undefined where none can be read.
 *
 * @param stored in order.
 * @param media with it, messages hold their media as a model needs them.
 */
export async function fromSnapshots(
  stored: readonly StoredSnapshot[],
  runId: string,
  media?: StoredMedia,
): Promise<RunFold | undefined> {
  let state: FoldState | undefined
  for (const { text } of stored) {
    const { version, after, folds } = JSON.parse(text) as Snapshot
    // While processes of two versions work on a run, each builds on what it understands.
    if (version !== VERSION || after !== (state?.lastIndex ?? -1)) continue
    const change = folds[runId]
    if (change) state = changed(state, change)
  }
  return state && new RunFold(media ? await media.back(state) : state)
}

function changeOf(last: FoldState | undefined, state: FoldState): FoldChange {
  const kept: Record<string, number> = {}
  const rest: Record<string, unknown> = { ...state }
  for (const [key, before] of Object.entries(last ?? {})) {
    const now = rest[key]
    if (!Array.isArray(before) || !Array.isArray(now)) continue
    const count = sameAtFirst(before, now)
    if (count === 0) continue
    kept[key] = count
    rest[key] = now.slice(count)
  }
  return { kept, state: rest as unknown as FoldState }
}

/** Items are never changed in place, so that those that are the same object say the same. */
function sameAtFirst(before: readonly unknown[], now: readonly unknown[]): number {
  let count = 0
  while (count < before.length && count < now.length && before[count] === now[count]) count++
  return count
}

function changed(last: FoldState | undefined, { kept, state }: FoldChange): FoldState {
  const before = (last ?? {}) as Record<string, unknown[]>
  const now = { ...state } as unknown as Record<string, unknown[]>
  for (const [key, count] of Object.entries(kept)) now[key] = [...before[key]!.slice(0, count), ...now[key]!]
  return now as unknown as FoldState
}
