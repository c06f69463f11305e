import { describe, expect, it } from 'vitest'
import { fullCaller } from '../../src/core/caller.js'
import { migrateTo } from '../../src/storage/mikro-orm/migrate.js'
import { migrationTarget } from '../../src/storage/mikro-orm/sqlite/migration-target.js'
import type { Bindable, NativeDatabase } from '../../src/storage/mikro-orm/sqlite/native.js'
import { approval } from '../../src/testing/storage-cases/approval-cases.js'
import { cancelWaiting, ending, T0, unit } from '../../src/testing/storage-cases/case.js'
import { openInside, temporaryPath } from '../storage/support/temporary.js'
import recorded from './code-of-1.0.0.json' with { type: 'json' }

type Value = Bindable | { blob: string }
type Row = Record<string, Value>
/** A statement as code of schema 1.0.0 has sent it, in order, and what it was answered: accepting, appending, ending,
 * continuing and reading runs, sessions, media and leases. Recorded by a wrapper around `prepare`. */
interface Recorded {
  sql: string
  call: 'run' | 'get' | 'all'
  parameters: Value[]
  result: Row | Row[] | null
}

const code = recorded as unknown as Recorded[]

/** Does what that code has done once more, under other names, and holds that it is answered the same. */
async function replay(database: NativeDatabase, name: string, meanwhile: () => Promise<unknown>): Promise<void> {
  const seqs: number[] = []
  const renamed = <Part>(part: Part): Part => JSON.parse(JSON.stringify(part).replaceAll('_old', `_${name}`)) as Part
  for (const step of code) {
    const { sql, call, parameters, result } = renamed(step)
    const values = parameters.map((value) =>
      typeof value === 'object' && value !== null && 'blob' in value ? Buffer.from(value.blob, 'base64') : value,
    )
    // Runs are numbered by the database.
    const at = sql.startsWith('INSERT INTO agentos_run_texts') ? 0 : /run_texts .*WHERE seq = \?$/.test(sql) ? 2 : -1
    if (at >= 0) values[at] = seqs[Number(values[at]) - 1]!
    if (/SELECT agentos_runs.run_id, texts.body/.test(sql)) values[1] = Number.MAX_SAFE_INTEGER
    const answer = database.prepare<Bindable[], Row>(sql)[call](...values)
    if (sql.startsWith('INSERT INTO agentos_runs ')) seqs.push((answer as { lastInsertRowid: number }).lastInsertRowid)
    // What reads every session, or counts every run, sees those of the others, too.
    const isOfAll = sql.includes('INDEXED BY agentos_sessions_created') || /select count|AS pending/.test(sql)
    expect(plain(answer), sql).toMatchObject(isOfAll ? {} : (plain(result) as object))
    await meanwhile()
  }
}

/** Comparable: without the numbers of runs, and with nothing for no row. */
function plain(answer: unknown): unknown {
  if (Array.isArray(answer)) return { rows: answer.map(plain) }
  if (answer === null || answer === undefined) return { none: true }
  const { seq: _seq, lastInsertRowid: _rowid, ...row } = answer as Record<string, unknown>
  const bytes = row.bytes instanceof Uint8Array ? { bytes: { blob: Buffer.from(row.bytes).toString('base64') } } : {}
  return { ...row, ...bytes }
}

function connect({ writer }: { writer: NativeDatabase }, path: string): NativeDatabase & { close(): void } {
  const Database = writer.constructor as new (path: string, options: object) => NativeDatabase & { close(): void }
  const native = new Database(path, { timeout: 5000 })
  native.pragma('foreign_keys = ON')
  return native
}

describe('code of schema 1.0.0 and this code on one database', () => {
  it('write and read side by side, and each reads what the other has written', async () => {
    const path = temporaryPath()
    const { database, runs, sessions, media, approvals } = await openInside({ path })
    const old = connect(database, path)
    let count = 0
    const newCode = async () => {
      const run = { runId: `run_new_${++count}`, sessionId: `ses_new_${count % 3}` }
      await runs.accept(fullCaller, unit({ run, concurrency: 'allow' }))
      await media.put(run.runId, [{ hash: `h_${count % 5}`, bytes: Uint8Array.of(count) }])
      const paused = { status: 'paused', usage: {}, approval: approval(run.runId) } as const
      await runs.append(count % 2 === 0 ? ending(run.runId) : ending(run.runId, 'paused', { end: paused }))
    }
    await replay(old, 'one', newCode)
    expect(count).toBe(code.length)

    // This code takes over where the other has left off.
    const first = await runs.get(fullCaller, 'run_one_1')
    expect([first?.head.status, first?.body, first?.request]).toEqual([
      'completed',
      '{"content":"old"}',
      '{"input":"hi"}',
    ])
    expect(await runs.segments('run_one_1', 0, 10)).toHaveLength(3)
    expect((await sessions.get(fullCaller, 'ses_one'))?.state).toEqual({ cart: ['apple'] })
    expect((await media.get(['h_one'])).size).toBe(1)
    await cancelWaiting({ runs } as never, 'run_one_2')
    const next = await runs.accept(fullCaller, unit({ run: { sessionId: 'ses_one', runId: 'run_next' } }))
    expect(next.outcome).toBe('running')
    expect(await approvals.count(fullCaller, { sourceIds: [], status: 'pending' })).toBe(Math.ceil(count / 2))

    // And the other way round: what the other code reads with is given the names of what this code has written.
    const reads = code.filter(({ sql, call }) => call !== 'run' && /^select/i.test(sql))
    const renamed = (value: Value): Value =>
      value === 'run_old_1' || value === 'run_old_2' ? 'run_next' : value === 'ses_old' ? 'ses_one' : value
    let found = 0
    for (const { sql, call, parameters } of reads) {
      const answer = old.prepare<Bindable[], Row>(sql)[call](...(parameters.map(renamed) as Bindable[]))
      if (JSON.stringify(answer)?.includes('run_next')) found++
    }
    expect(found).toBeGreaterThan(3)
    old.close()
  })

  it('goes on after this code has taken the schema down again', async () => {
    const path = temporaryPath()
    const { database, runs } = await openInside({ path })
    await runs.accept(fullCaller, unit({ run: { runId: 'run_new', createdAt: T0 } }))
    await migrateTo(migrationTarget(database), { to: '1.0.0', allowDowngrade: true }, { wait: true })
    const old = connect(database, path)
    await replay(old, 'two', () => Promise.resolve())
    expect(old.prepare<[string], Row>('SELECT status FROM agentos_runs WHERE run_id = ?').get('run_new')).toEqual({
      status: 'running',
    })
    old.close()
  })
})
