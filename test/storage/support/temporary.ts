import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openDatabase, storageOn, type OpenOptions } from '../../../src/storage/mikro-orm/sqlite/open.js'

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'agentos-storage-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The path of a database that is not there yet. */
export function temporaryPath(): string {
  return join(temporaryFolder(), 'agentos.db')
}

/** An open database with its insides, and the storage on it. */
export async function openInside(options: Partial<OpenOptions> = {}) {
  const database = await openDatabase({ path: temporaryPath(), synchronous: 'normal', ...options })
  onTestFinished(() => database.close())
  const storage = storageOn(database)
  await storage.ready('auto')
  return { database, ...storage }
}
