import { beforeAll, describe, expect, it } from 'vitest'
import { AgentOS } from 'agentos-sdk'
import type { AgentOSClient, StreamContinueRequest, StreamRunRequest } from 'agentos-sdk/client'
import { sqlite } from 'agentos-sdk/storage'
import { operations } from '../../src/client/contract.js'
import { silentLogger } from '../../src/core/logger.js'
import { clientOf } from './support.js'

interface Sent {
  method: string
  path: string
  query: string[]
  body: string[]
}

interface Operation {
  operationId: string
  parameters?: { name: string; in: string }[]
  requestBody?: { content: Record<string, { schema: { properties?: object; $ref?: string } }> }
}

let sent: Sent | undefined

/** Answers nothing of use, and keeps what it was asked. */
const client: AgentOSClient = clientOf('http://host', {
  fetch: (url, { method = 'GET', body }) => {
    const { pathname, searchParams } = new URL(url)
    sent = {
      method,
      path: pathname.replace(/^\/os/, ''),
      query: [...searchParams.keys()].toSorted(),
      body: typeof body === 'string' ? Object.keys(JSON.parse(body) as object).toSorted() : [],
    }
    return Promise.resolve(Response.json({ detail: 'No.', error_code: 'NO' }, { status: 400 }))
  },
})

const select = { type: 'agent', userId: 'u', dbId: 'd', table: 't' } as const
const page = { limit: 1, cursor: 'c' }
const approvals = {
  approvalType: 'required',
  sourceType: 'agent',
  pauseType: 'confirmation',
  agentId: 'a',
  teamId: 't',
  workflowId: 'w',
  userId: 'u',
  scheduleId: 's',
  runId: 'r',
  sessionId: 's',
} as const
const migrate = { to: '1.0.0', allowDowngrade: true, dryRun: true }
const media = { url: 'https://host/x' }
const newRun = {
  message: 'm',
  sessionId: 's',
  userId: 'u',
  runId: 'r',
  images: [media],
  audio: [media],
  videos: [media],
  files: [media],
  sessionState: {},
  additionalData: {},
  metadata: {},
  outputSchema: {},
  useJsonSchema: true,
  addHistoryToContext: true,
  addDependenciesToContext: true,
  addSessionStateToContext: true,
  concurrency: 'queue',
  runAfter: '2026-04-24T20:15:00Z',
  webhook: { url: 'https://host/x', secretRef: 's' },
  priority: 1,
  dependencies: {},
  knowledgeFilters: {},
  streamEvents: true,
} satisfies Omit<StreamRunRequest, 'agentId'>
const decided = {
  tools: [{ toolCallId: 'c', confirmed: true }],
  requirements: [{ id: 'r', confirmation: true }],
  input: 'i',
  userId: 'alice',
  continueFrom: 'end',
  fork: false,
  regenerate: true,
  replaceOriginal: true,
  additionalInstructions: 'i',
  dependencies: {},
  metadata: {},
  knowledgeFilters: {},
  streamEvents: true,
} satisfies Omit<StreamContinueRequest, 'agentId'>

type OperationName = keyof typeof operations
type Kind = 'agent' | 'team' | 'workflow'

/** Every kind of component can be run. */
function runCalls<Of extends Kind>(kind: Of, named: { agentId: string } | { teamId: string } | { workflowId: string }) {
  const run = { ...named, sessionId: 's' }
  const calls = {
    [`create_${kind}_run`]: () => client.runs.streamInBackground({ ...named, ...newRun }).accepted,
    [`list_${kind}_runs`]: () => client.runs.list({ ...run, ...page, statuses: ['completed'] }),
    [`get_${kind}_run`]: () => client.runs.get('run_id', run),
    [`cancel_${kind}_run`]: () => client.runs.cancel('run_id', run),
    [`resume_${kind}_run`]: () => client.runs.resume('run_id', { ...run, after: 3 }).accepted,
    [`follow_${kind}_run`]: () => Promise.resolve(),
  }
  return calls as Record<`${'create' | 'get' | 'cancel' | 'resume' | 'follow'}_${Of}_run` | `list_${Of}_runs`, Call>
}

