import { fullCaller } from '../../src/core/caller.js'
import type { NativeDatabase } from '../../src/storage/mikro-orm/sqlite/native.js'
import type { Storage } from '../../src/storage/storage.js'
import { approval, delivery } from '../../src/testing/storage-cases/approval-cases.js'
import { account } from '../../src/testing/storage-cases/service-account-cases.js'
import { ending, segment, session, T0, unit } from '../../src/testing/storage-cases/case.js'

type Repositories = Pick<Storage, 'runs' | 'sessions' | 'media' | 'webhooks' | 'serviceAccounts'>

const odd = 'Grüße\0 "🙂" \uD800'

/** Puts something of everything into a database, as the repositories write it. */
export async function fill({ runs, sessions, media, webhooks, serviceAccounts }: Repositories): Promise<void> {
  await runs.renewLease('exe_1', 30_000)
  await serviceAccounts.create(fullCaller, account({ name: 'Grüße 🙂', expiresAt: T0 }))
  await sessions.create(session({ sessionId: 'ses_empty', name: odd, metadata: { a: [1, null, odd] } }))
  const idempotency = { scope: 's', key: 'k', fingerprint: 'f', expiresAt: T0 * 2 }
  const image = (hash: string) => JSON.stringify({ input: { images: [{ mediaHash: hash }] } })
  const first = { runId: 'run_1', userId: 'alice', request: image('h_request') }
  await media.put('run_1', [
    { hash: 'h_request', bytes: Uint8Array.of(0, 1, 255) },
    { hash: 'h_log', bytes: new Uint8Array() },
    { hash: 'h_body', bytes: new Uint8Array(5000).fill(7) },
  ])
  await runs.accept(fullCaller, unit({ idempotency, run: first, newSession: { name: odd, state: { odd } } }))
  const entries = JSON.stringify([{ t: 1, e: { event: 'RunContent', image: { mediaHash: 'h_log' }, content: odd } }])
  await runs.append({
    runId: 'run_1',
    segment: segment(1, 1, 1, entries),
    at: T0 + 1,
    snapshot: JSON.stringify({ content: odd }),
    nested: [
      {
        runId: 'run_inside',
        parentRunId: 'run_1',
        component: { kind: 'agent', id: 'member', name: odd },
        request: '{"input":"do it"}',
        createdAt: T0 + 1,
        status: 'completed',
        lastIndex: 1,
        body: JSON.stringify({ content: odd }),
      },
    ],
    statePatches: [{ set: { n: 1 } }],
  })
  const made = (['run.completed', 'run.error'] as const).map((type) => delivery('run_1', { type, eventIndex: 2 }))
  const end = { status: 'completed', usage: { totalTokens: 3 }, deliveries: made } as const
  await runs.append(ending('run_1', 'completed', { segment: segment(2), body: image('h_body'), end }))
  const [claimed] = await webhooks.claim(T0 * 2, T0 * 2 + 1, 1)
  await webhooks.failed(claimed!, 'The receiver answered 500.', undefined)
  await runs.accept(
    fullCaller,
    unit({ run: { runId: 'run_2', component: { kind: 'agent', id: 'support', name: odd } } }),
  )
  const paused = { status: 'paused', usage: {}, approval: approval('run_2') } as const
  await runs.append(ending('run_2', 'paused', { end: { ...paused, wakeAt: T0 * 3 } }))
  await runs.sendEvent(fullCaller, 'run_2', { id: 'evt_1', name: odd, payload: { odd } }, T0 + 2)
  await runs.accept(fullCaller, unit({ run: { runId: 'run_3' } }))
  await runs.sendEvent(fullCaller, 'run_3', { id: 'evt_1', name: odd, payload: { odd } }, T0)
  await runs.accept(fullCaller, unit({ run: { runId: 'run_4', runAfter: T0 * 2, priority: 3 } }))
}

export type Rows = Record<string, Record<string, unknown>[]>

/** Every row of every table of ours, but for the version and the list of what was run. */
export function rowsOf(database: NativeDatabase): Rows {
  return Object.fromEntries(
    tablesOf(database).map((table) => {
      const rows = database.prepare<[], Record<string, unknown>>(`SELECT * FROM ${table}`).all()
      return [table, rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))]
    }),
  )
}

function tablesOf(database: NativeDatabase): string[] {
  const tables = database.prepare<[], { name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table'
    AND name LIKE 'agentos%' AND name NOT IN ('agentos_migrations', 'agentos_schema_version') ORDER BY name`)
  return tables.all().map(({ name }) => name)
}

export interface Column {
  name: string
  type: string
  notnull: number
  dflt_value: string | null
  pk: number
}

/** What each table looks like. */
export function columnsOf(database: NativeDatabase): Record<string, Column[]> {
  return Object.fromEntries(
    tablesOf(database).map((table) => [table, database.pragma(`table_info(${table})`) as Column[]]),
  )
}

/** The statements that have made a schema. */
export function schemaOf(database: NativeDatabase): unknown[] {
  return database.prepare(`SELECT name, sql FROM sqlite_master WHERE name LIKE 'agentos%' ORDER BY name`).all()
}
