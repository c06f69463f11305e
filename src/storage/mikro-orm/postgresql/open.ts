import { MikroORM } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { AgentOSError } from '../../../core/errors.js'
import type { OpenStorage, Repositories } from '../../open-storage.js'
import { MikroOrmApprovalRepository } from '../approval-repository.js'
import { entities } from '../entities.js'
import { databaseUnavailable } from '../failure.js'
import { MIGRATIONS_TABLE } from '../migrate.js'
import { MikroOrmRetentionRepository } from '../retention-repository.js'
import { Schema } from '../schema.js'
import { MikroOrmServiceAccountRepository } from '../service-account-repository.js'
import { MikroOrmSessionRepository } from '../session-repository.js'
import { MikroOrmWebhookRepository } from '../webhook-repository.js'
import { PostgresDatabase } from './database.js'
import { NulFreePostgresDriver } from './driver.js'
import { retried } from './faults.js'
import { PostgresMediaRepository } from './media-repository.js'
import { migrationTarget } from './migration-target.js'
import { postgresMigrations } from './migrations/index.js'
import { send, type NativePool } from './native.js'
import { NotifyLink } from './notify-link.js'
import { PostgresRateLimiter } from './rate-limiter.js'
import { PostgresRunRepository } from './run-repository.js'
import { withClient } from './with-client.js'

export interface OpenOptions {
  url: string
  schema: string
  poolSize: number
  connectTimeoutMs: number
  statementTimeoutMs: number
}

/** Whoever holds locks for longer without a word is frozen or cut off: nobody's code runs inside of a transaction. */
const IDLE_IN_TRANSACTION_MS = 5_000
/** A row is locked for as long as a group is written. */
const LOCK_TIMEOUT_MS = 5_000
const INT8 = 20

/**
 * Opens a PostgreSQL database as a storage; its schema may be any.
 *
 * @throws UnavailableError `DATABASE_UNAVAILABLE` when the server can't be reached or lets nobody in.
 */
export async function openPostgres(options: OpenOptions): Promise<OpenStorage> {
  return storageOn(await openDatabase(options), options.schema)
}

/** Connects. Throws as {@link openPostgres} does. */
export async function openDatabase(options: OpenOptions): Promise<PostgresDatabase> {
  const { url, schema, poolSize, statementTimeoutMs } = options
  const orm = new MikroORM<NulFreePostgresDriver>({
    driver: NulFreePostgresDriver,
    clientUrl: url,
    schema,
    driverOptions: {
      connectionString: url,
      // One more, for LISTEN.
      max: poolSize + 1,
      connectionTimeoutMillis: options.connectTimeoutMs,
      idleTimeoutMillis: 30_000,
      allowExitOnIdle: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      // Several statements of a group are on their way at once.
      pipeline: true,
      options: `-c search_path=${schema}`,
      statement_timeout: statementTimeoutMs,
      // The server ends a statement in time; this is for one that does not answer any more.
      query_timeout: statementTimeoutMs + 2_000,
      lock_timeout: LOCK_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      onPoolCreated: ({ options: { types } }: NativePool) => types?.setTypeParser(INT8, Number),
    },
    entities,
    extensions: [Migrator],
    migrations: {
      tableName: MIGRATIONS_TABLE,
      migrationsList: postgresMigrations.map(({ name, class: migration }) => ({ name, class: migration })),
      snapshot: false,
      silent: true,
    },
    debug: false,
    // What matters is thrown; the host's console is not ours.
    logger: () => undefined,
  })
  try {
    await orm.connect()
    const pool = (await orm.driver.getConnection().getNativeClient()) as unknown as NativePool
    await retried(() => withClient(pool, (client) => send(client, { text: 'SELECT 1' }, [])))
    return new PostgresDatabase(orm, pool, schema)
  } catch (error) {
    await orm.close(true)
    if (error instanceof AgentOSError) throw error
    throw databaseUnavailable(error)
  }
}

/** The storage on an open database. */
export function storageOn(database: PostgresDatabase, name: string): OpenStorage {
  const { wakeUps } = database
  const schema = new Schema(migrationTarget(database, name))
  let link: NotifyLink | undefined
  return {
    ...repositoriesOn(database),
    rateLimiter: new PostgresRateLimiter(database),
    schema: {
      versions: () => schema.versions(),
      version: () => schema.version(),
      preview: (order) => schema.preview(order),
      migrate: async (order, options) => {
        const plan = await schema.migrate(order, options)
        await (plan.to === undefined ? wakeUps.drop() : wakeUps.ready('auto'))
        return plan
      },
    },
    get isReady() {
      return schema.isReady && wakeUps.isReady
    },
    ready: async (mode) => {
      await schema.ready(mode)
      await wakeUps.ready(mode)
    },
    check: () => schema.check(),
    // A commit waits for the disk of the server, unless whoever runs it has told it not to.
    makeDurable: () => undefined,
    linkTo: (bus) => (link = new NotifyLink(database.pool, `agentos_${name}`, bus)),
    close: async () => {
      await link?.close()
      await database.close()
    },
  }
}

function repositoriesOn(database: PostgresDatabase): Repositories {
  return {
    runs: new PostgresRunRepository(database),
    sessions: new MikroOrmSessionRepository(database),
    media: new PostgresMediaRepository(database),
    approvals: new MikroOrmApprovalRepository(database),
    webhooks: new MikroOrmWebhookRepository(database),
    serviceAccounts: new MikroOrmServiceAccountRepository(database),
    retention: new MikroOrmRetentionRepository(database),
  }
}
