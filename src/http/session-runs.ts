import { z } from 'zod'
import { RunRow } from '../runs/run-row.js'
import { route } from './services.js'
import { runExamples } from './run-examples.js'
import { sessionErrors, sessionParams, sessionQuery, sessionRunsQuery, sessionsIn } from './session-query.js'
import { sliceReply } from './slice-reply.js'

const tags = ['Sessions']

const listSessionRuns = route({
  method: 'get',
  path: '/sessions/{session_id}/runs',
  operationId: 'list_session_runs',
  summary: 'List the runs of a session',
  description: 'The newest ones, oldest first. `X-Next-Cursor` leads to older ones, `X-Total-Count` says how many.',
  tags,
  scope: 'sessions:read',
  params: sessionParams,
  query: sessionRunsQuery,
  response: { 200: z.array(RunRow) },
  errors: { ...sessionErrors, 422: ['INVALID_RANGE', 'INVALID_STATUS'] },
  examples: { response: [runExamples.agent.row] },
  handler: async ({ os, params, query: { status, ...query } }) =>
    sliceReply(await sessionsIn(os, query).runs(params.sessionId, { ...query, statuses: status })),
})

const getSessionRun = route({
  method: 'get',
  path: '/sessions/{session_id}/runs/{run_id}',
  operationId: 'get_session_run',
  summary: 'Get a run of a session',
  tags,
  scope: 'sessions:read',
  params: sessionParams.extend({ runId: z.string() }),
  query: sessionQuery,
  response: { 200: RunRow },
  errors: { ...sessionErrors, 404: ['RUN_NOT_FOUND', ...sessionErrors[404]] },
  examples: { response: runExamples.agent.row },
  handler: ({ os, params, query }) => sessionsIn(os, query).run(params.sessionId, params.runId, query),
})

export const sessionRunRoutes = [listSessionRuns, getSessionRun]
