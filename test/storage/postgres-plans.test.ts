import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApprovalFilter } from '../../src/approvals/approval-repository.js'
import { fullCaller } from '../../src/core/caller.js'
import { encodeCursor } from '../../src/core/cursor.js'
import type { RunFilter } from '../../src/runs/run-repository.js'
import type { SessionFilter } from '../../src/sessions/session-repository.js'
import { openDatabase, storageOn } from '../../src/storage/mikro-orm/postgresql/open.js'
import type { OpenStorage } from '../../src/storage/open-storage.js'
import { ending, segment, session, T0, unit } from '../../src/testing/storage-cases/case.js'
import { createDatabase, type TestDatabase } from '../support/postgres-database.js'

const RUNS = 20_000
const SESSIONS = 4_000

/** Tables of a size that reading them whole is never the cheapest, with statistics. */
const FILL = `
  INSERT INTO agentos_sessions (session_id, type, name, name_search, user_id, component_id, created_at, updated_at)
    SELECT 'ses_' || lpad(n::text, 6, '0'), 'agent', 'Session ' || n, 'session ' || n, 'user_' || n % 400,
      'agent_' || n % 40, n, n FROM generate_series(1, ${SESSIONS}) AS n;
  INSERT INTO agentos_runs (run_id, session_id, user_id, component_kind, component_id, component_name, mode, status,
      attempt, last_index, created_at, updated_at)
    SELECT 'run_' || lpad(n::text, 6, '0'), 'ses_' || lpad((n % ${SESSIONS} + 1)::text, 6, '0'), 'user_' || n % 400,
      'agent', 'agent_' || n % 40, 'A', 'plain', 'completed', 1, 1, n, n FROM generate_series(1, ${RUNS}) AS n;
  INSERT INTO agentos_run_texts (seq, request, body, body_index) SELECT seq, '{}', '{}', 1 FROM agentos_runs;
  INSERT INTO agentos_segments SELECT run_id, part, part, 1, 1, '[1]' FROM agentos_runs, generate_series(0, 1) AS part;
  INSERT INTO agentos_snapshots SELECT run_id, part, '{}' FROM agentos_runs, generate_series(0, 1) AS part;
  INSERT INTO agentos_run_events (run_id, event_id, name, created_at)
    SELECT run_id, part::text, 'paid', 1 FROM agentos_runs, generate_series(1, 2) AS part;
  INSERT INTO agentos_media SELECT md5(n::text), ''::bytea FROM generate_series(1, 5000) AS n;
  INSERT INTO agentos_media_uses SELECT 'run_' || n, md5(n::text), 0 FROM generate_series(1, 5000) AS n;
  INSERT INTO agentos_idempotency_keys
    SELECT 's', n::text, 'f', 'run_' || n, ${T0 + 1e9} FROM generate_series(1, 5000) AS n;
  INSERT INTO agentos_approvals (id, run_id, session_id, user_id, status, source_type, source_id, source_name,
      approval_type, pause_type, tool_name, tool_names, requirements, schedule_id, created_at, updated_at)
    SELECT 'apr_' || n, 'run_' || lpad(n::text, 6, '0'), 'ses_' || lpad((n % ${SESSIONS})::text, 6, '0'),
      'user_' || n % 400, CASE n % 20 WHEN 0 THEN 'pending' ELSE 'approved' END, 'agent', 'agent_' || n % 40, 'A',
      CASE n % 2 WHEN 0 THEN 'audit' ELSE 'required' END, 'confirmation', 't', '[]', '[]', 'sch_' || n % 1000, n, n
    FROM generate_series(1, 10000) AS n;
  INSERT INTO agentos_webhook_deliveries (id, type, url, secret_ref, run_id, occurred_at, status, next_attempt_at)
    SELECT 'msg_' || n, 'run.completed', 'https://example.com', 'default', 'run_' || n, n, 'dead', n
    FROM generate_series(1, 5000) AS n;
  INSERT INTO agentos_run_events (run_id, event_id, name, payload, created_at)
    SELECT 'run_' || lpad(n::text, 6, '0'), 'evt_' || n, 'paid', '{}', n FROM generate_series(1, 5000) AS n;
  ANALYZE`

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  Plans?: PlanNode[]
}

