import { describe, expect, it, onTestFinished } from 'vitest'
import type { ApprovalFilter } from '../../src/approvals/approval-repository.js'
import type { Caller } from '../../src/core/caller.js'
import { fullCaller } from '../../src/core/caller.js'
import { encodeCursor } from '../../src/core/cursor.js'
import type { RunFilter } from '../../src/runs/run-repository.js'
import type { ServiceAccountFilter } from '../../src/service-accounts/service-account-repository.js'
import type { SessionFilter } from '../../src/sessions/session-repository.js'
import type { NativeDatabase } from '../../src/storage/mikro-orm/sqlite/native.js'
import { openDatabase, storageOn } from '../../src/storage/mikro-orm/sqlite/open.js'
import { account } from '../../src/testing/storage-cases/service-account-cases.js'
import { ending, segment, session, T0, unit } from '../../src/testing/storage-cases/case.js'
import { temporaryPath } from './support/temporary.js'

/** An open storage, and the SQL that it has sent or prepared since the last time that it was asked. */
async function openRecorded() {
  const database = await openDatabase({ path: temporaryPath(), synchronous: 'normal' })
  onTestFinished(() => database.close())
  await storageOn(database).ready('auto')
  const plain = database.writer.prepare.bind(database.writer)
  let recorded: string[] = []
  for (const native of [database.writer, database.reader]) {
    const prepare = native.prepare.bind(native)
    native.prepare = (sql: string) => {
      recorded.push(sql)
      return prepare(sql)
    }
  }
  const storage = { ...storageOn(database) }
  return {
    storage,
    /** The plan of each statement, as SQLite tells it. */
    plans(): Map<string, string> {
      const statements = [...new Set(recorded)].filter((sql) => /^\s*(select|insert|update|delete)\b/i.test(sql))
      recorded = []
      return new Map(statements.map((sql) => [sql, planOf(plain, sql)]))
    },
  }
}

function planOf(prepare: NativeDatabase['prepare'], sql: string): string {
  const nothing = Array.from(sql.matchAll(/\?/g), () => null)
  const rows = prepare<null[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...nothing)
  return rows.map(({ detail }) => detail).join('\n')
}

/** What may be read from end to end: lists of parameters, what another step has found, runs under way, processes. */
const SMALL = /json_each|subquery|SCAN some|USING (COVERING )?INDEX agentos_runs_active|agentos_executors/

function fullScans(plan: string): string[] {
  return plan.split('\n').filter((step) => step.startsWith('SCAN') && !SMALL.test(step))
}

