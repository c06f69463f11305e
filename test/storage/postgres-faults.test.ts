import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { postgres } from 'agentos-sdk/storage'
import type { Storage } from 'agentos-sdk'
import { fullCaller } from '../../src/core/caller.js'
import { UnavailableError } from '../../src/core/errors.js'
import { ending, segment, T0, unit } from '../../src/testing/storage-cases/case.js'
import { createDatabase, type TestDatabase } from '../support/postgres-database.js'
import { cuttingProxy, type CuttingProxy } from './support/cutting-proxy.js'

let database: TestDatabase
let proxy: CuttingProxy
beforeAll(async () => {
  database = await createDatabase()
  proxy = await cuttingProxy(database.url())
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})
beforeEach(async () => {
  proxy.open()
  await database.clear()
})

/** A storage behind the proxy, with its schema in place. */
async function proxied(options: { connectTimeoutMs?: number } = {}): Promise<Storage> {
  const storage = postgres({ url: proxy.through(database.url('proxied')), ...options })
  onTestFinished(() => storage.close())
  expect(await storage.check()).toEqual({ ready: true })
  return storage
}

async function count(table: string): Promise<number> {
  const [row] = await database.sql<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`)
  return row!.count
}

describe('a COMMIT whose answer is lost', () => {
  it('counts an accepted run as accepted, with what was told about it', async () => {
    const storage = await proxied()
    const idempotency = { scope: 's', key: 'k', fingerprint: 'f', expiresAt: T0 + 1e6 }
    const first = unit({ idempotency })
    const before = proxy.lost
    proxy.loseAnswerTo('COMMIT')
    expect(await storage.runs.accept(fullCaller, first)).toMatchObject({ outcome: 'running', isNewSession: true })
    proxy.loseAnswerTo('COMMIT')
    const waiting = await storage.runs.accept(fullCaller, unit())
    expect(waiting).toMatchObject({ outcome: 'pending', isNewSession: false, interrupted: [] })
    proxy.loseAnswerTo('COMMIT')
    const interrupting = await storage.runs.accept(fullCaller, unit({ concurrency: 'interrupt' }))
    expect(interrupting).toMatchObject({ outcome: 'pending', interrupted: [first.run.runId, expect.any(String)] })
    proxy.loseAnswerTo('COMMIT')
    expect(await storage.runs.accept(fullCaller, unit({ deferred: true, run: { sessionId: 's2' } }))).toMatchObject({
      outcome: 'pending',
      isNewSession: true,
    })
    expect(proxy.lost - before).toBe(4)
    expect(await count('agentos_runs')).toBe(4)
    expect(await storage.runs.accept(fullCaller, unit({ idempotency }))).toEqual({
      outcome: 'repeated',
      runId: first.run.runId,
    })
  })

  it('stores the end of a run once, adds up once, and tells whose turn it is', async () => {
    const storage = await proxied()
    const first = unit()
    const second = unit()
    await storage.runs.accept(fullCaller, first)
    await storage.runs.accept(fullCaller, second)
    const before = proxy.lost
    proxy.loseAnswerTo('COMMIT')
    const end = { status: 'completed', usage: { inputTokens: 5 } } as const
    expect(await storage.runs.append(ending(first.run.runId, 'completed', { end }))).toEqual({
      outcome: 'committed',
      next: second.run.runId,
    })
    proxy.loseAnswerTo('COMMIT')
    expect(await storage.runs.begin(second.run.runId, 'exe_1', segment(0), T0)).toBe(true)
    await storage.runs.append(ending(second.run.runId, 'paused'))
    proxy.loseAnswerTo('COMMIT')
    const leg = { runId: second.run.runId, attempt: 1, executorId: 'exe_1', mode: 'plain', at: T0 } as const
    expect(await storage.runs.reopen({ ...leg, segment: segment(2, 2, 2) })).toBe(true)
    expect(proxy.lost - before).toBe(3)
    expect((await storage.sessions.get(fullCaller, 'ses_1'))!.metrics).toEqual({ inputTokens: 5 })
    expect(await count('agentos_segments')).toBe(5)
  })

  it('stores a segment within a leg once', async () => {
    const storage = await proxied()
    const { run } = unit()
    await storage.runs.accept(fullCaller, unit({ run }))
    const before = proxy.lost
    for (let index = 1; index <= 5; index++) {
      proxy.loseAnswerTo('agentos_advance_runs')
      const appended = await storage.runs.append({ runId: run.runId, segment: segment(index), at: T0 })
      expect(appended).toEqual({ outcome: 'committed' })
    }
    expect(proxy.lost - before).toBe(5)
    expect((await storage.runs.segments(run.runId, 0, 10)).map(({ firstIndex }) => firstIndex)).toEqual([
      0, 1, 2, 3, 4, 5,
    ])
  })

  it('does not make a refusal of an attempt that was never current', async () => {
    const storage = await proxied()
    const { run } = unit()
    await storage.runs.accept(fullCaller, unit({ run }))
    await storage.runs.takeOver(run.runId, 1, 'exe_2', T0)
    proxy.loseAnswerTo('agentos_advance_runs')
    const appended = await storage.runs.append({ runId: run.runId, segment: segment(1), at: T0 })
    expect(appended).toEqual({ outcome: 'lease_lost' })
  })
})

describe('a server that is away', () => {
  it('is a 503 without a word of the driver, and is there again by itself', async () => {
    const storage = await proxied()
    const { run } = unit()
    await storage.runs.accept(fullCaller, unit({ run }))
    proxy.shut()
    const refusals = await Promise.allSettled([
      storage.runs.get(fullCaller, run.runId),
      storage.runs.append({ runId: run.runId, segment: segment(1), at: T0 }),
      storage.runs.append(ending(run.runId)),
      storage.runs.accept(fullCaller, unit()),
      storage.sessions.get(fullCaller, 'ses_1'),
      storage.sessions.update(fullCaller, 'ses_1', { name: 'x' }, { at: T0 }),
      storage.media.get(['h']),
      storage.runs.renewLease('exe_1', 1000),
    ])
    for (const refusal of refusals) {
      const { reason } = refusal as PromiseRejectedResult
      expect(reason).toBeInstanceOf(UnavailableError)
      expect(reason).toMatchObject({
        status: 503,
        code: 'DATABASE_UNAVAILABLE',
        message: 'The database does not answer. Try again later.',
      })
    }
    expect(await storage.check()).toEqual({ ready: false, reason: 'The database does not answer. Try again later.' })
    proxy.open()
    expect(await storage.check()).toEqual({ ready: true })
    expect(await storage.runs.append({ runId: run.runId, segment: segment(1), at: T0 })).toEqual({
      outcome: 'committed',
    })
  })

  it('may end connections at any moment: whoever asks until there is an answer has stored everything once', async () => {
    const storage = await proxied()
    const runs = Array.from({ length: 8 }, (_, at) => unit({ run: { sessionId: `ses_${at}` } }))
    const endConnections = () =>
      database.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'proxied'`)
    let answers = 0
    await Promise.all(
      runs.map(async (one) => {
        const { runId } = one.run
        await untilAnswered(async () => {
          const known = await storage.runs.get(fullCaller, runId)
          if (!known) await storage.runs.accept(fullCaller, one)
        })
        for (let index = 1; index < 30; index++) {
          const append = { runId, segment: segment(index, index, 1, `[${index}]`), at: T0 }
          expect(await untilAnswered(() => storage.runs.append(append))).toEqual({ outcome: 'committed' })
          // In the middle of what the others ask for.
          if (++answers % 15 === 0) await endConnections()
        }
        const end = { status: 'completed', usage: { inputTokens: 1 } } as const
        const last = ending(runId, 'completed', { segment: segment(30), end })
        expect(await untilAnswered(() => storage.runs.append(last))).toEqual({ outcome: 'committed' })
      }),
    )
    for (const { run } of runs) {
      const stored = await untilAnswered(() => storage.runs.segments(run.runId, 0, 100))
      expect(stored.map(({ firstIndex }) => firstIndex)).toEqual(Array.from({ length: 31 }, (_, at) => at))
      const session = await untilAnswered(() => storage.sessions.get(fullCaller, run.sessionId))
      expect(session!.metrics).toEqual({ inputTokens: 1 })
    }
  })
})

describe('a process that freezes while it holds locks', () => {
  it('is cut off, and others go on', async () => {
    const storage = await proxied()
    const { run } = unit()
    await storage.runs.accept(fullCaller, unit({ run }))
    const { Client } = await import('pg')
    const frozen = new Client({
      connectionString: database.url('frozen'),
      idle_in_transaction_session_timeout: 1000,
    })
    frozen.on('error', () => undefined)
    await frozen.connect()
    await frozen.query('BEGIN')
    await frozen.query('SELECT * FROM agentos_runs FOR UPDATE')
    expect(await storage.runs.append(ending(run.runId))).toEqual({ outcome: 'committed' })
    await frozen.end().catch(() => undefined)
  })
})

async function untilAnswered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof UnavailableError) || error.code !== 'DATABASE_UNAVAILABLE') throw error
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}
