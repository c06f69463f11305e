import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqlite } from 'agentos-sdk/storage'
import { carryOut, migrateTo } from '../../src/storage/mikro-orm/migrate.js'
import { migrationTarget, schemaVersion } from '../../src/storage/mikro-orm/sqlite/migration-target.js'
import { sqliteMigrations } from '../../src/storage/mikro-orm/sqlite/migrations/index.js'
import { openDatabase } from '../../src/storage/mikro-orm/sqlite/open.js'
import { buildStorage, type BuiltStorage } from '../storage/support/child-process.js'
import { openInside, temporaryPath } from '../storage/support/temporary.js'
import { columnsOf, fill, rowsOf, schemaOf, type Rows } from './filled.js'

const known = sqliteMigrations.map(({ version }) => version)
const latest = known.at(-1)!

/**
 * What each migration adds, and so what is lost when it is taken back: tables, and columns as `table.column`. A new
 * migration says so here; everything else must come through down and up as it was.
 */
interface Added {
  tables?: string[]
  columns?: string[]
  /** Rows of older tables that only the newer code writes. */
  isNew?: (table: string, row: Record<string, unknown>, all: Rows) => boolean
}

const ADDED: Record<string, Added> = {
  '1.1.0': { tables: ['agentos_approvals', 'agentos_webhook_deliveries'] },
  '1.2.0': { tables: ['agentos_service_accounts'] },
  '1.3.0': { tables: ['agentos_media_uses'] },
  '1.4.0': { tables: ['agentos_snapshots'] },
  '1.5.0': { columns: ['agentos_runs.root_run_id'], isNew: isNested },
  '1.6.0': { tables: ['agentos_run_events'], columns: ['agentos_runs.wake_at'] },
  // On PostgreSQL only.
  '1.7.0': {},
  // An index.
  '1.8.0': {},
}

/** A run inside of another: what it has done is in the log of that one. */
function isNested(table: string, { seq }: Record<string, unknown>, { agentos_runs = [] }: Rows): boolean {
  if (table !== 'agentos_runs' && table !== 'agentos_run_texts') return false
  return agentos_runs.some((run) => run.seq === seq && typeof run.root_run_id === 'string')
}

/** Tables that going up fills again from what is in others, but for these columns. */
const REBUILT: Record<string, string[]> = { agentos_media_uses: ['stored_at'] }

async function opened(path?: string) {
  const inside = await openInside(path === undefined ? {} : { path })
  const { database } = inside
  const target = migrationTarget(database)
  const to = (version: string) => migrateTo(target, { to: version, allowDowngrade: true }, { wait: true })
  return { ...inside, target, to, native: database.writer }
}

function without(rows: Rows, { tables = [], columns = [], isNew = () => false }: Added): Rows {
  const kept = Object.entries(rows).filter(([table]) => !tables.includes(table))
  const drop = (table: string, row: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(row).filter(([column]) => !columns.includes(`${table}.${column}`)))
  return Object.fromEntries(
    kept.map(([table, all]) => [table, all.filter((row) => !isNew(table, row, rows)).map((row) => drop(table, row))]),
  )
}

