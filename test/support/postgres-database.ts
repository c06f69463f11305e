import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'

/** A database of its own on the server of this run. */
export interface TestDatabase extends AsyncDisposable {
  /** Another name for the same database: handles with different names share nothing, as those of two processes. */
  url(node?: string): string
  /** Runs SQL as another client would. */
  sql<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>
  /** Empties every table. */
  clear(): Promise<void>
}

export async function createDatabase(): Promise<TestDatabase> {
  const name = `agentos_test_${randomBytes(6).toString('hex')}`
  await withServer((client) => client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`))
  const url = new URL(inject('postgres').url)
  url.pathname = `/${name}`
  const client = new Client({ connectionString: url.href })
  await client.connect()
  return {
    url(node = 'node') {
      const named = new URL(url)
      named.searchParams.set('application_name', node)
      return named.href
    },
    async sql<Row extends object>(text: string, values: unknown[] = []) {
      return (await client.query<Row>(text, values)).rows
    },
    async clear() {
      const found = await client.query<{ tablename: string }>(
        `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'agentos_%'
          AND tablename NOT IN ('agentos_migrations', 'agentos_schema_version')`,
      )
      await client.query(found.rows.map(({ tablename }) => `DELETE FROM ${tablename}`).join(';'))
    },
    async [Symbol.asyncDispose]() {
      await client.end()
      await withServer((server) => server.query(`DROP DATABASE ${name} WITH (FORCE)`))
    },
  }
}

/** The server's version, and where it comes from. */
export async function serverName(): Promise<string> {
  const { url, origin } = inject('postgres')
  return withServer(async (client) => {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
    const { host } = new URL(url)
    return `PostgreSQL ${rows[0]!.server_version} at ${host}, ${origin}`
  })
}

async function withServer<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: inject('postgres').url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