describe('the query plans of SQLite', () => {
  it('read no table from end to end on the hot path', async () => {
    const { storage, plans } = await openRecorded()
    const { runs, sessions, media } = storage
    const idempotency = { scope: 's', key: 'k', fingerprint: 'f', expiresAt: T0 + 1 }
    const first = unit({ idempotency })
    await runs.accept(fullCaller, first)
    await runs.accept(fullCaller, unit({ concurrency: 'rollback' }))
    await runs.append({ ...ending(first.run.runId), statePatches: [{ set: { a: 1 } }] })
    await runs.begin('run_x', 'exe', segment(0), T0)
    await runs.requestCancel(fullCaller, 'run_x', T0)
    await runs.takeOver('run_x', 1, 'exe', T0)
    await runs.get(fullCaller, 'run_x')
    await runs.segments('run_x', 0, 10)
    await runs.snapshots('run_x', 10)
    await runs.keepFollowed(['run_x'], 1)
    await runs.followedFor('run_x')
    await runs.window('ses_1', 10, 10)
    await runs.active('ses_1')
    await media.put('run_1', [{ hash: 'h', bytes: Uint8Array.of(1) }])
    await media.get(['h'])
    await sessions.create(session({ sessionId: 'ses_2' }))
    await sessions.update(fullCaller, 'ses_2', { name: 'x' }, { at: T0 })
    await sessions.get(fullCaller, 'ses_2')
    await sessions.delete(fullCaller, ['ses_1', 'ses_2'])
    const seen = plans()
    expect(seen.size).toBeGreaterThan(40)
    for (const [sql, plan] of seen) expect(fullScans(plan), sql).toEqual([])
  })

  it('find the runs before a run through the index of their session', async () => {
    const { plans } = await openRecorded()
    const [window] = [...plans()].filter(([sql]) => sql.includes("IN ('completed', 'cancelled')"))
    expect(window![1]).toContain('USING INDEX agentos_runs_session (session_id=? AND seq<?)')
    expect(window![1]).not.toContain('TEMP B-TREE')
  })

  it('find the runs that are to go on through the index of their times', async () => {
    const { storage, plans } = await openRecorded()
    plans()
    await storage.runs.toWake([{ kind: 'workflow', id: 'flow' }], 10, T0)
    await storage.runs.receivedEvents('run', 0)
    const all = [...(await openRecorded()).plans()]
    const [wake] = all.filter(([sql]) => sql.includes('wake_at <= ?'))
    expect(wake![1]).toContain('USING INDEX agentos_runs_wake (wake_at>? AND wake_at<?)')
    expect(wake![1]).not.toContain('TEMP B-TREE')
    const [events] = all.filter(([sql]) => sql.includes('SELECT seq, event_id, name, payload'))
    expect(events![1]).toContain('agentos_run_events_order (run_id=? AND seq>?)')
    expect(events![1]).not.toContain('TEMP B-TREE')
  })

  it.each<[Partial<RunFilter>, string]>([
    [{ sessionId: 's' }, 'agentos_runs_session (session_id=?'],
    [{ sessionId: 's', statuses: ['completed'], topLevelOnly: true }, 'agentos_runs_session (session_id=?'],
    [{ componentId: 'c' }, 'agentos_runs_component (component_id=?'],
    [{ userId: 'u' }, 'agentos_runs_user (user_id=?'],
  ])('list runs by %o through an index', async (filter, index) => {
    const { storage, plans } = await openRecorded()
    await storage.runs.accept(fullCaller, unit({ run: { runId: 'there' } }))
    plans()
    for (const id of [undefined, 'there', 'gone']) {
      const cursor = id === undefined ? undefined : encodeCursor({ at: T0, id })
      await storage.runs.list(fullCaller, { limit: 10, cursor, ...filter })
    }
    const seen = plans()
    // The newest ones, those before a place, those before a time, and how many there are.
    expect(seen.size).toBe(4)
    for (const [sql, plan] of seen) {
      expect(plan, sql).toContain(index)
      expect(fullScans(plan), sql).toEqual([])
      expect(plan, sql).not.toContain('TEMP B-TREE')
    }
  })

  it.each<[Partial<ApprovalFilter>, RegExp]>([
    [{}, /(SCAN|SEARCH) approval USING INDEX agentos_approvals_created/],
    [
      { approvalType: 'audit', pauseType: 'confirmation' },
      /(SCAN|SEARCH) approval USING INDEX agentos_approvals_created/,
    ],
    [{ status: 'pending' }, /agentos_approvals_status \(status=\?/],
    [{ userId: 'u' }, /agentos_approvals_user \(user_id=\?/],
    [{ sourceIds: [{ type: 'agent', id: 'a' }] }, /agentos_approvals_source \(source_id=\?/],
    [{ runId: 'r' }, /agentos_approvals_run \(run_id=\?/],
    [{ sessionId: 's' }, /agentos_approvals_session \(session_id=\?/],
    [{ scheduleId: 's' }, /agentos_approvals_schedule \(schedule_id=\?/],
  ])('list approvals by %o through an index', async (filter, index) => {
    const { storage, plans } = await openRecorded()
    for (const cursor of [undefined, encodeCursor({ at: 1, id: 'apr_1' })]) {
      plans()
      await storage.approvals.list(fullCaller, { sourceIds: [], ...filter }, { limit: 10, page: 1, cursor })
      const [list] = [...plans()].filter(([sql]) => sql.includes('order by'))
      expect(list![1], list![0]).toMatch(index)
      // Of one run, session or schedule there are few: they are found, and sorted.
      const isNarrow = ['runId', 'sessionId', 'scheduleId'].some((key) => key in filter)
      expect(list![1].includes('TEMP B-TREE'), list![0]).toBe(isNarrow)
    }
  })

  it('look for approvals whose time is up, and for webhooks that are due, through an index', async () => {
    const { storage, plans } = await openRecorded()
    plans()
    await storage.approvals.overdue(T0, 10)
    await storage.approvals.toContinue(10)
    await storage.webhooks.claim(T0, T0 + 1, 10)
    await storage.webhooks.nextAt()
    const seen = [...plans()].filter(([sql]) => /approval|webhook/.test(sql))
    expect(seen).toHaveLength(4)
    for (const [sql, plan] of seen)
      expect(plan, sql).toMatch(/USING (COVERING )?INDEX agentos_\w+_(expiry|continuing|due)/)
  })

  it('are none of approvals and webhooks while a run uses neither', async () => {
    const { storage, plans } = await openRecorded()
    plans()
    const first = unit()
    await storage.runs.accept(fullCaller, first)
    await storage.runs.append(ending(first.run.runId))
    expect([...plans().keys()].filter((sql) => /approval|webhook/.test(sql))).toEqual([])
  })

  const indexOf = { created_at: 'created', updated_at: 'updated', session_name: 'name' } as const
  const sorts = Object.keys(indexOf) as SessionFilter['sortBy'][]

  it.each(sorts)('list sessions by %s in the order of an index, from the place of the cursor on', async (sortBy) => {
    const { storage, plans } = await openRecorded()
    for (let at = 0; at < 3; at++) await storage.sessions.create(session({ sessionId: `s${at}` }))
    for (const [sortOrder, type] of [
      ['asc', undefined],
      ['desc', undefined],
      ['asc', 'agent'],
      ['desc', 'agent'],
    ] as const) {
      const filter: SessionFilter = { sortBy, sortOrder, limit: 1, page: 1, type }
      plans()
      const { meta } = await storage.sessions.list(fullCaller, filter)
      const [first] = [...plans()].filter(([sql]) => sql.includes('order by'))
      expect(first![1], first![0]).toBe(`SCAN session USING INDEX agentos_sessions_${indexOf[sortBy]}`)
      await storage.sessions.list(fullCaller, { ...filter, cursor: meta.nextCursor! })
      const [next] = [...plans()].filter(([sql]) => sql.includes('order by'))
      expect(next![1]).toMatch(
        new RegExp(`^SEARCH session USING INDEX agentos_sessions_${indexOf[sortBy]} \\(\\w+[<>]\\?`),
      )
      expect(next![1]).not.toContain('TEMP B-TREE')
    }
  })

  const accountIndexOf = { created_at: 'created', name: 'name', last_used_at: 'used', expires_at: 'expiry' } as const
  const accountSorts = Object.keys(accountIndexOf) as ServiceAccountFilter['sortBy'][]

  it.each(accountSorts)('list service accounts by %s in the order of an index', async (sortBy) => {
    const { storage, plans } = await openRecorded()
    for (const name of ['a', 'b', 'c']) await storage.serviceAccounts.create(fullCaller, account({ name }))
    await storage.serviceAccounts.noteUse((await list({})).data[0]!.id, T0)
    const index = `agentos_service_accounts_${accountIndexOf[sortBy]}`
    function list(filter: Partial<ServiceAccountFilter>, caller: Caller = fullCaller) {
      const first: ServiceAccountFilter = { includeRevoked: false, sortBy, sortOrder: 'desc', limit: 1, page: 1 }
      return storage.serviceAccounts.list(caller, { ...first, ...filter })
    }
    for (const sortOrder of ['asc', 'desc'] as const) {
      plans()
      const { meta } = await list({ sortOrder })
      const [first] = [...plans()].filter(([sql]) => sql.includes('order by'))
      expect(first![1], first![0]).toMatch(new RegExp(`USING INDEX ${index}`))
      expect(first![1], first![0]).not.toContain('TEMP B-TREE')
      await list({ sortOrder, cursor: meta.nextCursor })
      const next = [...plans()].filter(([sql]) => sql.includes('order by'))
      expect(next.length).toBeGreaterThan(0)
      for (const [sql, plan] of next) {
        expect(plan, sql).toMatch(new RegExp(`^SEARCH account USING INDEX ${index} \\(\\w+[<>=]\\?`))
        expect(plan, sql).not.toContain('TEMP B-TREE')
      }
    }
    await list({}, { ...fullCaller, scoped: true, userId: 'u' })
    for (const [sql, plan] of plans()) expect(plan, sql).toMatch(/agentos_service_accounts_user \(user_id=\?/)
  })

  it('find and change a service account through an index', async () => {
    const { storage, plans } = await openRecorded()
    plans()
    const one = account()
    await storage.serviceAccounts.create({ ...fullCaller, admin: false, userId: 'u' }, one, 'old')
    await storage.serviceAccounts.get(fullCaller, one.id)
    await storage.serviceAccounts.findByTokenHash(one.tokenHash)
    await storage.serviceAccounts.noteUse(one.id, T0)
    await storage.serviceAccounts.revoke(fullCaller, one.id, T0)
    const seen = [...plans()].filter(([sql]) => sql.includes('service_accounts'))
    expect(seen.length).toBeGreaterThan(5)
    for (const [sql, plan] of seen) expect(fullScans(plan), sql).toEqual([])
    const [byToken] = seen.filter(([sql]) => sql.includes('token_hash` = '))
    expect(byToken![1]).toContain('agentos_service_accounts_token (token_hash=?')
  })

  it.each(sorts)('list the sessions of a user or of a component by %s, and read no others', async (sortBy) => {
    const { storage, plans } = await openRecorded()
    plans()
    const filter: SessionFilter = { sortBy, sortOrder: 'desc', limit: 1, page: 1 }
    await storage.sessions.list(fullCaller, { ...filter, userId: 'u' })
    await storage.sessions.list({ ...fullCaller, scoped: true, userId: 'u' }, { ...filter, type: 'agent' })
    await storage.sessions.list(fullCaller, { ...filter, componentId: 'c' })
    const seen = plans()
    expect(seen.size).toBe(6)
    for (const [sql, plan] of seen) {
      expect(plan, sql).toMatch(/SEARCH session USING (COVERING )?INDEX agentos_sessions_(user|component) \(\w+=\?/)
      expect(fullScans(plan), sql).toEqual([])
    }
  })
})
