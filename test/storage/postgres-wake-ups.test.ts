import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { postgres } from 'agentos-sdk/storage'
import type { Storage } from 'agentos-sdk'
import { fullCaller } from '../../src/core/caller.js'
import { postgresMigrations } from '../../src/storage/mikro-orm/postgresql/migrations/index.js'
import { segment, T0, unit } from '../../src/testing/storage-cases/case.js'
import { createDatabase, type TestDatabase } from '../support/postgres-database.js'
import { buildStorage } from './support/child-process.js'
import { cuttingProxy } from './support/cutting-proxy.js'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  await database.sql('DROP SCHEMA IF EXISTS agentos_queue CASCADE')
  await database.sql('DROP SCHEMA public CASCADE')
  await database.sql('CREATE SCHEMA public')
})

let nodes = 0
function open(options: { url?: string; migrate?: 'auto' | 'check' } = {}): Storage {
  const storage = postgres({ url: database.url(`node_${nodes++}`), poolSize: 4, ...options })
  onTestFinished(() => storage.close())
  return storage
}

const background = (sessionId: string, changes: { priority?: number; runAfter?: number; runId?: string } = {}) =>
  unit({ deferred: true, run: { mode: 'background', sessionId, ...changes } })

const jobs = () =>
  database.sql<{ run: string; priority: number; after: number }>(
    `SELECT data->>'runId' AS run, priority, (extract(epoch FROM start_after) * 1000)::float8 AS after
      FROM agentos_queue.job ORDER BY created_on`,
  )

const next = async (storage: Storage, limit = 10): Promise<string[]> =>
  (await storage.runs.nextDue('exe', [{ kind: 'agent', id: 'support' }], limit, T0)).map(({ head }) => head.runId)

describe('wake-ups of runs in the background', () => {
  it('are sent by the transaction that accepts a run which can begin, and by no other', async () => {
    const storage = open()
    const can = background('ses_1', { priority: 3 })
    const later = background('ses_2', { runAfter: T0 + 60_000 })
    await storage.runs.accept(fullCaller, can)
    await storage.runs.accept(fullCaller, background('ses_1'))
    await storage.runs.accept(fullCaller, unit({ run: { sessionId: 'ses_3' } }))
    await storage.runs.accept(fullCaller, later)
    await expect(storage.runs.accept(fullCaller, { ...background('ses_4'), forkOf: 'run_none' })).rejects.toThrow(
      'run_none',
    )
    expect(await jobs()).toEqual([
      { run: can.run.runId, priority: 3, after: expect.any(Number) },
      { run: later.run.runId, priority: 0, after: T0 + 60_000 },
    ])
  })

  it('are sent once, also when the answer to the COMMIT is lost', async () => {
    await using proxy = await cuttingProxy(database.url())
    const storage = open({ url: proxy.through(database.url('cut')) })
    await storage.check()
    for (const sessionId of ['ses_1', 'ses_2', 'ses_3']) {
      proxy.loseAnswerTo('COMMIT')
      await storage.runs.accept(fullCaller, background(sessionId))
    }
    expect(proxy.lost).toBe(3)
    expect(await jobs()).toHaveLength(3)
  })

  it('go to one of many processes each, and leave nothing behind', async () => {
    const storages = [open(), open(), open()]
    const accepted = Array.from({ length: 90 }, (_, at) => background(`ses_${at}`))
    await Promise.all(accepted.map((one, at) => storages[at % 3]!.runs.accept(fullCaller, one)))
    const taken = await Promise.all(storages.flatMap((storage) => [next(storage, 20), next(storage, 20)]))
    expect(taken.flat().toSorted()).toEqual(accepted.map(({ run }) => run.runId).toSorted())
    expect(await jobs()).toEqual([])
  })

  it('are given up for runs that others have begun, and make room for the next', async () => {
    const storage = open()
    const begun = Array.from({ length: 5 }, (_, at) => background(`ses_${at}`, { priority: 1 }))
    for (const one of begun) {
      await storage.runs.accept(fullCaller, one)
      expect(await storage.runs.begin(one.run.runId, 'exe_2', segment(0), T0)).toBe(true)
    }
    const waiting = background('ses_9')
    await storage.runs.accept(fullCaller, waiting)
    expect(await next(storage, 2)).toEqual([waiting.run.runId])
    expect(await jobs()).toEqual([])
  })

  it('carry any id that a run can have', async () => {
    const storage = open()
    const odd = background('ses_1', { runId: 'run \0 \ud800 "\\ é' })
    await storage.runs.accept(fullCaller, odd)
    const [found] = await next(storage)
    expect(found).toBe('run \uFFFD \uFFFD "\\ é')
  })
})