let database: TestDatabase
let storage: OpenStorage
let sent: { text: string; values: unknown[] }[] = []
beforeAll(async () => {
  database = await createDatabase()
  const url = database.url()
  const limits = { poolSize: 4, connectTimeoutMs: 5000, statementTimeoutMs: 30_000 }
  const inside = await openDatabase({ url, schema: 'public', ...limits })
  storage = storageOn(inside, 'public')
  await storage.ready('auto')
  await database.sql(FILL)
  // Every connection says what it sends.
  const { pool } = inside
  const connect = pool.connect.bind(pool) as (...all: unknown[]) => Promise<Spied>
  Object.assign(pool, {
    connect: async (...all: unknown[]) => {
      const client = await connect(...all)
      const query = (client.plain ??= client.query.bind(client))
      client.query = (config, ...rest) => {
        const { text, values = [] } = typeof config === 'string' ? { text: config, values: rest[0] ?? [] } : config
        sent.push({ text, values })
        return query(config, ...rest)
      }
      return client
    },
  })
})
afterAll(async () => {
  await storage.close()
  await database[Symbol.asyncDispose]()
})

interface Spied {
  plain?: Spied['query']
  query(config: string | { text: string; values?: unknown[] }, ...rest: unknown[][]): unknown
}

/** The plans, with these very values, of what the work sends. */
async function plansOf(work: () => Promise<unknown>): Promise<{ text: string; nodes: PlanNode[] }[]> {
  sent = []
  await work()
  const statements = sent.filter(({ text }) => /^\s*(select|insert|update|delete|with)\b/i.test(text))
  const plans = []
  for (const { text, values } of statements) {
    const [row] = await database.sql<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(`EXPLAIN (FORMAT JSON) ${text}`, values)
    plans.push({ text, nodes: flat(row!['QUERY PLAN'][0]!.Plan) })
  }
  expect(plans.length).toBeGreaterThan(0)
  return plans
}

function flat(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flat)]
}

/** What may be read from end to end: it holds a row for each process that lives. */
const SMALL = new Set(['agentos_executors', 'agentos_schema_version'])

function scans(nodes: readonly PlanNode[]): string[] {
  return nodes.flatMap((node) =>
    node['Node Type'] === 'Seq Scan' && !SMALL.has(node['Relation Name']!) ? [node['Relation Name']!] : [],
  )
}

function indexes(nodes: readonly PlanNode[]): string[] {
  return nodes.flatMap((node) => node['Index Name'] ?? [])
}

