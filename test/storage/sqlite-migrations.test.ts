import { MikroORM } from '@mikro-orm/core'
import { describe, expect, it } from 'vitest'
import { sqlite } from 'agentos-sdk/storage'
import { fullCaller } from '../../src/core/caller.js'
import { UnavailableError } from '../../src/core/errors.js'
import { entities } from '../../src/storage/mikro-orm/entities.js'
import { migrate } from '../../src/storage/mikro-orm/migrate.js'
import { compareVersions } from '../../src/database/schema-version.js'
import { ImmediateSqliteDriver } from '../../src/storage/mikro-orm/sqlite/driver.js'
import { migrationTarget, schemaVersion } from '../../src/storage/mikro-orm/sqlite/migration-target.js'
import { sqliteMigrations } from '../../src/storage/mikro-orm/sqlite/migrations/index.js'
import { unit } from '../../src/testing/storage-cases/case.js'
import { openInside, temporaryPath } from './support/temporary.js'

const current = sqliteMigrations.at(-1)!.version

/** A database that says it has this version. */
async function databaseOf(version: string): Promise<string> {
  const path = temporaryPath()
  const storage = sqlite(path)
  await storage.runs.accept(fullCaller, unit())
  await storage.close()
  await setVersion(path, version)
  return path
}

async function setVersion(path: string, version: string): Promise<void> {
  const orm = new MikroORM({ driver: ImmediateSqliteDriver, dbName: path, entities })
  await orm.connect()
  await orm.driver.execute('UPDATE agentos_schema_version SET version = ?', [version])
  await orm.close(true)
}

describe('the schema of SQLite', () => {
  it('has versions that rise', () => {
    const versions = sqliteMigrations.map(({ version }) => version)
    expect(versions.toSorted(compareVersions)).toEqual(versions)
    expect(compareVersions('1.10.0', '1.9.3')).toBeGreaterThan(0)
    expect(compareVersions('2.0.0', '2.0.0')).toBe(0)
  })

  it('is made by the first use, and only checked where asked', async () => {
    const path = temporaryPath()
    const checking = sqlite(path, { migrate: 'check' })
    await expect(checking.runs.active('ses_1')).rejects.toThrow(/has no schema of agentos-sdk yet/)
    const storage = sqlite(path)
    expect(await storage.check()).toEqual({ ready: true })
    expect(await checking.check()).toEqual({ ready: true })
    await Promise.all([storage.close(), checking.close()])
    const again = sqlite(path, { migrate: 'check' })
    expect(await again.check()).toEqual({ ready: true })
    await again.close()
  })

  it('is refused when it is a major version ahead, until it is not any more', async () => {
    const path = await databaseOf('2.0.0')
    const storage = sqlite(path)
    const refused = storage.runs.active('ses_1')
    await expect(refused).rejects.toBeInstanceOf(UnavailableError)
    await expect(refused).rejects.toThrow(`The database has schema 2.0.0`)
    expect(await storage.check()).toMatchObject({ ready: false, reason: expect.stringContaining('2.0.0') })
    await setVersion(path, current)
    expect(await storage.runs.active('ses_1')).toHaveLength(1)
    await storage.close()
  })

  it('is watched by check() while it is in use', async () => {
    const path = temporaryPath()
    const storage = sqlite(path)
    expect(await storage.check()).toEqual({ ready: true })
    await setVersion(path, '3.0.0')
    expect(await storage.check()).toMatchObject({ ready: false, reason: expect.stringContaining('3.0.0') })
    await setVersion(path, current)
    expect(await storage.check()).toEqual({ ready: true })
    await storage.close()
  })

  it('is taken as it is when it is a minor version ahead', async () => {
    const path = await databaseOf('1.99.0')
    const storage = sqlite(path)
    expect(await storage.runs.active('ses_1')).toHaveLength(1)
    await storage.close()
    const { database } = await openInside({ path })
    expect(schemaVersion(database.reader)).toBe('1.99.0')
  })

  it('leaves it to another process that was faster, and newer', async () => {
    const { database } = await openInside()
    const target = migrationTarget(database)
    const answers = ['0.9.0', '1.99.0']
    let versionsSet = 0
    const raced = {
      ...target,
      version: () => Promise.resolve(answers.shift()),
      setVersion: () => Promise.resolve(void versionsSet++),
    }
    await migrate(raced, 'auto')
    expect([answers, versionsSet]).toEqual([[], 0])
  })

  it('is the one that the entities describe', async () => {
    const { database } = await openInside()
    const described = new Map(
      [...database.orm.getMetadata().getAll().values()]
        .filter(({ tableName }) => tableName.startsWith('agentos_'))
        .map(({ tableName, props }) => [tableName, props.flatMap(({ fieldNames }) => fieldNames).toSorted()]),
    )
    expect(described.size).toBe(14)
    for (const [table, columns] of described) {
      const real = database.writer.pragma(`table_info(${table})`) as { name: string }[]
      expect(real.map(({ name }) => name).toSorted(), table).toEqual(columns)
      const indexes = database.writer.pragma(`index_list(${table})`) as { name: string; origin: string }[]
      const meta = [...database.orm.getMetadata().getAll().values()].find(({ tableName }) => tableName === table)!
      const named = [
        ...[...meta.indexes, ...meta.uniques].map(({ name }) => String(name)),
        ...meta.props.flatMap(({ unique }) => (typeof unique === 'string' ? [unique] : [])),
      ]
      const made = indexes.filter(({ origin }) => origin === 'c').map(({ name }) => name)
      expect(made.toSorted(), table).toEqual(named.toSorted())
    }
  })
})
