import { onTestFinished } from 'vitest'
import { openDatabase, storageOn } from '../../../src/storage/mikro-orm/postgresql/open.js'
import { createDatabase } from '../../support/postgres-database.js'

/** An open database of its own with its insides, and the storage on it. */
export async function openInsidePostgres() {
  const database = await createDatabase()
  onTestFinished(() => database[Symbol.asyncDispose]())
  const options = {
    url: database.url('inside'),
    schema: 'public',
    poolSize: 4,
    connectTimeoutMs: 5000,
    statementTimeoutMs: 30_000,
  }
  const inside = await openDatabase(options)
  onTestFinished(() => inside.close())
  const storage = storageOn(inside, 'public')
  await storage.ready('auto')
  return { database, inside, ...storage }
}