describe('every migration', () => {
  it('has said what it adds', () => {
    expect(Object.keys(ADDED).toSorted()).toEqual(known.slice(1).toSorted())
  })

  it('starts from rows in every table', async () => {
    const { native, ...repositories } = await opened()
    await fill(repositories)
    for (const [table, rows] of Object.entries(rowsOf(native))) expect(rows.length, table).toBeGreaterThan(0)
  })

  it.each(known.slice(1))('to %s carries all data down and up again, but for what it has added', async (version) => {
    const { native, to, ...repositories } = await opened()
    const before = known[known.indexOf(version) - 1]!
    const added = ADDED[version]!
    await fill(repositories)
    await to(version)
    const above = rowsOf(native)
    const isThere = !isDeepStrictEqual(without(above, added), above)
    expect(isThere, 'what it adds is there').toBe(Object.keys(added).length > 0)
    await to(before)
    const below = rowsOf(native)
    expect(below).toEqual(without(above, added))
    await to(version)
    const again = rowsOf(native)
    expect(without(again, added)).toEqual(below)
    for (const table of added.tables ?? []) {
      const columns = REBUILT[table]?.map((column) => `${table}.${column}`)
      const rebuilt = without({ [table]: above[table]! }, { columns })
      expect(without({ [table]: again[table]! }, { columns }), table).toEqual(columns ? rebuilt : { [table]: [] })
    }
  })

  it('leaves the same schema behind, whichever way it was come to', async () => {
    const { native, to } = await opened()
    const up = new Map<string, unknown>()
    for (const version of known.toReversed()) {
      await to(version)
      up.set(version, schemaOf(native))
    }
    for (const version of known) {
      await to(version)
      expect(schemaOf(native), version).toEqual(up.get(version))
    }
  })

  it('goes down to a database without our tables, and up again', async () => {
    const { native, target, to } = await opened()
    const plan = { from: latest, to: undefined, direction: 'down', versions: known.toReversed() } as const
    await target.locked((transaction) => carryOut(target, plan, transaction), { wait: true })
    expect([schemaVersion(native), rowsOf(native)]).toEqual([undefined, {}])
    await to(latest)
    expect(schemaVersion(native)).toBe(latest)
  })

  // Expand, then contract: the code of the version before goes on reading and writing until the deploy is through.
  it.each(known.slice(1))('to %s only adds, so that the code of the version before fits', async (version) => {
    const before = known[known.indexOf(version) - 1]!
    if (before.split('.')[0] !== version.split('.')[0]) return
    const { native, to } = await opened()
    await to(before)
    const older = columnsOf(native)
    await to(version)
    const newer = columnsOf(native)
    for (const [table, columns] of Object.entries(older)) {
      expect(Object.keys(newer), 'a table is gone').toContain(table)
      const byName = new Map(newer[table]!.map((column) => [column.name, column]))
      for (const { name, type, notnull, pk } of columns) {
        expect(byName.get(name), `${table}.${name}`).toMatchObject({ type, pk })
        expect(byName.get(name)!.notnull <= notnull, `${table}.${name} must not become required`).toBe(true)
      }
      const names = new Set(columns.map(({ name }) => name))
      const required = newer[table]!.filter(
        (one) => !names.has(one.name) && one.notnull === 1 && one.dflt_value === null,
      )
      expect(
        required.map(({ name }) => name),
        `new columns of ${table} need a default`,
      ).toEqual([])
    }
  })
})

describe('a database that is a major version ahead', () => {
  it('is refused, and stays as it is to the byte', async () => {
    const path = temporaryPath()
    const { database, to: _to, ...repositories } = await opened(path)
    await fill(repositories)
    database.writer.exec("UPDATE agentos_schema_version SET version = '2.0.0'")
    database.writer.pragma('wal_checkpoint(TRUNCATE)')
    const copy = temporaryPath()
    copyFileSync(path, copy)
    const bytes = readFileSync(copy)
    const storage = sqlite(copy)
    const refusal = { code: 'NOT_READY', message: expect.stringContaining('schema 2.0.0') }
    await expect(storage.runs.active('ses_1')).rejects.toMatchObject(refusal)
    for (const order of [{ allowDowngrade: false }, { to: latest, allowDowngrade: true }]) {
      await expect(storage.schema.migrate(order, { wait: true })).rejects.toMatchObject(refusal)
    }
    expect(await storage.schema.version()).toBe('2.0.0')
    await storage.close()
    expect(readFileSync(copy).equals(bytes)).toBe(true)
  })

  it('a minor one is worked on as it is, and taken down by nobody who does not know it', async () => {
    const { native, schema, runs } = await opened()
    native.exec("UPDATE agentos_schema_version SET version = '1.99.0'")
    expect(await schema.migrate({ allowDowngrade: false }, { wait: true })).toMatchObject({
      to: '1.99.0',
      versions: [],
    })
    const down = schema.migrate({ to: latest, allowDowngrade: true }, { wait: true })
    await expect(down).rejects.toMatchObject({
      code: 'DOWNGRADE_NOT_ALLOWED',
      message: expect.stringContaining('1.99.0'),
    })
    expect(await runs.active('ses_1')).toEqual([])
  })
})

