import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { sqlite } from 'agentos-sdk/storage'
import { fullCaller } from '../../src/core/caller.js'
import { ConflictError, ConfigurationError, UnavailableError } from '../../src/core/errors.js'
import type { OpenStorage } from '../../src/storage/open-storage.js'
import { SharedDatabase } from '../../src/storage/shared-database.js'
import { session, unit } from '../../src/testing/storage-cases/case.js'
import { openInside, temporaryFolder, temporaryPath } from './support/temporary.js'

afterEach(() => vi.resetModules())

describe('sqlite()', () => {
  it('opens nothing before its first use', async () => {
    const path = temporaryPath()
    const storage = sqlite(path)
    expect(storage).toMatchObject({ id: 'agentos-db', tables: { sessions: 'agentos_sessions' } })
    expect(sqlite(path, { id: 'mine' }).id).toBe('mine')
    expect(existsSync(path)).toBe(false)
    expect(await storage.check()).toEqual({ ready: true })
    expect(existsSync(path)).toBe(true)
    await storage.close()
  })

  it('shares one database and one bus among all handles on a file', async () => {
    const path = temporaryPath()
    symlinkSync(dirname(path), `${dirname(path)}-link`)
    const paths = [path, relative(process.cwd(), path), join(`${dirname(path)}-link`, 'agentos.db')]
    const [first, ...others] = paths.map((one) => sqlite(one))
    await first!.runs.accept(fullCaller, unit())
    for (const other of others) {
      expect(other.events).toBe(first!.events)
      expect((await other.runs.active('ses_1')).length).toBe(1)
    }
    await first!.close()
    for (const other of others) {
      expect((await other.runs.active('ses_1')).length).toBe(1)
      expect(existsSync(`${path}-wal`)).toBe(true)
      await other.close()
    }
    expect(existsSync(`${path}-wal`)).toBe(false)
    rmSync(`${dirname(path)}-link`)
  })

  it('shares them among two copies of the library, each with its own errors', async () => {
    const path = temporaryPath()
    const storage = sqlite(path)
    await storage.sessions.create(session())
    vi.resetModules()
    const { sqlite: otherSqlite } = await import('agentos-sdk/storage')
    const { ConflictError: OtherConflictError } = await import('../../src/core/errors.js')
    expect(OtherConflictError).not.toBe(ConflictError)
    const other = otherSqlite(path)
    expect(other.events).toBe(storage.events)
    await expect(other.sessions.create(session())).rejects.toBeInstanceOf(OtherConflictError)
    await expect(storage.sessions.create(session())).rejects.toBeInstanceOf(ConflictError)
    await Promise.all([storage.close(), other.close()])
  })

  it('keeps every database in memory to itself', async () => {
    const [one, other] = [sqlite(':memory:'), sqlite(':memory:')]
    await one.sessions.create(session())
    expect(await other.sessions.get(fullCaller, 'ses_1')).toBe(undefined)
    expect(one.events).not.toBe(other.events)
    await Promise.all([one.close(), other.close()])
  })

  it('finishes what is under way when it is closed, and refuses what comes after', async () => {
    const path = temporaryPath()
    const storage = sqlite(path)
    const accepting = Array.from({ length: 20 }, () => storage.runs.accept(fullCaller, unit()))
    const creating = storage.sessions.create(session({ sessionId: 'ses_2' }))
    const closing = storage.close()
    await expect(storage.runs.active('ses_1')).rejects.toMatchObject({ code: 'SHUTTING_DOWN', status: 503 })
    expect(() => storage.events).toThrow(UnavailableError)
    expect(await storage.check()).toMatchObject({ ready: false })
    await Promise.all([...accepting, creating, closing, storage.close()])
    const again = sqlite(path)
    expect((await again.runs.active('ses_1')).length).toBe(20)
    expect(await again.sessions.get(fullCaller, 'ses_2')).toBeDefined()
    await again.close()
  })

  it('opens again while the last handle is closing', async () => {
    const path = temporaryPath()
    for (let round = 0; round < 5; round++) {
      const storage = sqlite(path)
      await storage.runs.accept(fullCaller, unit())
      void storage.close()
    }
    const storage = sqlite(path)
    expect((await storage.runs.active('ses_1')).length).toBe(5)
    await storage.close()
  })

  it('never has one database open twice', async () => {
    const steps: string[] = []
    const open = (name: string) => async () => {
      steps.push(`open ${name}`)
      const close = async () => {
        await new Promise((resolve) => setTimeout(resolve, 10))
        steps.push(`closed ${name}`)
      }
      return { close } as OpenStorage
    }
    const first = SharedDatabase.acquire('test')
    await first.open(open('first'))
    const releasing = first.release()
    const second = SharedDatabase.acquire('test')
    await second.open(open('second'))
    expect(steps).toEqual(['open first', 'closed first', 'open second'])
    await Promise.all([releasing, second.release()])
  })

  it('says clearly that a file can not be opened, and tries again with the next use', async () => {
    const folder = join(temporaryFolder(), 'missing')
    const storage = sqlite(join(folder, 'agentos.db'))
    const refused = await storage.runs.active('ses_1').catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(UnavailableError)
    expect(refused).toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: 'The database does not answer. Try again later.',
      cause: { message: expect.stringContaining('directory does not exist') },
    })
    expect(await storage.check()).toEqual({ ready: false, reason: 'The database does not answer. Try again later.' })
    mkdirSync(folder)
    expect(await storage.check()).toEqual({ ready: true })
    await storage.close()
  })

  it('says clearly that a file is no database', async () => {
    const path = temporaryPath()
    writeFileSync(path, 'This is a diary, and no database. '.repeat(100))
    const storage = sqlite(path)
    await expect(storage.runs.active('ses_1')).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    await storage.close()
    expect(() => sqlite('')).toThrow(ConfigurationError)
  })

  it('is as safe against a loss of power as the strictest of its handles asks', async () => {
    const { database, makeDurable } = await openInside()
    expect(database.writer.pragma('synchronous', { simple: true })).toBe(1)
    makeDurable()
    expect(database.writer.pragma('synchronous', { simple: true })).toBe(2)
    const { database: full } = await openInside({ synchronous: 'full' })
    expect(full.writer.pragma('synchronous', { simple: true })).toBe(2)
  })
})