/** What has messages can be continued from them, and forked. */
function messageCalls<Of extends 'agent' | 'team'>(kind: Of, named: { agentId: string } | { teamId: string }) {
  const run = { ...named, sessionId: 's' }
  const calls = {
    [`continue_${kind}_run`]: () => client.runs.continueStreamInBackground('run_id', { ...run, ...decided }).accepted,
    [`list_${kind}_run_checkpoints`]: () => client.runs.checkpoints('run_id', run),
    [`get_${kind}_run_checkpoint`]: () => client.runs.checkpoint('run_id', 2, run),
    [`fork_${kind}_session`]: () => client.sessions.fork('session_id', { ...named, userId: 'u' }),
  }
  return calls as Record<
    `continue_${Of}_run` | `list_${Of}_run_checkpoints` | `get_${Of}_run_checkpoint` | `fork_${Of}_session`,
    Call
  >
}

type Call = () => Promise<unknown>

/** Each operation, asked with everything that it takes. */
const calls: Record<OperationName, Call> = {
  list_agents: () => client.agents.list(page),
  get_agent: () => client.agents.get('agent_id', { version: 1 }),
  list_teams: () => client.teams.list(page),
  get_team: () => client.teams.get('team_id', { version: 1 }),
  list_workflows: () => client.workflows.list(page),
  get_workflow: () => client.workflows.get('workflow_id', { version: 1 }),
  ...runCalls('agent', { agentId: 'agent_id' }),
  ...runCalls('team', { teamId: 'team_id' }),
  ...runCalls('workflow', { workflowId: 'workflow_id' }),
  continue_workflow_run: () =>
    client.runs.continueStreamInBackground('run_id', {
      workflowId: 'workflow_id',
      sessionId: 's',
      userId: 'alice',
      stepRequirements: [{ stepId: 'x', confirmed: true }],
      errorRequirements: [{ stepId: 'y', decision: 'retry' }],
      dependencies: {},
      metadata: {},
      streamEvents: true,
    }).accepted,
  send_workflow_event: () =>
    client.runs.sendEvent('run_id', { name: 'n', payload: 1, id: 'i' }, { workflowId: 'workflow_id' }),
  ...messageCalls('agent', { agentId: 'agent_id' }),
  ...messageCalls('team', { teamId: 'team_id' }),
  list_sessions: () =>
    client.sessions.list({
      ...select,
      ...page,
      page: 1,
      componentId: 'c',
      sessionName: 'n',
      sortBy: 'created_at',
      sortOrder: 'asc',
    }),
  create_session: () =>
    client.sessions.create(
      {
        type: 'agent',
        sessionId: 's',
        sessionName: 'n',
        sessionState: {},
        metadata: {},
        userId: 'u',
        agentId: 'a',
        teamId: 't',
        workflowId: 'w',
      },
      { dbId: 'd', table: 't' },
    ),
  delete_sessions: () => client.sessions.deleteMany({ sessionIds: ['s'], sessionTypes: ['agent'] }, select),
  get_session: () => client.sessions.get('session_id', { ...select, historyLimit: 1 }),
  update_session: () =>
    client.sessions.update(
      'session_id',
      { sessionName: 'n', sessionState: {}, metadata: {}, summary: { summary: 's' } },
      select,
    ),
  delete_session: () => client.sessions.delete('session_id', select),
  rename_session: () => client.sessions.rename('session_id', 'n', select),
  list_session_runs: () =>
    client.sessions.runs('session_id', {
      ...select,
      ...page,
      createdAfter: '2026-04-24T20:15:00Z',
      createdBefore: '2026-04-24T20:15:00Z',
      statuses: ['completed'],
      include: ['messages'],
    }),
  get_session_run: () => client.sessions.run('session_id', 'run_id', select),
  list_approvals: () => client.approvals.list({ ...approvals, ...page, status: 'pending', page: 1 }),
  count_approvals: () => client.approvals.count(approvals),
  get_approval: () => client.approvals.get('approval_id'),
  get_approval_status: () => client.approvals.status('approval_id'),
  resolve_approval: () =>
    client.approvals.resolve('approval_id', {
      status: 'approved',
      resolvedBy: 'u',
      resolutionData: { note: 'n' },
      continueRun: true,
    }),
  delete_approval: () => client.approvals.delete('approval_id'),
  list_service_accounts: () =>
    client.serviceAccounts.list({ ...page, page: 1, includeRevoked: false, sortBy: 'name', sortOrder: 'asc' }),
  create_service_account: () =>
    client.serviceAccounts.mint({
      name: 'n',
      scopes: ['agents:run'],
      expiresInDays: 1,
      neverExpires: false,
      allowPrivilegedScopes: true,
    }),
  delete_service_account: () => client.serviceAccounts.revoke('service_account_id'),
  list_databases: () => client.databases.list(),
  migrate_database: () => client.databases.migrate('db_id', migrate),
  migrate_all_databases: () => client.databases.migrateAll(migrate),
  get_api_info: () => client.api(),
  health_check: () => client.health({ ready: true }),
  get_info: () => client.info(),
  get_config: () => client.config(),
  get_models: () => client.models(),
}