describe('the tables of the queue', () => {
  it('are made once, with ours, when ten processes start on an empty database', async () => {
    using built = await buildStorage()
    const url = JSON.stringify(database.url())
    const programs = Array.from({ length: 10 }, () =>
      built.start(`
        console.log('loaded')
        process.stdin.once('data', async () => {
          const storage = postgres({ url: ${url}, poolSize: 2 })
          console.log(JSON.stringify(await storage.check()))
          await storage.runs.accept(fullCaller, unit('run_' + process.pid, 'ses_' + process.pid))
          await storage.close()
          process.exit()
        })`),
    )
    for (const program of programs) expect(await program.line()).toBe('loaded')
    for (const program of programs) program.process.stdin!.write('go')
    const answers = await Promise.all(programs.map((program) => program.line()))
    expect(answers).toEqual(programs.map(() => '{"ready":true}'))
    expect(await Promise.all(programs.map((program) => program.end()))).toEqual(programs.map(() => 0))
    const executed = await database.sql<{ name: string }>('SELECT name FROM agentos_migrations ORDER BY id')
    expect(executed.map(({ name }) => name)).toEqual(postgresMigrations.map(({ name }) => name))
    expect(await database.sql('SELECT count(*)::int AS rows FROM agentos_queue.version')).toEqual([{ rows: 1 }])
    expect(await database.sql('SELECT name FROM agentos_queue.queue')).toEqual([{ name: 'runs' }])
    expect(await database.sql('SELECT count(*)::int AS rows FROM agentos_runs')).toEqual([{ rows: 10 }])
  }, 60_000)

  it('are part of what is only checked where asked, and made by an order', async () => {
    await open().check()
    await database.sql('DROP SCHEMA agentos_queue CASCADE')
    const checking = open({ migrate: 'check' })
    await expect(checking.runs.active('ses_1')).rejects.toMatchObject({
      code: 'NOT_READY',
      message: expect.stringContaining('run queue'),
    })
    await checking.schema.migrate({ allowDowngrade: false }, { wait: true })
    await checking.runs.accept(fullCaller, background('ses_1'))
    expect(await jobs()).toHaveLength(1)
  })

  it('belong to the schema that ours are in', async () => {
    const ours = postgres({ url: database.url('own'), schema: 'agents' })
    await ours.runs.accept(fullCaller, background('ses_1'))
    expect(await next(open())).toEqual([])
    expect(await next(ours)).toHaveLength(1)
    await ours.close()
    await database.sql('DROP SCHEMA agents CASCADE')
    await database.sql('DROP SCHEMA agents_queue CASCADE')
  })

  it('are named when the package is missing', async () => {
    using bare = await buildStorage({ packages: ['eventemitter3', '@mikro-orm', 'zod'] })
    const program = bare.start(`
      const storage = postgres('postgresql://db/app')
      storage.runs.active('ses_1').catch(({ code, message }) => console.log(code, message))`)
    expect(await program.line()).toBe(
      'MISSING_PACKAGE postgres() needs the package "pg-boss". Install it: npm install pg-boss',
    )
    expect(await program.end()).toBe(0)
  })
})
