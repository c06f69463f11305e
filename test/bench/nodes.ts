import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { PgBoss } from 'pg-boss'
import type { Caller, Storage } from 'agentos-sdk'
import { postgres, sqlite } from 'agentos-sdk/storage'
import { startPostgres } from '../support/embedded-postgres.ts'
import { startServer, startServerIn } from './child.ts'
import { requestsPerSecond } from './load.ts'
import { median, ratio, round, show } from './report.ts'

const PASSES = 3
const BACKLOG = 3000
const BATCH = 100
const PROCESSES = 3
const full: Caller = { kind: 'root', scopes: ['agent_os:admin'], admin: true, scoped: false }

/** A real server that waits for its disk, unless one is named; each part has a database of its own on it. */
export async function onPostgres(work: (newDatabase: () => Promise<string>) => Promise<void>): Promise<void> {
  const named = process.env.AGENTOS_TEST_DATABASE_URL
  const server = named === undefined ? await startPostgres({ isDurable: true }) : undefined
  const admin = new Client({ connectionString: named ?? server!.url })
  await admin.connect()
  const made: string[] = []
  try {
    const { rows } = await admin.query<{ server_version: string }>('SHOW server_version')
    show('PostgreSQL', rows[0]!.server_version)
    await work(async () => {
      const name = `agentos_bench_${Date.now()}_${made.length}`
      made.push(name)
      await admin.query(`CREATE DATABASE ${name}`)
      const url = new URL(named ?? server!.url)
      url.pathname = `/${name}`
      return url.href
    })
  } finally {
    for (const name of made) await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
    await admin.end()
    await server?.stop()
  }
}

/** Persisted runs over HTTP against a bare route with one insert, on both databases. */
export async function persistedRuns(): Promise<void> {
  await onPostgres(async (newDatabase) => {
    const ratios: Record<string, number[]> = { SQLite: [], PostgreSQL: [] }
    for (let pass = 0; pass < PASSES; pass++) {
      for (const [dialect, raw, settings] of [
        ['SQLite', 'raw-insert', []],
        ['PostgreSQL', 'raw-pg-insert', [await newDatabase()]],
      ] as const) {
        await using bare = await startServer(raw, ...settings)
        await using ours = await startServer('node', ...settings)
        const limit = await requestsPerSecond(bare, '/runs', { message: 'Hi' })
        const own = await requestsPerSecond(ours, '/agents/plain/runs', { message: 'Hi' })
        ratios[dialect]!.push(own / limit)
        show(`persisted runs on ${dialect}`, `${round(own)}/s of ${round(limit)}/s bare inserts`, ratio(own, limit))
      }
    }
    for (const [dialect, all] of Object.entries(ratios)) {
      show(`persisted runs on ${dialect}, median of ${PASSES}`, '', String(round(median(all), 3)))
    }
  })
}

/** How fast a backlog is handed out: found by query, by wake-ups, and as bare jobs of pg-boss. */
export async function dequeueRates(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'agentos-bench-'))
  await onPostgres(async (newDatabase) => {
    for (const processes of [1, PROCESSES]) {
      const bare = await bareDequeue(await newDatabase(), processes)
      show(`dequeue by ${processes}: bare pg-boss, fetched and completed`, `${round(bare)}/s`)
      const open = async (url: string): Promise<Storage[]> =>
        Array.from({ length: processes }, (_, at) => postgres(`${url}?application_name=node_${at}`))
      for (const [what, storages, find] of [
        ['wake-ups, taken and begun', await open(await newDatabase()), 'nextDue'],
        ['found by query and begun', await open(await newDatabase()), 'due'],
        ['SQLite, found and begun', [sqlite(join(directory, `${processes}.db`))], 'due'],
      ] as const) {
        const { rate, lost } = await dequeue(storages, find)
        show(`dequeue by ${storages.length}: ${what}`, `${round(rate)}/s, ${lost} times too late`, ratio(rate, bare))
      }
    }
  })
  await rm(directory, { recursive: true, force: true })
}

