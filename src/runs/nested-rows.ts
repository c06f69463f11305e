import { endsLeg } from '../agents/log/events.js'
import type { RunFold } from '../agents/log/fold.js'
import type { RunBody } from '../agents/log/run-record.js'
import type { Caller } from '../core/caller.js'
import type { NestedRow } from './run-repository.js'
import { serializeRequest } from './run-request.js'
import type { PlacedEntry } from './segment.js'
import type { StoredMedia } from './stored-media.js'

/** What an entry of a run inside of another changes in that one's row, as of the entry. */
export interface NestedChange {
  row: Omit<NestedRow, 'request' | 'body'>
  input: RunBody['input']
  body?: RunBody
}

const BEGINS = new Set(['RunStarted', 'RunContinued', 'RunRecovered'])

/** Undefined for entries of the log's own run, and for those that change nothing in a row. */
export function nestedChange({ entry, index, at }: PlacedEntry, fold: RunFold): NestedChange | undefined {
  const { source, event } = entry
  if (!source || !(BEGINS.has(event.event) || endsLeg(event))) return undefined
  const run = fold.nested.get(source.runId)!
  const { kind, id, name } = source
  return {
    row: {
      runId: source.runId,
      parentRunId: source.parentRunId!,
      component: { kind, id, name },
      createdAt: run.createdAt,
      status: run.fold.status,
      lastIndex: index,
    },
    input: run.start.input,
    ...(endsLeg(event) && { body: run.fold.body(at) }),
  }
}

/** The rows that a segment changes: of each run the last change in it. */
export async function nestedRows(
  changes: readonly NestedChange[],
  caller: Caller,
  media: StoredMedia,
): Promise<NestedRow[]> {
  const last = new Map<string, NestedChange>()
  for (const change of changes) {
    const before = last.get(change.row.runId)
    last.set(change.row.runId, { ...change, ...(change.body === undefined && before?.body && { body: before.body }) })
  }
  return Promise.all(
    Array.from(last.values(), async ({ row, input = { inputContent: '' }, body }): Promise<NestedRow> => {
      const { runId } = row
      const request = serializeRequest(await media.aside(runId, { input, options: {}, caller }))
      return { ...row, request, ...(body && { body: JSON.stringify(await media.aside(runId, { input, ...body })) }) }
    }),
  )
}
