import { z } from 'zod'
import { ValidationError } from '../core/errors.js'
import { PageMeta } from '../core/page.js'
import { DatabaseMigration, DatabasesMigration, DatabaseStatus } from '../database/migration.js'
import type { MigrateDatabase } from '../database/migration.js'
import { databaseListExample, migrateExample, migrationExample } from './database-examples.js'
import { queryBoolean } from './query.js'
import { reply } from './reply.js'
import { route } from './services.js'

const tags = ['Databases']

const version = () =>
  z
    .string()
    .max(100)
    .meta({ description: 'Default: the latest that this server knows.', examples: ['1.1.0'] })
const migrateQuery = z.strictObject({
  targetVersion: version().optional(),
  allowDowngrade: queryBoolean(false).meta({ description: 'Going down drops what only newer versions have.' }),
  dryRun: queryBoolean(false).meta({ description: 'Says what would be done, and does nothing.' }),
})
/** A field that is misspelled would silently migrate to the latest version: what is unknown is refused. */
const migrateBody = z.strictObject({
  targetVersion: version().nullish(),
  allowDowngrade: z.boolean().optional(),
  dryRun: z.boolean().optional(),
})

const errors = {
  409: ['DOWNGRADE_NOT_ALLOWED', 'MIGRATION_IN_PROGRESS'],
  422: ['INVALID_VERSION'],
  503: ['NOT_READY', 'DATABASE_UNAVAILABLE', 'SHUTTING_DOWN'],
}

const listDatabases = route({
  method: 'get',
  path: '/databases',
  operationId: 'list_databases',
  summary: 'List the databases',
  description: 'With the version of their schema, and how it stands to this server.',
  tags,
  scope: 'config:read',
  response: { 200: z.object({ data: z.array(DatabaseStatus), meta: PageMeta }).meta({ id: 'DatabasePage' }) },
  examples: { response: databaseListExample },
  handler: async ({ os }) => {
    const from = performance.now()
    const data = await os.databases.status()
    const searchTimeMs = Math.round((performance.now() - from) * 1000) / 1000
    const count = data.length
    return { data, meta: { page: 1, limit: count, totalCount: count, totalPages: 1, searchTimeMs } }
  },
})

const migrateDatabase = route({
  method: 'post',
  path: '/databases/{db_id}/migrate',
  operationId: 'migrate_database',
  summary: 'Migrate a database',
  description:
    'Brings the schema to a version, all the way or not at all. `target_version` stands in the query or in the body.',
  tags,
  scope: 'config:write',
  params: z.object({ dbId: z.string().meta({ examples: ['agentos-db'] }) }),
  query: migrateQuery,
  body: migrateBody,
  response: { 200: DatabaseMigration },
  errors: { ...errors, 404: ['DATABASE_NOT_FOUND'] },
  examples: { request: migrateExample, response: migrationExample },
  handler: ({ os, params, query, body }) => os.databases.migrate(params.dbId, orderOf(query, body)),
})

const migrateAllDatabases = route({
  method: 'post',
  path: '/databases/all/migrate',
  operationId: 'migrate_all_databases',
  summary: 'Migrate all databases',
  description: 'One that fails does not stop the others: 207 names those that have failed, each with its error code.',
  tags,
  scope: 'config:write',
  query: migrateQuery,
  body: migrateBody,
  response: { 200: DatabasesMigration, 207: DatabasesMigration },
  errors,
  examples: {
    request: migrateExample,
    response: { message: migrationExample.message, results: { [migrationExample.db_id]: migrationExample } },
  },
  handler: async ({ os, query, body }) => {
    const migration = await os.databases.migrateAll(orderOf(query, body))
    return migration.failed ? reply(207, migration) : migration
  },
})

/** What a request asks for. It does not wait for whoever migrates already: the client can look, and ask again. */
function orderOf(query: z.output<typeof migrateQuery>, body: z.output<typeof migrateBody>): MigrateDatabase {
  const [inQuery, inBody] = [query.targetVersion, body.targetVersion ?? undefined]
  if (inQuery !== undefined && inBody !== undefined && inQuery !== inBody) {
    const message = `is "${inQuery}" in the query and "${inBody}" in the body; send one`
    throw new ValidationError('VALIDATION_ERROR', `The request is not valid. target_version: ${message}.`, [
      { path: 'target_version', message },
    ])
  }
  return {
    to: inQuery ?? inBody,
    allowDowngrade: query.allowDowngrade || (body.allowDowngrade ?? false),
    dryRun: query.dryRun || (body.dryRun ?? false),
    wait: false,
  }
}

export const databaseRoutes = [listDatabases, migrateDatabase, migrateAllDatabases]
