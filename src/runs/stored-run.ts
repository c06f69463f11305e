import type { EventSource } from '../agents/log/stamp.js'
import { RunFold } from '../agents/log/fold.js'
import type { Run, RunBody } from '../agents/log/run-record.js'
import { toIsoSeconds } from '../core/clock.js'
import type { RunHead, RunRepository, StoredRun } from './run-repository.js'
import { parseRequest } from './run-request.js'
import type { RunRequest } from './run-request.js'
import { fromSegment } from './segment.js'
import { fromSnapshots } from './snapshot.js'
import type { StoredMedia } from './stored-media.js'

const SEGMENTS_AT_ONCE = 200

/** Whose events a run's log holds. */
export function sourceOf({ runId, sessionId, component, parentRunId }: RunHead): EventSource {
  return { runId, sessionId, agentId: component.id, agentName: component.name, ...(parentRunId && { parentRunId }) }
}

/** The record of a run: who and when from its row, everything else from its body. */
export function toRun(head: RunHead, body: RunBody): Run {
  const { runId, sessionId, userId, parentRunId, component, status, createdAt } = head
  return {
    runId,
    sessionId,
    ...(userId !== undefined && { userId }),
    ...(parentRunId !== undefined && { parentRunId }),
    agentId: component.id,
    agentName: component.name,
    ...body,
    status,
    createdAt: toIsoSeconds(createdAt),
  }
}

/** The record as stored, or folded from the log where that is ahead of it. */
export async function readBody(runs: RunRepository, { head, body, bodyIndex, request }: StoredRun): Promise<RunBody> {
  const asked = askedOf(parseRequest(request))
  if (body !== undefined && bodyIndex === head.lastIndex) return { ...asked, ...(JSON.parse(body) as RunBody) }
  const fold = await foldLog(runs, head)
  return { ...asked, ...fold.body(head.updatedAt) }
}

/** The run as it was at an index of its log. */
export async function runAsOf(runs: RunRepository, stored: StoredRun, index: number): Promise<Run> {
  const { head, body, bodyIndex, request } = stored
  const asked = askedOf(parseRequest(request))
  if (body !== undefined && bodyIndex === index && head.lastIndex === index) {
    return toRun(head, { ...asked, ...(JSON.parse(body) as RunBody) })
  }
  const fold = await foldLog(runs, head, undefined, index)
  return toRun({ ...head, status: fold.status }, { ...asked, ...fold.body(head.updatedAt) })
}

/** What a record holds of the request, however the run goes: a run that fails never gets to say its metadata. */
export function askedOf({ input, options: { metadata } }: RunRequest): Pick<RunBody, 'input' | 'metadata'> {
  return { input, ...(metadata && { metadata }) }
}

/**
 * The fold of a run's whole log, or of what is in it up to an index: from the last snapshot on, where there is one.
 * With `media`, its messages hold them as a model needs them.
 */
export async function foldLog(
  runs: RunRepository,
  head: RunHead,
  media?: StoredMedia,
  upTo = Number.POSITIVE_INFINITY,
): Promise<RunFold> {
  const fold = (await restored(runs, head.runId, upTo, media)) ?? new RunFold()
  for (;;) {
    const segments = await runs.segments(head.runId, fold.lastIndex + 1, SEGMENTS_AT_ONCE)
    const stored = segments.flatMap(fromSegment)
    for (const { entry, index, at } of media ? await media.back(stored) : stored) {
      if (index <= upTo) fold.apply(entry, index, at)
    }
    if (segments.length < SEGMENTS_AT_ONCE || fold.lastIndex >= upTo) return fold
  }
}

async function restored(runs: RunRepository, runId: string, upTo: number, media?: StoredMedia) {
  const stored = await runs.snapshots(runId, upTo)
  return stored.length === 0 ? undefined : fromSnapshots(stored, runId, media)
}
