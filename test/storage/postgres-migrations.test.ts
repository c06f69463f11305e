import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { postgres } from 'agentos-sdk/storage'
import { fullCaller } from '../../src/core/caller.js'
import { UnavailableError } from '../../src/core/errors.js'
import { carryOut, migrateTo } from '../../src/storage/mikro-orm/migrate.js'
import { migrationTarget, schemaVersion } from '../../src/storage/mikro-orm/postgresql/migration-target.js'
import { postgresMigrations } from '../../src/storage/mikro-orm/postgresql/migrations/index.js'
import { sqliteMigrations } from '../../src/storage/mikro-orm/sqlite/migrations/index.js'
import { unit } from '../../src/testing/storage-cases/case.js'
import { createDatabase, type TestDatabase } from '../support/postgres-database.js'
import { openInsidePostgres } from './support/open-postgres.js'

const current = postgresMigrations.at(-1)!.version

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  await database.sql('DROP SCHEMA public CASCADE')
  await database.sql('CREATE SCHEMA public')
})

describe('the schema of PostgreSQL', () => {
  it('has the versions of SQLite', () => {
    expect(postgresMigrations.map(({ version, name }) => [version, name])).toEqual(
      sqliteMigrations.map(({ version, name }) => [version, name]),
    )
  })

  it('is made by the first use, and only checked where asked', async () => {
    const checking = postgres({ url: database.url('checking'), migrate: 'check' })
    await expect(checking.runs.active('ses_1')).rejects.toThrow(/has no schema of agentos-sdk yet/)
    const storage = postgres(database.url())
    expect(await storage.check()).toEqual({ ready: true })
    expect(await checking.check()).toEqual({ ready: true })
    await Promise.all([storage.close(), checking.close()])
  })

  it('is made once, however many start at once', async () => {
    const storages = Array.from({ length: 10 }, (_, at) => postgres({ url: database.url(`node_${at}`), poolSize: 2 }))
    const ready = await Promise.all(storages.map((storage) => storage.check()))
    expect(ready).toEqual(storages.map(() => ({ ready: true })))
    const executed = await database.sql<{ name: string }>('SELECT name FROM agentos_migrations ORDER BY id')
    expect(executed.map(({ name }) => name)).toEqual(postgresMigrations.map(({ name }) => name))
    await Promise.all(storages.map((storage) => storage.close()))
  })

  it('may live in a schema of its own, beside others', async () => {
    const ours = postgres({ url: database.url('ours'), schema: 'agents' })
    const other = postgres({ url: database.url('other'), schema: 'agents_two' })
    await ours.runs.accept(fullCaller, unit())
    expect(await other.runs.active('ses_1')).toEqual([])
    const tables = await database.sql<{ schemaname: string }>(
      `SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'agentos_%' ORDER BY 1`,
    )
    expect(tables.map(({ schemaname }) => schemaname)).toEqual(['agents', 'agents_two'])
    const caller = { sortBy: 'created_at', sortOrder: 'asc', limit: 10, page: 1 } as const
    expect((await ours.sessions.list(fullCaller, caller)).data).toHaveLength(1)
    await Promise.all([ours.close(), other.close()])
    await database.sql('DROP SCHEMA agents CASCADE')
    await database.sql('DROP SCHEMA agents_two CASCADE')
  })

  it('is refused when it is a major version ahead, and taken when it is a minor one', async () => {
    const storage = postgres(database.url())
    await storage.runs.accept(fullCaller, unit())
    await database.sql(`UPDATE agentos_schema_version SET version = '2.0.0'`)
    expect(await storage.check()).toMatchObject({ ready: false, reason: expect.stringContaining('2.0.0') })
    await storage.close()
    const refused = postgres(database.url())
    await expect(refused.runs.active('ses_1')).rejects.toBeInstanceOf(UnavailableError)
    await database.sql(`UPDATE agentos_schema_version SET version = '1.99.0'`)
    expect(await refused.runs.active('ses_1')).toHaveLength(1)
    await refused.close()
  })

  it('goes down by one version and up again, and loses nothing else', async () => {
    const { database: own, inside, runs, close } = await openInsidePostgres()
    const target = migrationTarget(inside, 'public')
    const connection = inside.orm.driver.getConnection()
    const { run } = unit()
    await runs.accept(fullCaller, unit({ run: { runId: run.runId } }))
    const go = (to: string) => migrateTo(target, { to, allowDowngrade: true }, { wait: true })
    for (const { version } of postgresMigrations.toReversed()) {
      await go(version)
      expect(await schemaVersion(connection)).toBe(version)
      const left = await own.sql<{ run_id: string }>('SELECT run_id FROM agentos_runs')
      expect(left).toEqual([{ run_id: run.runId }])
    }
    await go(current)
    expect((await runs.get(fullCaller, run.runId))?.head.runId).toBe(run.runId)
    const versions = postgresMigrations.map(({ version }) => version).toReversed()
    const nothing = { from: current, to: undefined, direction: 'down', versions } as const
    await target.locked((transaction) => carryOut(target, nothing, transaction), { wait: true })
    const tables = await own.sql<{ tablename: string }>(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
    expect(tables.map(({ tablename }) => tablename)).toEqual(['agentos_migrations'])
    await go(current)
    expect(await runs.active('ses_1')).toEqual([])
    await close()
  })

  it('finds the media that runs have used before it kept account of them', async () => {
    const { database: own, inside, runs, media, close } = await openInsidePostgres()
    const target = migrationTarget(inside, 'public')
    const texts = [
      '{"mediaHash":"h1","odd":"\\ud800\\u0000"}',
      '{"text":"\\"mediaHash\\":\\"h2\\""}',
      '{"a":[{"mediaHash":"h3"}]}',
    ]
    await media.put(
      'run_0',
      ['h1', 'h2', 'h3'].map((hash) => ({ hash, bytes: Uint8Array.of(1) })),
    )
    for (const [at, request] of texts.entries()) {
      await runs.accept(fullCaller, unit({ concurrency: 'allow', run: { runId: `run_${at + 1}`, request } }))
    }
    await migrateTo(target, { to: '1.2.0', allowDowngrade: true }, { wait: true })
    await migrateTo(target, { allowDowngrade: false }, { wait: true })
    const uses = await own.sql('SELECT run_id, hash, stored_at::int FROM agentos_media_uses ORDER BY run_id')
    expect(uses).toEqual([
      { run_id: 'run_1', hash: 'h1', stored_at: 0 },
      { run_id: 'run_3', hash: 'h3', stored_at: 0 },
    ])
    await close()
  })

  it('refuses who does not want to wait for another process that migrates', async () => {
    const { database: own, schema, close } = await openInsidePostgres()
    await own.sql('BEGIN')
    await own.sql(`SELECT pg_advisory_xact_lock(hashtextextended('agentos-sdk.migrations.public', 0))`)
    const order = { to: current, allowDowngrade: false }
    await expect(schema.migrate(order, { wait: false })).rejects.toMatchObject({ code: 'MIGRATION_IN_PROGRESS' })
    const waiting = schema.migrate(order, { wait: true })
    await own.sql('COMMIT')
    expect(await waiting).toMatchObject({ versions: [] })
    await close()
  })

  it('is the one that the entities describe', async () => {
    const { database: own, inside } = await openInsidePostgres()
    const all = [...inside.orm.getMetadata().getAll().values()].filter(({ tableName }) =>
      tableName.startsWith('agentos_'),
    )
    expect(all.length).toBe(14)
    for (const { tableName, props, indexes, uniques } of all) {
      const columns = await own.sql<{ name: string }>(
        'SELECT column_name AS name FROM information_schema.columns WHERE table_name = $1',
        [tableName],
      )
      const described = props.flatMap(({ fieldNames }) => fieldNames)
      expect(columns.map(({ name }) => name).toSorted(), tableName).toEqual(described.toSorted())
      const made = await own.sql<{ name: string }>(
        `SELECT indexname AS name FROM pg_indexes WHERE tablename = $1 AND indexname NOT LIKE '%_pkey'`,
        [tableName],
      )
      const named = [
        ...[...indexes, ...uniques].map(({ name }) => String(name)),
        ...props.flatMap(({ unique }) => (typeof unique === 'string' ? [unique] : [])),
      ]
      expect(made.map(({ name }) => name).toSorted(), tableName).toEqual(named.toSorted())
    }
  })
})
