import { describe, expect, it } from 'vitest'
import { fullCaller } from '../../src/core/caller.js'
import { SessionEntity } from '../../src/storage/mikro-orm/session.entity.js'
import type { NativeDatabase } from '../../src/storage/mikro-orm/sqlite/native.js'
import { ending, session, T0, unit } from '../../src/testing/storage-cases/case.js'
import { openInside, temporaryPath } from './support/temporary.js'

/** Another connection stands for another process. Not of another copy of the driver: copies don't see each other's locks. */
function connect({ writer }: { writer: NativeDatabase }, path: string): NativeDatabase & { close(): void } {
  const Database = writer.constructor as new (path: string, options: object) => NativeDatabase & { close(): void }
  return new Database(path, { timeout: 0 })
}

const away = {
  status: 503,
  code: 'DATABASE_UNAVAILABLE',
  message: 'The database does not answer. Try again later.',
}

/** Holds an entity-manager transaction open that has inserted a session. */
async function holdTransaction({ database }: Awaited<ReturnType<typeof openInside>>) {
  let finish: (outcome: 'commit' | 'rollback') => void = () => undefined
  const finished = new Promise<'commit' | 'rollback'>((resolve) => (finish = resolve))
  let inserted: () => void = () => undefined
  const insertion = new Promise<void>((resolve) => (inserted = resolve))
  const transaction = database.transaction(async (em) => {
    await em.insert(SessionEntity, { sessionId: 'ses_held', type: 'agent', createdAt: T0, updatedAt: T0 })
    inserted()
    if ((await finished) === 'rollback') throw new Error('rolled back on purpose')
  })
  const settled = transaction.catch((error: unknown) => error)
  await insertion
  return { finish, settled }
}

describe('one connection that writes', () => {
  it('is set up for several processes and for integrity', async () => {
    const { database } = await openInside()
    const pragma = (name: string) => database.writer.pragma(name, { simple: true })
    expect([pragma('journal_mode'), pragma('foreign_keys'), pragma('busy_timeout')]).toEqual(['wal', 1, 5000])
    expect(() => database.reader.exec('DELETE FROM agentos_runs')).toThrow(/readonly/)
  })

  it('keeps other processes out from the beginning of a transaction, not from its first write on', async () => {
    const path = temporaryPath()
    const { database } = await openInside({ path })
    const other = connect(database, path)
    await database.transaction(async (em) => {
      await em.findOne(SessionEntity, { sessionId: 'ses_1' })
      expect(() => other.exec('BEGIN IMMEDIATE')).toThrow(/locked/)
    })
    other.exec('BEGIN IMMEDIATE')
    other.close()
  })

  it('reads only what is committed, without waiting, while a transaction is open', async () => {
    const storage = await openInside()
    const { finish, settled } = await holdTransaction(storage)
    expect(await storage.sessions.get(fullCaller, 'ses_held')).toBe(undefined)
    expect(await storage.runs.window('ses_held', 1, 1)).toBe(undefined)
    finish('commit')
    await settled
    expect(await storage.sessions.get(fullCaller, 'ses_held')).toBeDefined()
  })

  it('lets reads in memory wait until an open transaction has ended', async () => {
    const storage = await openInside({ path: ':memory:' })
    const { finish, settled } = await holdTransaction(storage)
    const reads = [storage.sessions.get(fullCaller, 'ses_held'), storage.runs.window('ses_held', 1, 1)]
    finish('rollback')
    await settled
    expect(await Promise.all(reads)).toEqual([undefined, undefined])
  })

  it.each(['file', ':memory:'])('loses no unit in the rollback of a transaction (%s)', async (place) => {
    const storage = await openInside(place === 'file' ? {} : { path: place })
    const { finish, settled } = await holdTransaction(storage)
    let isAccepted = false
    const accepting = storage.runs.accept(fullCaller, unit()).then(() => (isAccepted = true))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isAccepted).toBe(false)
    finish('rollback')
    expect(await settled).toMatchObject({ message: 'rolled back on purpose' })
    await accepting
    expect(await storage.runs.active('ses_1')).toHaveLength(1)
    expect(await storage.sessions.get(fullCaller, 'ses_held')).toBe(undefined)
  })
})

describe('a group commit', () => {
  it('rolls a unit back alone that fails in the middle', async () => {
    const { database, runs } = await openInside()
    const failing = database.write(() => {
      database.writer.exec("INSERT INTO agentos_media (hash, bytes) VALUES ('half', x'00')")
      database.writer.exec('INSERT INTO agentos_no_such_table VALUES (1)')
    })
    const results = await Promise.allSettled([
      runs.accept(fullCaller, unit()),
      failing,
      runs.accept(fullCaller, unit()),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await expect(failing).rejects.toMatchObject({ ...away, cause: { code: 'SQLITE_ERROR' } })
    expect(await runs.active('ses_1')).toHaveLength(2)
    expect(database.reader.prepare('SELECT count(*) AS n FROM agentos_media').get()).toEqual({ n: 0 })
  })

  it('tells the failure of a program as it is', async () => {
    const { database } = await openInside()
    const bug = new TypeError('a bug')
    const failing = database.write(() => {
      throw bug
    })
    await expect(failing).rejects.toBe(bug)
  })

  it('answers nobody when COMMIT fails, and works again afterwards', async () => {
    const { database, runs } = await openInside()
    const accepting = runs.accept(fullCaller, unit())
    const spoiling = database.write(() => database.writer.exec('ROLLBACK'))
    await expect(accepting).rejects.toMatchObject(away)
    await expect(spoiling).rejects.toMatchObject(away)
    expect(await runs.active('ses_1')).toEqual([])
    expect((await runs.accept(fullCaller, unit())).outcome).toBe('running')
  })

  it('says that the database is away while another process keeps it locked', async () => {
    const path = temporaryPath()
    const { runs, sessions, media, database } = await openInside({ path, busyTimeoutMs: 30 })
    const other = connect(database, path)
    other.exec('BEGIN IMMEDIATE')
    const accepting = unit()
    const writes = await Promise.allSettled([
      runs.accept(fullCaller, accepting),
      runs.append(ending('run_1')),
      sessions.create(session()),
      media.put('run_1', [{ hash: 'h', bytes: Uint8Array.of(1) }]),
    ])
    for (const write of writes) expect(write).toMatchObject({ status: 'rejected', reason: away })
    expect(await runs.active('ses_1')).toEqual([])
    other.exec('ROLLBACK')
    other.close()
    expect((await runs.accept(fullCaller, accepting)).outcome).toBe('running')
    expect(database.writer.inTransaction).toBe(false)
    await sessions.create(session({ sessionId: 'ses_2' }))
    expect(await sessions.get(fullCaller, 'ses_2')).toBeDefined()
  })
})