describe('several processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agentos-migrations-'))
  let built: BuiltStorage
  beforeAll(async () => {
    built = await buildStorage()
  })
  afterAll(() => {
    built[Symbol.dispose]()
    rmSync(folder, { recursive: true })
  })

  it('ten that start on an empty database migrate it once', async () => {
    const path = join(folder, 'race.db')
    const programs = Array.from({ length: 10 }, (_, at) =>
      built.start(`
        const storage = sqlite(${JSON.stringify(path)})
        console.log('ready')
        for await (const _go of process.stdin) break
        await storage.runs.accept(fullCaller, unit('run_${at}', 'ses_${at}'))
        await storage.close()
        process.exit(0)`),
    )
    await Promise.all(programs.map((program) => program.line()))
    for (const program of programs) program.process.stdin!.write('go\n')
    expect(await Promise.all(programs.map((program) => program.end()))).toEqual(Array(10).fill(0))
    const { database } = await openInside({ path })
    const log = database.writer.prepare<[], { name: string }>('SELECT name FROM agentos_migrations ORDER BY id').all()
    expect(log.map(({ name }) => name)).toEqual(sqliteMigrations.map(({ name }) => name))
    expect(database.writer.prepare('SELECT count(*) AS n FROM agentos_runs').get()).toEqual({ n: 10 })
  })

  /** Kills a process that migrates, before its nth statement that changes something; false when it has fewer. */
  async function killAt(path: string, to: string, statement: number): Promise<boolean> {
    const program = built.start(`
      const { default: Database } = await import('better-sqlite3')
      const { prepare } = Database.prototype
      let left = ${statement}
      Database.prototype.prepare = function (sql) {
        const changes = /^\\s*(create|drop|alter|insert|update|delete|commit)/i.test(sql)
        if (changes && !/IF NOT EXISTS/.test(sql) && --left === 0) process.kill(process.pid, 'SIGKILL')
        return prepare.call(this, sql)
      }
      const storage = sqlite(${JSON.stringify(path)})
      await storage.schema.migrate({ to: '${to}', allowDowngrade: true }, { wait: true })
      await storage.close()
      process.exit(0)`)
    return (await program.end()) === null
  }

  it.each([
    ['up', known[0]!, latest],
    ['down', latest, known[0]!],
  ])(
    'leaves the old or the new version when it is killed on its way %s, and never half of one',
    async (_, from, to) => {
      const source = join(folder, `${from}.db`)
      const { database, to: goTo, ...repositories } = await opened(source)
      await fill(repositories)
      await goTo(from)
      const [schema, rows] = [schemaOf(database.writer), rowsOf(database.writer)]
      database.writer.pragma('wal_checkpoint(TRUNCATE)')
      let trials = 0
      const trial = async (statement: number): Promise<boolean> => {
        const path = join(folder, `killed-${from}-${statement}.db`)
        copyFileSync(source, path)
        if (!(await killAt(path, to, statement))) return false
        trials++
        const killed = await openDatabase({ path, synchronous: 'normal' })
        try {
          expect(schemaVersion(killed.writer)).toBe(from)
          expect(schemaOf(killed.writer)).toEqual(schema)
          expect(rowsOf(killed.writer)).toEqual(rows)
          expect(killed.writer.pragma('integrity_check', { simple: true })).toBe('ok')
          const again = await migrateTo(migrationTarget(killed), { to, allowDowngrade: true }, { wait: true })
          expect(again).toMatchObject({ from, to })
        } finally {
          await killed.close()
        }
        return true
      }
      // Some at a time: each is a process of its own.
      for (let statement = 1; ; statement += 3) {
        const all = await Promise.all([0, 1, 2].map((more) => trial(statement + more)))
        if (all.includes(false)) break
      }
      expect(trials).toBeGreaterThan(4)
    },
    // A process for each statement of every migration.
    120_000,
  )
})
