import { ConfigurationError } from '../core/errors.js'
import { loadDriver } from './load-driver.js'
import { StorageHandle } from './storage-handle.js'
import type { Storage } from './storage.js'

export interface PostgresOptions {
  /** `postgresql://user:password@host:5432/database`, with what the `pg` driver takes as parameters (`sslmode=require`). */
  url: string
  /** The database's id in the API. Default `agentos-db`. */
  id?: string
  /** The schema that holds the tables, in lower case. Default `public`. Another one is made when it is not there. */
  schema?: string
  /**
   * Connections of this process, 2 to 200. Default 10. One more listens for messages of other processes. All processes
   * together must stay below `max_connections` of the server.
   */
  poolSize?: number
  /** How long it may take to get a connection, in milliseconds. Default 5,000. */
  connectTimeoutMs?: number
  /** How long one statement may take, in milliseconds. Default 30,000. Migrations take the time that they need. */
  statementTimeoutMs?: number
  /** `auto` (the default) brings an older schema up to date on first use; `check` refuses to work on it. */
  migrate?: 'auto' | 'check'
}

/**
 * Keeps everything in a PostgreSQL database, which any number of processes may use at once. Making it opens nothing;
 * the first use does, and loads the driver. Handles on one URL and schema in one process share their connections; the
 * first one's options count.
 *
 * @throws ConfigurationError when the URL or an option can't be right.
 * @example
 * ```ts
 * const storage = postgres('postgresql://app:secret@db.internal:5432/app')
 * ```
 */
export function postgres(url: string | PostgresOptions): Storage {
  const options = typeof url === 'string' ? { url } : url
  const { id = 'agentos-db', schema = 'public', migrate = 'auto' } = options
  const place = checkedUrl(options.url)
  if (!/^[a-z_][a-z0-9_]{0,50}$/.test(schema)) {
    throw new ConfigurationError(`postgres(): "${schema}" can't be the schema. Use lower-case letters, digits and "_".`)
  }
  const poolSize = whole('poolSize', options.poolSize ?? 10, 2, 200)
  const connectTimeoutMs = whole('connectTimeoutMs', options.connectTimeoutMs ?? 5_000, 1, 600_000)
  const statementTimeoutMs = whole('statementTimeoutMs', options.statementTimeoutMs ?? 30_000, 1, 3_600_000)
  return new StorageHandle({
    id,
    key: `postgres:${schema}:${place}`,
    isDurable: true,
    migrate,
    countsRates: true,
    open: async () => {
      const driver = await loadDriver('postgres()', 'PostgreSQL', () => import('./mikro-orm/postgresql/open.js'))
      return driver.openPostgres({ url: place, schema, poolSize, connectTimeoutMs, statementTimeoutMs })
    },
  })
}

/** The URL itself may hold a password, so that no message shows it. */
function checkedUrl(url: string): string {
  const isUrl = URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol)
  if (isUrl && new URL(url).pathname.length > 1) return url
  throw new ConfigurationError('postgres() needs a URL like "postgresql://user:password@host:5432/database".')
}

function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new ConfigurationError(`postgres(): ${name} must be a whole number from ${min} to ${max}, not ${value}.`)
}
