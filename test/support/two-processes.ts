import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { sqlite } from 'agentos-sdk/storage'
import type { Storage } from 'agentos-sdk'

/** A directory that is gone when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'agentos-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }))
  return directory
}

/** Handles on one database, as several processes would have them. */
export function sharedStorage(): () => Storage {
  const path = join(temporaryDirectory(), 'shared.db')
  return () => sqlite(path)
}
