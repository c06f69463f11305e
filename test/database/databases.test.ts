import { expect, describe, it, onTestFinished } from 'vitest'
import { Agent, AgentOS, ConfigurationError } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import type { SqliteOptions } from 'agentos-sdk/storage'
import { silentLogger } from '../../src/core/logger.js'
import { sqliteMigrations } from '../../src/storage/mikro-orm/sqlite/migrations/index.js'
import { until } from '../support/agent-os.js'
import { temporaryPath } from '../storage/support/temporary.js'

const known = sqliteMigrations.map(({ version }) => version)
const latest = known.at(-1)!
const [first, second] = known as [string, string]

function serve(path = temporaryPath(), options: SqliteOptions = {}, further: AgentOS['databases']['ids'] = []) {
  const agentOS = new AgentOS({
    agents: [new Agent({ id: 'my-agent', model: scripted('Hello!') })],
    storage: sqlite(path, options),
    databases: further.map((id) => sqlite(temporaryPath(), { id })),
    logger: silentLogger,
  })
  onTestFinished(() => agentOS.stop())
  const ask = async (line: string, body?: unknown) => {
    const [method, target] = line.split(' ')
    const response = await agentOS.fetch(
      new Request(`http://host${target}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      }),
    )
    return { status: response.status, body: await response.json() }
  }
  return { agentOS, ask, path }
}

describe('agentOS.database', () => {
  it('tells the version of the schema, and brings it to any that this code knows', async () => {
    const { agentOS } = serve()
    const { database } = agentOS
    expect(await database.version()).toBe(undefined)
    expect(await database.status()).toMatchObject({
      dbId: 'agentos-db',
      version: null,
      state: 'empty',
      versions: known,
    })
    expect(await database.migrate({ to: first })).toMatchObject({
      fromVersion: null,
      toVersion: first,
      applied: [first],
    })
    expect(await database.status()).toMatchObject({ version: first, latestVersion: latest, state: 'behind' })
    const up = await database.migrate()
    expect(up).toMatchObject({ fromVersion: first, toVersion: latest, applied: known.slice(1), dryRun: false })
    expect(await database.migrate()).toMatchObject({ applied: [], message: expect.stringContaining('already') })
    const down = await database.migrate({ to: first, allowDowngrade: true })
    expect(down).toMatchObject({ fromVersion: latest, toVersion: first, applied: known.slice(1).toReversed() })
    expect(await database.version()).toBe(first)
  })

  it('says what it would do, with the statements, and does not do it', async () => {
    const { agentOS } = serve()
    const { database } = agentOS
    await database.migrate({ to: first })
    const { steps, ...plan } = await database.migrate({ dryRun: true })
    expect(plan).toMatchObject({ dryRun: true, applied: known.slice(1), message: expect.stringContaining('would be') })
    expect(steps!.map(({ version }) => version)).toEqual(known.slice(1))
    expect(steps![0]!.statements[0]).toContain('CREATE TABLE agentos_approvals')
    expect(await database.version()).toBe(first)
    await database.migrate()
    const down = await database.migrate({ to: first, allowDowngrade: true, dryRun: true })
    expect(down.steps!.at(-1)).toMatchObject({
      version: second,
      statements: expect.arrayContaining(['DROP TABLE agentos_approvals']),
    })
    expect(await database.version()).toBe(latest)
  })

  it('goes down only where that was allowed, and to no version that it does not know', async () => {
    const { agentOS } = serve()
    const { database } = agentOS
    await database.migrate()
    await expect(database.migrate({ to: first })).rejects.toMatchObject({ code: 'DOWNGRADE_NOT_ALLOWED', status: 409 })
    for (const to of ['0.0.1', 'nonsense', '']) {
      const refused = database.migrate({ to, allowDowngrade: true })
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_VERSION', message: expect.stringContaining(latest) })
    }
    expect(await database.version()).toBe(latest)
  })

  it('is migrated once, however many ask at once', async () => {
    const { agentOS } = serve()
    const all = await Promise.all(Array.from({ length: 10 }, () => agentOS.database.migrate()))
    expect(all.map(({ applied }) => applied.length).filter((count) => count > 0)).toEqual([known.length])
  })
})

describe('a schema that is not one for this code', () => {
  it('is not worked on, which every request says, until it is migrated', async () => {
    const { agentOS, ask } = serve()
    expect((await ask('POST /agents/my-agent/runs', { message: 'Hi', session_id: 's' })).status).toBe(200)
    await agentOS.database.migrate({ to: first, allowDowngrade: true })
    const notReady = {
      status: 503,
      body: { error_code: 'NOT_READY', detail: expect.stringContaining(`schema ${first}`) },
    }
    expect(await ask('GET /sessions')).toMatchObject(notReady)
    expect(await ask('POST /agents/my-agent/runs', { message: 'Hi' })).toMatchObject(notReady)
    expect(await ask('GET /health?ready=true')).toMatchObject({ status: 503, body: { error_code: 'NOT_READY' } })
    expect((await ask('GET /health')).status).toBe(200)
    expect((await ask('GET /databases')).body.data[0]).toMatchObject({ version: first, state: 'behind' })
    expect((await ask('POST /databases/agentos-db/migrate')).status).toBe(200)
    expect((await ask('GET /health?ready=true')).status).toBe(200)
    expect((await ask('GET /sessions/s')).body.chat_history).toHaveLength(2)
  })

  it('is noticed too when another process has changed it', async () => {
    const { ask, path } = serve()
    expect((await ask('GET /approvals')).status).toBe(200)
    const other = serve(path)
    // Not through the handle that both share.
    await migratedByOthers(path, first)
    expect(await ask('GET /approvals')).toMatchObject({ status: 503, body: { error_code: 'NOT_READY' } })
    expect(await other.ask('GET /health?ready=true')).toMatchObject({ status: 503 })
    await migratedByOthers(path, latest)
    expect((await ask('GET /approvals')).status).toBe(200)
  })

  it('lets nothing through that has been under way', async () => {
    const { agentOS, ask } = serve()
    await ask('GET /sessions')
    const asked = Array.from({ length: 20 }, () => ask('POST /agents/my-agent/runs', { message: 'Hi' }))
    const down = agentOS.database.migrate({ to: first, allowDowngrade: true })
    for (const { status, body } of await Promise.all(asked)) {
      expect([200, 503]).toContain(status)
      expect(status === 503 ? body.error_code : body.status).toMatch(/^(NOT_READY|completed)$/i)
    }
    await down
  })

  it('is migrated by request where the storage may only check', async () => {
    const { ask } = serve(temporaryPath(), { migrate: 'check' })
    expect(await ask('GET /sessions')).toMatchObject({ status: 503, body: { error_code: 'NOT_READY' } })
    expect((await ask('POST /databases/agentos-db/migrate', { target_version: null })).body.to_version).toBe(latest)
    expect((await ask('GET /sessions')).status).toBe(200)
  })
})

/** As another process does it: on a connection of its own. */
async function migratedByOthers(path: string, to: string): Promise<void> {
  const { openSqlite } = await import('../../src/storage/mikro-orm/sqlite/open.js')
  const open = await openSqlite({ path, synchronous: 'normal' })
  await open.schema.migrate({ to, allowDowngrade: true }, { wait: true })
  await open.close()
}

describe('POST /databases/{db_id}/migrate', () => {
  it('takes the version from the query or from the body, and not two different ones', async () => {
    const { agentOS, ask } = serve()
    await agentOS.database.migrate()
    const toFirst = await ask(`POST /databases/agentos-db/migrate?target_version=${first}&allow_downgrade=true`)
    expect(toFirst.body).toEqual({
      message: `Database "agentos-db" was migrated from ${latest} to ${first}.`,
      db_id: 'agentos-db',
      from_version: latest,
      to_version: first,
      applied: known.slice(1).toReversed(),
      dry_run: false,
    })
    const both = await ask(`POST /databases/agentos-db/migrate?target_version=${second}`, { target_version: second })
    expect(both.body.applied).toEqual([second])
    const refused = await ask(`POST /databases/agentos-db/migrate?target_version=${first}`, { target_version: second })
    expect(refused).toMatchObject({
      status: 422,
      body: { error_code: 'VALIDATION_ERROR', errors: [{ path: 'target_version' }] },
    })
    const down = await ask('POST /databases/agentos-db/migrate', { target_version: first })
    expect(down).toMatchObject({ status: 409, body: { error_code: 'DOWNGRADE_NOT_ALLOWED' } })
    const looked = await ask('POST /databases/agentos-db/migrate?dry_run=true&allow_downgrade=1', {
      target_version: first,
    })
    expect(looked.body).toMatchObject({ dry_run: true, from_version: second, applied: [second] })
    const allowed = await ask('POST /databases/agentos-db/migrate', { target_version: first, allow_downgrade: true })
    expect(allowed.body).toMatchObject({ to_version: first, applied: [second] })
  })

  it('refuses what it does not know: a database, a version, a field', async () => {
    const { ask } = serve()
    expect(await ask('POST /databases/other/migrate')).toMatchObject({
      status: 404,
      body: { error_code: 'DATABASE_NOT_FOUND' },
    })
    const version = await ask('POST /databases/agentos-db/migrate', { target_version: '9.9.9' })
    expect(version).toMatchObject({
      status: 422,
      body: { error_code: 'INVALID_VERSION', detail: expect.stringContaining(known.join(', ')) },
    })
    expect((await ask('POST /databases/agentos-db/migrate', { target_verison: first })).status).toBe(422)
    expect((await ask('POST /databases/agentos-db/migrate?target=1.0.0')).status).toBe(422)
  })

  it('is refused while another process has the database, and waits for nobody', async () => {
    const { agentOS, ask, path } = serve()
    await agentOS.database.migrate({ to: first })
    const { openDatabase } = await import('../../src/storage/mikro-orm/sqlite/open.js')
    const other = await openDatabase({ path, synchronous: 'normal' })
    onTestFinished(() => other.close())
    other.writer.exec('BEGIN IMMEDIATE')
    const refused = await ask('POST /databases/agentos-db/migrate')
    expect(refused).toMatchObject({ status: 409, body: { error_code: 'MIGRATION_IN_PROGRESS' } })
    const waiting = agentOS.database.migrate()
    const alsoRefused = await ask('POST /databases/agentos-db/migrate')
    expect(alsoRefused).toMatchObject({ status: 409, body: { error_code: 'MIGRATION_IN_PROGRESS' } })
    other.writer.exec('COMMIT')
    expect(await waiting).toMatchObject({ applied: known.slice(1) })
  })
})

describe('several databases', () => {
  it('are listed, asked whether they are ready, and migrated together', async () => {
    const { agentOS, ask } = serve(temporaryPath(), {}, ['archive', 'zoo'])
    expect(agentOS.databases.ids).toEqual(['agentos-db', 'archive', 'zoo'])
    expect((await ask('GET /config')).body).toMatchObject({
      os_database: 'agentos-db',
      databases: agentOS.databases.ids,
    })
    const { body } = await ask('POST /databases/all/migrate')
    expect(body.failed).toBe(undefined)
    expect(Object.keys(body.results)).toEqual(agentOS.databases.ids)
    expect(body.results.zoo).toMatchObject({ db_id: 'zoo', applied: known })
    const list = (await ask('GET /databases')).body
    expect(list.meta.total_count).toBe(3)
    expect(list.data.every(({ state }: { state: string }) => state === 'ready')).toBe(true)
    await agentOS.databases.migrate('zoo', { to: first, allowDowngrade: true })
    expect((await ask('GET /health?ready=true')).status).toBe(503)
    // The others are not held up by it.
    expect((await ask('GET /sessions')).status).toBe(200)
  })

  it('are migrated as far as that goes: one that fails does not stop the others', async () => {
    const { agentOS, ask } = serve(temporaryPath(), {}, ['broken'])
    await agentOS.database.migrate({ to: first })
    await agentOS.databases.migrate('broken')
    const { status, body } = await ask('POST /databases/all/migrate', { target_version: first })
    expect(status).toBe(207)
    expect(body).toMatchObject({
      failed: { broken: 'DOWNGRADE_NOT_ALLOWED' },
      results: { 'agentos-db': { applied: [] } },
    })
    expect(await ask('POST /databases/all/migrate', { target_version: 'x' })).toMatchObject({
      status: 422,
      body: { error_code: 'INVALID_VERSION' },
    })
  })

  it('say which one does not answer, and nothing of the driver', async () => {
    const { ask } = serve('/nowhere/at/all.db')
    expect((await ask('GET /databases')).body.data[0]).toEqual({
      db_id: 'agentos-db',
      version: null,
      latest_version: null,
      versions: [],
      state: 'unreachable',
    })
    expect(await ask('POST /databases/agentos-db/migrate')).toMatchObject({
      status: 503,
      body: { error_code: 'DATABASE_UNAVAILABLE' },
    })
  })

  it('have an id each', () => {
    const wrong =
      (...ids: string[]) =>
      () =>
        new AgentOS({ agents: [], storage: sqlite(':memory:'), databases: ids.map((id) => sqlite(':memory:', { id })) })
    expect(wrong('agentos-db')).toThrow(ConfigurationError)
    expect(wrong('all')).toThrow(/that means every one/)
  })
})

describe('a running server', () => {
  it('goes on with its runs after its database has been away for a migration', async () => {
    const { agentOS } = serve()
    await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    await agentOS.database.migrate({ to: first, allowDowngrade: true })
    await expect(agentOS.runs.start({ agentId: 'my-agent', message: 'Hi' })).rejects.toMatchObject({
      code: 'NOT_READY',
    })
    await agentOS.database.migrate()
    const { runId } = await agentOS.runs.start({ agentId: 'my-agent', message: 'Hi' })
    await until(async () => (await agentOS.runs.get(runId)).status === 'completed')
  })
})
