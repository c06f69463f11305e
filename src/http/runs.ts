import { z } from 'zod'
import { RunStatus } from '../agents/log/run-record.js'
import { NotFoundError } from '../core/errors.js'
import type { ComponentId } from '../runs/run-repository.js'
import { toRunRow } from '../runs/run-row.js'
import { runStatuses } from './coded-query.js'
import { namedIn, servedKinds } from './component-kind.js'
import type { ServedKind } from './component-kind.js'
import { createRunBody, toCreateRun } from './create-run-body.js'
import { sliceQuery } from './pagination.js'
import { reply } from './reply.js'
import { cancelledExample, runExamples, runRequestExample } from './run-examples.js'
import { checkRun, RunAccepted, runHeaders, runParams, runScope } from './run-path.js'
import { runStreamReply } from './run-stream-reply.js'
import { route } from './services.js'
import type { Services } from './services.js'
import { sliceReply } from './slice-reply.js'

const tags = ['Runs']

/** The routes of runs are the same for agents, teams and workflows. */
function runRoutesOf(served: ServedKind) {
  const { kind, plural, article, inPath, notFound } = served
  const examples = runExamples[kind]
  const createRun = route({
    method: 'post',
    path: `/${plural}/${inPath}/runs`,
    operationId: `create_${kind}_run`,
    summary: `Run ${article}`,
    description:
      'Answers when the run has ended or paused; with `stream` with its events as they come; with `background` at once. ' +
      'A failing model or tool is no failed request: the run is then `error`. `Idempotency-Key` makes a repeated request ' +
      'safe for 24 hours.',
    tags,
    scope: runScope(served),
    params: served.params,
    body: createRunBody,
    uploads: ['files'],
    stream: served.frame,
    startsRun: true,
    response: { 200: served.run, 202: RunAccepted },
    errors: {
      403: ['USER_MISMATCH', 'RESERVED_PRINCIPAL'],
      404: [notFound, 'SESSION_NOT_FOUND'],
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
    examples: { request: runRequestExample, response: examples.run },
    handler: async ({ os, params, body, files, headers, signal, requestId }) => {
      const input = toCreateRun(namedIn(served, params), body, files, headers)
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
    path: `/${plural}/${inPath}/runs`,
    operationId: `list_${kind}_runs`,
    summary: `List the runs of ${article}`,
    description: 'The newest ones, oldest first. `X-Next-Cursor` leads to older ones, `X-Total-Count` says how many.',
    tags,
    scope: runScope(served),
    params: served.params,
    query: z.strictObject({
      sessionId: z.string().max(255).optional(),
      status: runStatuses().optional().meta({ description: 'States with commas between them.' }),
      ...sliceQuery(),
    }),
    response: { 200: z.array(served.row) },
    errors: { 404: [notFound, 'SESSION_NOT_FOUND'], 422: ['INVALID_STATUS'] },
    examples: { response: [examples.row] },
    handler: async ({ os, params, query: { status, sessionId, ...page } }) => {
      const { id } = os.server.catalog.find(namedIn(served, params))
      if (sessionId !== undefined) await checkSession(os, sessionId, { kind, id })
      const filter = { componentKind: kind, componentId: id, sessionId, statuses: status, topLevelOnly: true }
      const { data, ...rest } = await os.runs.list({ ...filter, ...page })
      return sliceReply({ data: data.map((run) => toRunRow(run)), ...rest })
    },
  })

  const getRun = route({
    method: 'get',
    path: `/${plural}/${inPath}/runs/{run_id}`,
    operationId: `get_${kind}_run`,
    summary: 'Get a run as it is now',
    tags,
    scope: runScope(served),
    params: runParams(served),
    query: z.object({ sessionId: z.string().max(255).optional() }),
    response: { 200: served.run },
    errors: { 404: [notFound, 'RUN_NOT_FOUND'] },
    examples: { response: examples.run },
    handler: async ({ os, params, query }) => {
      const run = await os.runs.get(await checkRun(os, served, params, query))
      const isGoingOn = run.status === 'pending' || run.status === 'running'
      return reply(200, run, isGoingOn ? { headers: { 'Retry-After': '1' } } : {})
    },
  })

  const cancelRun = route({
    method: 'post',
    path: `/${plural}/${inPath}/runs/{run_id}/cancel`,
    operationId: `cancel_${kind}_run`,
    summary: 'Cancel a run',
    description: 'Answers with the end state that the run has. A run that had ended before stays as it is.',
    tags,
    scope: runScope(served),
    params: runParams(served),
    query: z.object({ sessionId: z.string().max(255).optional() }),
    body: z.object({ sessionId: z.string().max(255).optional() }),
    form: true,
    response: { 200: z.object({ runId: z.string(), sessionId: z.string(), status: RunStatus }) },
    errors: { 404: [notFound, 'RUN_NOT_FOUND'] },
    examples: {
      request: { session_id: examples.run.session_id },
      response: cancelledExample,
    },
    handler: async ({ os, params, query, body }) => {
      return os.runs.cancel(await checkRun(os, served, params, { sessionId: query.sessionId ?? body.sessionId }))
    },
  })

  return [createRun, listRuns, getRun, cancelRun]
}

export const runRoutes = Object.values(servedKinds).flatMap(runRoutesOf)

async function checkSession(os: Services, sessionId: string, { kind, id }: ComponentId): Promise<void> {
  const session = await os.sessions.get(sessionId, { type: kind })
  const owner = 'agentId' in session ? session.agentId : 'teamId' in session ? session.teamId : session.workflowId
  if (owner !== id) throw new NotFoundError('SESSION_NOT_FOUND', `There is no session "${sessionId}".`)
}