/** What a method leaves out on purpose. */
const leftOut: Partial<Record<OperationName, { query?: string[]; body?: string[] }>> = {
  // Documents go as `input_files`, which every form of body takes.
  create_agent_run: { body: ['files'] },
  create_team_run: { body: ['files'] },
  create_workflow_run: { body: ['files'] },
  cancel_agent_run: { body: ['session_id'] },
  cancel_team_run: { body: ['session_id'] },
  cancel_workflow_run: { body: ['session_id'] },
  create_session: { query: ['user_id'] },
  delete_sessions: { query: ['session_ids'] },
  // In the body.
  migrate_database: { query: ['allow_downgrade', 'dry_run', 'target_version'] },
  migrate_all_databases: { query: ['allow_downgrade', 'dry_run', 'target_version'] },
}

/** Asked by streams that connect again; see reconnect.test.ts. */
const elsewhere = new Set(['follow_agent_run', 'follow_team_run', 'follow_workflow_run'])

let document: { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, object> } }

beforeAll(async () => {
  await using agentOS = new AgentOS({ agents: [], storage: sqlite(':memory:'), logger: silentLogger })
  const response = await agentOS.fetch(new Request('http://host/openapi.json'))
  document = (await response.json()) as typeof document
})

function bodyNames({ requestBody }: Operation): string[] {
  const schema = requestBody?.content['application/json']?.schema ?? {}
  const named = schema.$ref && document.components.schemas[schema.$ref.split('/').at(-1)!]
  return Object.keys(((named ?? schema) as { properties?: object }).properties ?? {})
}

describe('each operation', () => {
  it.each(Object.keys(operations).filter((name) => !elsewhere.has(name)) as OperationName[])(
    '%s is asked where it is served, with every parameter that it takes',
    async (name) => {
      const { method, path } = operations[name]
      const served = document.paths[path]![method.toLowerCase()]!
      await expect(calls[name]()).rejects.toMatchObject({ code: 'NO' })
      const query = (served.parameters ?? []).filter((one) => one.in === 'query').map((one) => one.name)
      const { query: notInQuery = [], body: notInBody = [] } = leftOut[name] ?? {}
      expect(sent).toEqual({
        method,
        path: path.replaceAll('{message_index}', '2').replaceAll(/\{(\w+)\}/g, '$1'),
        query: query.filter((one) => !notInQuery.includes(one)).toSorted(),
        body: bodyNames(served)
          .filter((one) => !notInBody.includes(one))
          .toSorted(),
      })
    },
  )
})
