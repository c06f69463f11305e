import type { RunStatus } from '../../agents/log/run-record.js'
import type { Caller } from '../../core/caller.js'
import type { ComponentRef, RunHead, RunMode, StoredRun } from '../../runs/run-repository.js'
import { unescapeText } from './text.js'

/** The columns of {@link HeadRow}. */
export const HEAD_COLUMNS = [
  'seq',
  'run_id',
  'session_id',
  'user_id',
  'parent_run_id',
  'root_run_id',
  'component_kind',
  'component_id',
  'component_name',
  'component_version',
  'mode',
  'status',
  'attempt',
  'executor_id',
  'last_index',
  'created_at',
  'updated_at',
  'cancel_requested_at',
]
  .map((column) => `agentos_runs.${column}`)
  .join(', ')

/** Columns and tables of {@link StoredRow}. */
export const SELECT_STORED = `SELECT ${HEAD_COLUMNS}, texts.request, texts.body, texts.body_index
  FROM agentos_runs JOIN agentos_run_texts AS texts ON texts.seq = agentos_runs.seq`

export interface HeadRow {
  seq: number
  run_id: string
  session_id: string
  user_id: string | null
  parent_run_id: string | null
  root_run_id: string | null
  component_kind: ComponentRef['kind']
  component_id: string
  component_name: string
  component_version: number | null
  mode: RunMode
  status: RunStatus
  attempt: number
  executor_id: string | null
  last_index: number
  created_at: number
  updated_at: number
  cancel_requested_at: number | null
}

export interface StoredRow extends HeadRow {
  request: string
  body: string | null
  body_index: number | null
}

export function toHead(row: HeadRow): RunHead {
  return {
    seq: row.seq,
    runId: row.run_id,
    sessionId: row.session_id,
    userId: row.user_id ?? undefined,
    parentRunId: row.parent_run_id ?? undefined,
    ...(row.root_run_id !== null && { rootRunId: row.root_run_id }),
    component: {
      kind: row.component_kind,
      id: row.component_id,
      name: unescapeText(row.component_name),
      ...(row.component_version !== null && { version: row.component_version }),
    },
    mode: row.mode,
    status: row.status,
    attempt: row.attempt,
    executorId: row.executor_id ?? undefined,
    lastIndex: row.last_index,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    cancelRequestedAt: row.cancel_requested_at ?? undefined,
  }
}

export function toStoredRun(row: StoredRow): StoredRun {
  return {
    head: toHead(row),
    request: row.request,
    body: row.body ?? undefined,
    bodyIndex: row.body_index ?? undefined,
  }
}

/** Rows that the caller may not see don't exist for it. */
export function mayTouch(caller: Caller, { user_id: userId }: { user_id: string | null }): boolean {
  return !caller.scoped || (userId !== null && userId === caller.userId)
}
