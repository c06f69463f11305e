import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgres, type PostgresOptions } from 'agentos-sdk/storage'
import { fullCaller } from '../../src/core/caller.js'
import { ConfigurationError, UnavailableError } from '../../src/core/errors.js'
import { session, unit, user } from '../../src/testing/storage-cases/case.js'
import { until } from '../support/agent-os.js'
import { createDatabase, type TestDatabase } from '../support/postgres-database.js'
import { buildStorage } from './support/child-process.js'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function connections(node: string): Promise<number> {
  const [row] = await database.sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = $1',
    [node],
  )
  return row!.count
}

describe('postgres()', () => {
  it('opens nothing before its first use', async () => {
    const storage = postgres({ url: database.url('lazy'), id: 'mine' })
    expect(storage).toMatchObject({ id: 'mine', tables: { sessions: 'agentos_sessions' } })
    expect(await connections('lazy')).toBe(0)
    expect(await storage.check()).toEqual({ ready: true })
    expect(await connections('lazy')).toBeGreaterThan(0)
    await storage.close()
    await until(async () => (await connections('lazy')) === 0)
  })

  it('shares connections and bus among the handles on one URL, and keeps to the bound', async () => {
    const [one, other] = Array.from({ length: 2 }, () => postgres({ url: database.url('shared'), poolSize: 3 }))
    await one!.check()
    expect(other!.events).toBe(one!.events)
    const work = Array.from({ length: 60 }, async (_, at) => {
      await one!.sessions.create(session({ sessionId: `ses_${at}` }))
      await other!.runs.list(fullCaller, { limit: 10 })
    })
    await Promise.all(work)
    // And one that listens.
    expect(await connections('shared')).toBeLessThanOrEqual(4)
    await one!.close()
    expect(await other!.sessions.get(fullCaller, 'ses_7')).toBeDefined()
    await other!.close()
    await until(async () => (await connections('shared')) === 0)
  })

  it.each<[PostgresOptions | string, RegExp]>([
    ['', /needs a URL like/],
    ['agentos.db', /needs a URL like/],
    ['mysql://root:secret@db/app', /needs a URL like/],
    ['postgresql://app:secret@db:5432', /needs a URL like/],
    [{ url: 'postgresql://db/app', poolSize: 1 }, /poolSize must be a whole number from 2 to 200, not 1/],
    [{ url: 'postgresql://db/app', poolSize: 1000 }, /poolSize/],
    [{ url: 'postgresql://db/app', connectTimeoutMs: Number.NaN }, /connectTimeoutMs/],
    [{ url: 'postgresql://db/app', statementTimeoutMs: 0 }, /statementTimeoutMs/],
    [{ url: 'postgresql://db/app', schema: 'a"; DROP SCHEMA public' }, /can't be the schema/],
  ])('refuses %o', (options, message) => {
    const make = () => postgres(options)
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(message)
    expect(make).not.toThrow(/secret/)
  })

  it('says clearly that the server can not be reached, and tells no password', async () => {
    const storage = postgres({ url: 'postgresql://app:geheim@127.0.0.1:1/app', connectTimeoutMs: 500 })
    const refused = await storage.runs.active('ses_1').catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(UnavailableError)
    expect(refused).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    expect(JSON.stringify([refused, String((refused as Error).cause)])).not.toContain('geheim')
    expect(await storage.check()).toEqual({ ready: false, reason: 'The database does not answer. Try again later.' })
    await storage.close()
  })

  it('finds nothing, and fails at nothing, where an id holds what the database can not', async () => {
    const storage = postgres(database.url('odd'))
    for (const odd of ['a\0b', '\uD800', "'; DROP TABLE agentos_runs; --", 'x'.repeat(100_000)]) {
      expect(await storage.runs.get(fullCaller, odd)).toBe(undefined)
      expect(await storage.runs.requestCancel(user(odd), odd, 1)).toBe(undefined)
      expect(await storage.runs.segments(odd, 0, 10)).toEqual([])
      expect(await storage.sessions.get(fullCaller, odd)).toBe(undefined)
      expect(await storage.sessions.delete(fullCaller, [odd])).toBe(0)
      expect(await storage.approvals.get(user(odd), odd)).toBe(undefined)
      expect((await storage.runs.list(user(odd), { limit: 1, sessionId: odd, statuses: ['paused'] })).data).toEqual([])
    }
    await storage.close()
  })
})

describe('postgres() in processes of their own', () => {
  it('lets a process end that has closed nothing, and keeps what it has answered', async () => {
    using built = await buildStorage()
    const program = built.start(`
      const storage = postgres(${JSON.stringify(database.url('child'))})
      await storage.runs.accept(fullCaller, unit('run_child', 'ses_child'))
      console.log('accepted')`)
    expect(await program.line()).toBe('accepted')
    expect(await program.end()).toBe(0)
    const storage = postgres(database.url('after'))
    expect((await storage.runs.get(fullCaller, 'run_child'))?.head.status).toBe('running')
    await expect(storage.runs.accept(fullCaller, unit({ run: { runId: 'run_child' } }))).rejects.toMatchObject({
      code: 'RUN_EXISTS',
    })
    await storage.close()
  })

  it('loads the driver with the first use, and names the package that is missing', async () => {
    using bare = await buildStorage({ packages: ['eventemitter3'] })
    const program = bare.start(`
      const storage = postgres('postgresql://db/app')
      storage.runs.active('ses_1').catch(({ name, code, message }) => console.log(name, code, message))`)
    expect(await program.line()).toMatch(
      /^MissingPackageError MISSING_PACKAGE postgres\(\) needs the package "(\S+)"\. Install it: npm install \1$/,
    )
    expect(await program.end()).toBe(0)
  })
})
