import { z } from 'zod'
import { AgentEvent } from '../agents/log/events.js'
import { AgentRun, RunStatus } from '../agents/log/run-record.js'
import { NotFoundError } from '../core/errors.js'
import { RunRow, toRunRow } from '../runs/run-row.js'
import { runStatuses } from './coded-query.js'
import { createRunBody, toCreateRun } from './create-run-body.js'
import { sliceQuery } from './pagination.js'
import { reply } from './reply.js'
import { cancelledExample, runExample, runRequestExample, runRowExample } from './run-examples.js'
import { agentParams, checkRun, RunAccepted, runHeaders, runParams, runScope } from './run-path.js'
import { runStreamReply } from './run-stream-reply.js'
import { route } from './services.js'
import type { Services } from './services.js'
import { sliceReply } from './slice-reply.js'

const tags = ['Runs']

const createRun = route({
  method: 'post',
  path: '/agents/{agent_id}/runs',
  operationId: 'create_agent_run',
  summary: 'Run an agent',
  description:
    'Answers when the run has ended or paused; with `stream` with its events as they come; with `background` at once. ' +
    'A failing model or tool is no failed request: the run is then `error`. `Idempotency-Key` makes a repeated request ' +
    'safe for 24 hours.',
  tags,
  scope: runScope,
  params: agentParams,
  body: createRunBody,
  uploads: ['files'],
  stream: AgentEvent,
  response: { 200: AgentRun, 202: RunAccepted },
  errors: {
    403: ['USER_MISMATCH', 'RESERVED_PRINCIPAL'],
    404: ['AGENT_NOT_FOUND', 'SESSION_NOT_FOUND'],
    409: ['RUN_EXISTS', 'SESSION_BUSY', 'SESSION_COMPONENT_MISMATCH', 'IDEMPOTENCY_KEY_REUSED'],
    422: [
      'INPUT_SCHEMA_MISMATCH',
      'INVALID_OUTPUT_SCHEMA',
      'EMPTY_FILE',
      'MEDIA_PATH_FORBIDDEN',
      'URL_FORBIDDEN',
      'WEBHOOK_SECRET_UNKNOWN',
    ],
    429: ['QUEUE_FULL'],
    503: ['DATABASE_UNAVAILABLE', 'NOT_READY', 'SHUTTING_DOWN'],
  },
  examples: { request: runRequestExample, response: runExample },
  handler: async ({ os, params, body, files, headers, signal, requestId }) => {
    const input = toCreateRun(params.agentId, body, files, headers)
    if (body.stream) {
      const stream = body.background ? os.runs.streamInBackground(input) : os.runs.stream(input)
      const { compatibility, logger } = os.server
      return runStreamReply(stream, { allEvents: body.streamEvents, compatibility, requestId, logger })
    }
    if (body.background) {
      const started = await os.runs.start(input)
      return reply(202, started, { headers: runHeaders(started) })
    }
    const run = await os.runs.create({ ...input, signal })
    return reply(200, run, { headers: runHeaders(run) })
  },
})

const listRuns = route({
  method: 'get',
  path: '/agents/{agent_id}/runs',
  operationId: 'list_agent_runs',
  summary: "List an agent's runs",
  description: 'The newest ones, oldest first. `X-Next-Cursor` leads to older ones, `X-Total-Count` says how many.',
  tags,
  scope: runScope,
  params: agentParams,
  query: z.strictObject({
    sessionId: z.string().max(255).optional(),
    status: runStatuses().optional().meta({ description: 'States with commas between them.' }),
    ...sliceQuery(),
  }),
  response: { 200: z.array(RunRow) },
  errors: { 404: ['AGENT_NOT_FOUND', 'SESSION_NOT_FOUND'], 422: ['INVALID_STATUS'] },
  examples: { response: [runRowExample] },
  handler: async ({ os, params, query: { status, sessionId, ...page } }) => {
    const agent = os.server.catalog.agent(params.agentId)
    if (sessionId !== undefined) await checkSession(os, sessionId, agent.id)
    const filter = { componentKind: agent.kind, componentId: agent.id, sessionId, statuses: status, topLevelOnly: true }
    const { data, ...rest } = await os.runs.list({ ...filter, ...page })
    return sliceReply({ data: data.map((run) => toRunRow(run)), ...rest })
  },
})

const getRun = route({
  method: 'get',
  path: '/agents/{agent_id}/runs/{run_id}',
  operationId: 'get_agent_run',
  summary: 'Get a run as it is now',
  tags,
  scope: runScope,
  params: runParams,
  query: z.object({ sessionId: z.string().max(255).optional() }),
  response: { 200: AgentRun },
  errors: { 404: ['AGENT_NOT_FOUND', 'RUN_NOT_FOUND'] },
  examples: { response: runExample },
  handler: async ({ os, params, query }) => {
    await checkRun(os, params, query)
    const run = await os.runs.get(params.runId)
    const isGoingOn = run.status === 'pending' || run.status === 'running'
    return reply(200, run, isGoingOn ? { headers: { 'Retry-After': '1' } } : {})
  },
})

const cancelRun = route({
  method: 'post',
  path: '/agents/{agent_id}/runs/{run_id}/cancel',
  operationId: 'cancel_agent_run',
  summary: 'Cancel a run',
  description: 'Answers with the end state that the run has. A run that had ended before stays as it is.',
  tags,
  scope: runScope,
  params: runParams,
  query: z.object({ sessionId: z.string().max(255).optional() }),
  body: z.object({ sessionId: z.string().max(255).optional() }),
  form: true,
  response: { 200: z.object({ runId: z.string(), sessionId: z.string(), status: RunStatus }) },
  errors: { 404: ['AGENT_NOT_FOUND', 'RUN_NOT_FOUND'] },
  examples: {
    request: { session_id: runExample.session_id },
    response: cancelledExample,
  },
  handler: async ({ os, params, query, body }) => {
    await checkRun(os, params, { sessionId: query.sessionId ?? body.sessionId })
    return os.runs.cancel(params.runId)
  },
})

export const runRoutes = [createRun, listRuns, getRun, cancelRun]

async function checkSession(os: Services, sessionId: string, agentId: string): Promise<void> {
  const session = await os.sessions.get(sessionId, { type: 'agent' })
  if (!('agentId' in session) || session.agentId !== agentId) {
    throw new NotFoundError('SESSION_NOT_FOUND', `There is no session "${sessionId}".`)
  }
}
