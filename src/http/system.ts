import { createHash } from 'node:crypto'
import { z } from 'zod'
import { UnavailableError } from '../core/errors.js'
import { Timestamp } from '../core/schema.js'
import { SDK } from '../core/version.js'
import { etag, isKnown } from './etag.js'
import { modelsOf, OsConfig, osConfig, ServedModel } from './os-config.js'
import { queryBoolean } from './query.js'
import { reply } from './reply.js'
import { route } from './services.js'
import type { ServedDatabase, ServerDescription } from './services.js'

const tags = ['System']

/** The version of the origin's API whose contract this is. */
const CONTRACT_VERSION = '2.9.0'

const getApiInfo = route({
  method: 'get',
  path: '/',
  operationId: 'get_api_info',
  summary: 'What answers here',
  tags,
  scope: 'any',
  response: { 200: z.object({ name: z.literal('AgentOS API'), id: z.string(), version: z.string() }) },
  examples: { response: { name: 'AgentOS API', id: 'agentos', version: '1.0.0' } },
  handler: ({ os: { server } }) => ({ name: 'AgentOS API' as const, id: server.id, version: server.version }),
})

const healthCheck = route({
  method: 'get',
  path: '/health',
  operationId: 'health_check',
  summary: 'Is it up?',
  description:
    'Says that the process answers. With `ready=true` it also asks every database, whether its schema is one for this ' +
    'server, and for the keys of tokens.',
  tags,
  scope: 'public',
  query: z.object({ ready: queryBoolean(false) }),
  response: { 200: z.object({ status: z.literal('ok'), instantiatedAt: Timestamp }) },
  errors: { 503: ['NOT_READY'] },
  examples: { response: { status: 'ok', instantiated_at: '2026-04-24T20:15:00.000Z' } },
  handler: async ({ os: { server }, query }) => {
    if (query.ready) await assertReady(server)
    return { status: 'ok' as const, instantiatedAt: server.startedAt }
  },
})

const Info = z.object({
  osId: z.string(),
  name: z.string().nullable(),
  agnoVersion: z.string(),
  sdk: z.object({ name: z.string(), version: z.string() }),
  agentCount: z.number().int(),
  teamCount: z.number().int(),
  workflowCount: z.number().int(),
  mcp: z.object({ enabled: z.boolean(), path: z.string().nullable(), oauth: z.null() }),
  authMode: z.enum(['none', 'security_key', 'jwt']),
})

const getInfo = route({
  method: 'get',
  path: '/info',
  operationId: 'get_info',
  summary: 'What a tool needs to know to talk to this server',
  tags,
  scope: 'any',
  response: { 200: Info.meta({ id: 'Info' }) },
  examples: {
    response: {
      os_id: 'agentos',
      name: 'My AgentOS',
      agno_version: CONTRACT_VERSION,
      sdk: { name: 'agentos-sdk', version: '1.0.0' },
      agent_count: 1,
      team_count: 0,
      workflow_count: 0,
      mcp: { enabled: false, path: null, oauth: null },
      auth_mode: 'none',
    },
  },
  handler: ({ os: { server } }) => ({
    osId: server.id,
    name: server.name ?? null,
    agnoVersion: CONTRACT_VERSION,
    sdk: SDK,
    agentCount: server.catalog.all('agent').length,
    teamCount: server.catalog.all('team').length,
    workflowCount: server.catalog.all('workflow').length,
    mcp: { enabled: false, path: null, oauth: null },
    authMode: server.authMode,
  }),
})

const getConfig = route({
  method: 'get',
  path: '/config',
  operationId: 'get_config',
  summary: 'What this server is made of',
  description:
    'Only components that the caller may read or run. `If-None-Match` answers 304 while nothing has changed.',
  tags,
  scope: 'config:read',
  response: { 200: OsConfig, 304: null },
  examples: {
    response: {
      os_id: 'agentos',
      name: 'My AgentOS',
      available_models: ['openai:gpt-5-mini'],
      os_database: 'agentos',
      databases: ['agentos'],
      session: { dbs: [{ db_id: 'agentos', domain_config: { display_name: 'agentos' }, tables: ['sessions'] }] },
      agents: [{ id: 'support', name: 'Support', db_id: 'agentos', model: { id: 'gpt-5-mini', provider: 'openai' } }],
      teams: [],
      workflows: [],
      interfaces: [],
    },
  },
  handler: async ({ os: { server }, caller, headers }) => {
    const config = await osConfig(server, caller)
    const version = createHash('sha256').update(JSON.stringify(config)).digest('base64url').slice(0, 22)
    const versioned = { headers: { ETag: etag(version), 'Cache-Control': 'private, no-cache' } }
    return isKnown(headers, version) ? reply(304, undefined, versioned) : reply(200, config, versioned)
  },
})

const getModels = route({
  method: 'get',
  path: '/models',
  operationId: 'get_models',
  summary: 'List the models in use',
  tags,
  scope: 'config:read',
  response: { 200: z.array(ServedModel) },
  examples: { response: [{ id: 'gpt-5-mini', provider: 'openai' }] },
  handler: ({ os: { server } }) => modelsOf(server, server.catalog.components),
})

/** Why it is not ready may hold words of a driver or an issuer: that goes to the log, not to whoever asks. */
async function assertReady(server: ServerDescription): Promise<void> {
  await Promise.all([server.database, ...server.furtherDatabases].map(assertDatabase))
  const auth = await server.checkAuth?.()
  if (auth && !auth.ready) throw notReady('The keys that tokens are checked with are not there.', auth.reason)
}

async function assertDatabase(database: ServedDatabase): Promise<void> {
  const { ready, reason } = await database.check()
  if (!ready) throw notReady(`The database "${database.id}" is not ready.`, reason)
}

function notReady(detail: string, reason: string | undefined): UnavailableError {
  return new UnavailableError('NOT_READY', detail, 1, { cause: new Error(reason ?? detail) })
}

export const systemRoutes = [getApiInfo, healthCheck, getInfo, getConfig, getModels]