async function bareDequeue(url: string, processes: number): Promise<number> {
  const bosses: PgBoss[] = []
  for (let at = 0; at < processes; at++) {
    const boss = new PgBoss({ connectionString: url, schedule: false, supervise: false })
    bosses.push(await boss.start())
  }
  await bosses[0]!.createQueue('bench')
  for (let done = 0; done < BACKLOG; done += 500) {
    await bosses[0]!.insert(
      'bench',
      Array.from({ length: 500 }, (_, at) => ({ data: { runId: `run_${done + at}` } })),
    )
  }
  const before = performance.now()
  await Promise.all(
    bosses.map(async (boss) => {
      for (;;) {
        const jobs = await boss.fetch('bench', { batchSize: BATCH })
        if (jobs.length === 0) return
        await boss.complete(
          'bench',
          jobs.map(({ id }) => id),
        )
      }
    }),
  )
  const seconds = (performance.now() - before) / 1000
  await Promise.all(bosses.map((boss) => boss.stop({ graceful: false })))
  return BACKLOG / seconds
}

/** Runs begun per second, and how often somebody else had begun a run that was found. */
async function dequeue(storages: readonly Storage[], find: 'due' | 'nextDue'): Promise<{ rate: number; lost: number }> {
  const at = Date.now()
  const segment = { firstIndex: 0, lastIndex: 0, attempt: 1, format: 1, entries: '[{"event":"RunStarted"}]' }
  for (let done = 0; done < BACKLOG; done += 500) {
    await Promise.all(
      Array.from({ length: 500 }, (_, more) =>
        storages[0]!.runs.accept(full, {
          run: {
            runId: `run_${done + more}`,
            sessionId: `ses_${done + more}`,
            component: { kind: 'agent', id: 'bench', name: 'Bench' },
            mode: 'background',
            request: '{"input":{"inputContent":"Hi"}}',
            createdAt: at,
          },
          deferred: true,
          newSession: { name: 'Hi', state: {} },
          concurrency: 'queue',
          executorId: 'bench',
          firstSegment: segment,
          maxPending: 1e6,
        }),
      ),
    )
  }
  let lost = 0
  const before = performance.now()
  await Promise.all(
    storages.map(async ({ runs }, own) => {
      for (;;) {
        const found = await runs[find](`exe_${own}`, [{ kind: 'agent', id: 'bench' }], BATCH, at)
        if (found.length === 0) return
        const begun = await Promise.all(found.map(({ head }) => runs.begin(head.runId, `exe_${own}`, segment, at)))
        lost += begun.filter((isOurs) => !isOurs).length
      }
    }),
  )
  const seconds = (performance.now() - before) / 1000
  await Promise.all(storages.map((storage) => storage.close()))
  return { rate: BACKLOG / seconds, lost }
}

/** How long an event takes from its making in one process until a reader in another one sees it. */
export async function eventDelays(): Promise<void> {
  await onPostgres(async (newDatabase) => {
    const bare = await notifyDelays(await newDatabase())
    show('bare NOTIFY, seen by another connection', spread(bare))
    for (const dialect of ['SQLite', 'PostgreSQL'] as const) {
      const directory = await mkdtemp(join(tmpdir(), 'agentos-bench-'))
      const settings = dialect === 'SQLite' ? [] : [await newDatabase()]
      {
        await using one = await startServerIn(directory, 'node', ...settings)
        await using other = await startServerIn(directory, 'node', ...settings)
        const [delays] = await Promise.all([other.ask<number[]>('delays'), one.ask('tick')])
        show(
          `event of another process on ${dialect}`,
          spread(delays),
          `over NOTIFY ${ratio(median(delays), median(bare))}, p99 ${ratio(p99(delays), p99(bare))}`,
        )
      }
      await rm(directory, { recursive: true, force: true })
    }
  })
}

async function notifyDelays(url: string): Promise<number[]> {
  const [sender, listener] = [new Client({ connectionString: url }), new Client({ connectionString: url })]
  await Promise.all([sender.connect(), listener.connect()])
  await listener.query('LISTEN bench')
  const delays: number[] = []
  listener.on('notification', ({ payload }) => delays.push(performance.now() - Number(payload)))
  for (let sent = 0; sent < 500; sent++) {
    await sender.query('SELECT pg_notify($1, $2)', ['bench', String(performance.now())])
    await sleep(5)
  }
  await Promise.all([sender.end(), listener.end()])
  return delays
}

function p99(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length * 0.99)]!
}

function spread(delays: readonly number[]): string {
  return `median ${round(median(delays), 2)} ms, p99 ${round(p99(delays), 2)} ms of ${delays.length}`
}