describe('the query plans of PostgreSQL, on tables with rows', () => {
  it('read no table from end to end on the hot path', async () => {
    const { runs, sessions, media, approvals, webhooks } = storage
    const idempotency = { scope: 's', key: 'k', fingerprint: 'f', expiresAt: T0 + 1 }
    const first = unit({ idempotency })
    const plans = await plansOf(async () => {
      await runs.accept(fullCaller, first)
      await runs.accept(fullCaller, unit())
      await runs.append({ runId: first.run.runId, segment: segment(1), at: T0 })
      await runs.accept(fullCaller, unit({ concurrency: 'rollback' }))
      await runs.append({
        ...ending(first.run.runId, 'cancelled'),
        segment: segment(2),
        statePatches: [{ set: { a: 1 } }],
      })
      await runs.begin('run_000001', 'exe', segment(0), T0)
      await runs.reopen({
        runId: 'run_000001',
        attempt: 1,
        executorId: 'e',
        mode: 'plain',
        segment: segment(2),
        at: T0,
      })
      await runs.requestCancel(fullCaller, 'run_000001', T0)
      await runs.takeOver('run_000001', 1, 'exe', T0)
      await runs.renewLease('exe', 1000)
      await runs.takeLapsed('exe', [{ kind: 'agent', id: 'support' }], 10, T0)
      await runs.due('exe', [{ kind: 'agent', id: 'support' }], 10, T0)
      await runs.heldBy('exe', T0, 10)
      await runs.cancelOverdue(T0, 10)
      await runs.get(fullCaller, 'run_000001')
      await runs.segments('run_000001', 0, 10)
      await runs.window('ses_000001', 1e9, 10)
      await runs.active('ses_000001')
      await runs.snapshots('run_000001', 100)
      await runs.keepFollowed(['run_000001'], 1000)
      await runs.followedFor('run_000001')
      await media.put('run_1', [{ hash: 'h', bytes: Uint8Array.of(1) }])
      await media.get(['h'])
      await sessions.create(session({ sessionId: 'ses_new' }))
      await sessions.update(fullCaller, 'ses_new', { name: 'x' }, { at: T0 })
      await sessions.get(fullCaller, 'ses_new')
      await approvals.overdue(T0, 10)
      await approvals.toContinue(10)
      await approvals.get(fullCaller, 'apr_1')
      await webhooks.claim(T0, T0 + 1, 10)
      await webhooks.nextAt()
      await sessions.delete(fullCaller, ['ses_1', 'ses_new', 'ses_000002'])
    })
    expect(plans.length).toBeGreaterThan(60)
    for (const { text, nodes } of plans) expect(scans(nodes), text).toEqual([])
  })

  it.each<[Partial<RunFilter>, RegExp]>([
    [{}, /agentos_runs_pkey/],
    [{ sessionId: 'ses_000007' }, /agentos_runs_session/],
    [{ sessionId: 'ses_000007', statuses: ['completed'], topLevelOnly: true }, /agentos_runs_session/],
    [{ componentId: 'agent_7' }, /agentos_runs_component|agentos_runs_pkey/],
    [{ userId: 'user_7' }, /agentos_runs_user/],
    [{ userId: 'user_7', componentId: 'agent_7', statuses: ['completed'] }, /agentos_runs_user/],
  ])('list runs by %o through an index', async (filter, index) => {
    for (const cursor of [undefined, encodeCursor({ at: T0, id: 'run_000500' })]) {
      const plans = await plansOf(() => storage.runs.list(fullCaller, { limit: 10, cursor, ...filter }))
      const list = plans.find(({ text }) => text.includes('ORDER BY'))!
      expect(scans(list.nodes), list.text).toEqual([])
      expect(indexes(list.nodes).join(), list.text).toMatch(index)
    }
  })

  it.each<[Partial<ApprovalFilter>, RegExp]>([
    [{}, /agentos_approvals_created/],
    [{ approvalType: 'audit', pauseType: 'confirmation' }, /agentos_approvals_created/],
    [{ status: 'pending' }, /agentos_approvals_status|agentos_approvals_created/],
    [{ userId: 'user_7' }, /agentos_approvals_user/],
    [{ sourceIds: [{ type: 'agent', id: 'agent_7' }] }, /agentos_approvals_source|agentos_approvals_created/],
    [{ runId: 'run_000007' }, /agentos_approvals_run/],
    [{ sessionId: 'ses_000007' }, /agentos_approvals_session/],
    [{ scheduleId: 'sch_7' }, /agentos_approvals_schedule/],
  ])('list approvals by %o through an index', async (filter, index) => {
    for (const cursor of [undefined, encodeCursor({ at: 5000, id: 'apr_5000' })]) {
      const plans = await plansOf(() =>
        storage.approvals.list(fullCaller, { sourceIds: [], ...filter }, { limit: 10, page: 1, cursor }),
      )
      const list = plans.find(({ text }) => /order by/i.test(text))!
      expect(scans(list.nodes), list.text).toEqual([])
      expect(indexes(list.nodes).join(), list.text).toMatch(index)
    }
  })

  const indexOf = { created_at: 'created', updated_at: 'updated', session_name: 'name' } as const
  const sorts = Object.keys(indexOf) as SessionFilter['sortBy'][]

  it.each(sorts)('list sessions by %s in the order of an index, from the place of the cursor on', async (sortBy) => {
    for (const sortOrder of ['asc', 'desc'] as const) {
      const filter: SessionFilter = { sortBy, sortOrder, limit: 10, page: 1 }
      const { meta } = await storage.sessions.list(fullCaller, filter)
      for (const cursor of [undefined, meta.nextCursor]) {
        const plans = await plansOf(() => storage.sessions.list(fullCaller, { ...filter, cursor }))
        const list = plans.find(({ text }) => /order by/i.test(text))!
        expect(scans(list.nodes), list.text).toEqual([])
        expect(indexes(list.nodes), list.text).toEqual([`agentos_sessions_${indexOf[sortBy]}`])
        expect(list.nodes.map((node) => node['Node Type'])).not.toContain('Sort')
      }
    }
  })

  it.each(sorts)('list the sessions of a user by %s, and read no others', async (sortBy) => {
    const filter: SessionFilter = { sortBy, sortOrder: 'desc', limit: 10, page: 1, userId: 'user_7' }
    const plans = await plansOf(() => storage.sessions.list(fullCaller, filter))
    for (const { text, nodes } of plans) {
      expect(scans(nodes), text).toEqual([])
      expect(indexes(nodes).join(), text).toMatch(/agentos_sessions_user/)
    }
  })
})
