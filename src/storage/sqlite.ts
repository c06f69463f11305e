import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { ConfigurationError } from '../core/errors.js'
import { loadDriver } from './load-driver.js'
import { StorageHandle } from './storage-handle.js'
import type { Storage } from './storage.js'

export interface SqliteOptions {
  /** The database's id in the API. Default `agentos-db`. */
  id?: string
  /**
   * What a loss of power may take along. `normal` (the default): the last moments before it; never what was answered
   * when only the process dies. `full`: nothing, at the price of one disk sync per commit.
   */
  synchronous?: 'normal' | 'full'
  /** `auto` (the default) brings an older schema up to date on first use; `check` refuses to work on it. */
  migrate?: 'auto' | 'check'
}

/**
 * Keeps everything in one SQLite file, or in memory with `:memory:`. Making it opens nothing; the first use does, and
 * loads the driver. Any number of them may be made for one file: in one process they share one open database.
 *
 * @example
 * ```ts
 * const storage = sqlite('agentos.db')
 * ```
 */
export function sqlite(path: string, options: SqliteOptions = {}): Storage {
  const { id = 'agentos-db', synchronous = 'normal', migrate = 'auto' } = options
  if (path === '') throw new ConfigurationError('sqlite() needs the path of a file, or ":memory:".')
  const isMemory = path === ':memory:'
  const place = isMemory ? path : absolute(path)
  return new StorageHandle({
    id,
    key: isMemory ? undefined : `sqlite:${place}`,
    isDurable: synchronous === 'full',
    migrate,
    open: async () => {
      const driver = await loadDriver('sqlite()', 'SQLite', () => import('./mikro-orm/sqlite/open.js'))
      return driver.openSqlite({ path: place, synchronous })
    },
  })
}

/** One name for a file, whichever way it is reached. */
function absolute(path: string): string {
  const full = resolve(path)
  try {
    return realpathSync(full)
  } catch {
    // The file is not there yet; its folder may be, behind a link.
  }
  try {
    return join(realpathSync(dirname(full)), basename(full))
  } catch {
    return full
  }
}
